"""What is listed and in which order: one row for each instance, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance


class Tally(msgspec.Struct, frozen=True, gc=False):
    """How many runs stand where."""

    pending: int = 0
    running: int = 0
    interrupted: int = 0
    failed: int = 0
    done: int = 0

    @property
    def total(self) -> int:
        """All runs."""
        return self.pending + self.running + self.interrupted + self.failed + self.done

    def moved(self, old: s.Word, new: s.Word) -> Tally:
        """The tally after one run went from one status to another."""
        if old == new:
            return self
        return msgspec.structs.replace(self, **{old: getattr(self, old) - 1, new: getattr(self, new) + 1})


class Row(msgspec.Struct, frozen=True, gc=False):
    """One instance in the list: where its runs stand, and the id of the one that changed last."""

    tally: Tally
    latest: int


SortKey: TypeAlias = Literal["batch", "name", "status", "progress", "time"]
SORT_KEYS: tuple[SortKey, ...] = ("batch", "status", "name", "progress", "time")

_STATUS_RANK: dict[s.Word, int] = {"failed": 0, "running": 1, "interrupted": 2, "pending": 3, "done": 4}


def row_word(tally: Tally) -> s.Word:
    """The one word for an instance with many runs: what is going on, else what went wrong, else what is left."""
    if tally.running:
        return "running"
    if tally.failed:
        return "failed"
    if tally.interrupted:
        return "interrupted"
    return "pending" if tally.pending else "done"


class Query(msgspec.Struct, frozen=True):
    """What the list shows. Filter words are joined by "and"; `status:failed` and `state:7` are known."""

    text: str = ""
    sort: SortKey = "batch"
    descending: bool = False


Predicate: TypeAlias = Callable[[Instance, Row], bool]


def select(query: Query, instances: Sequence[Instance], rows: Sequence[Row], runs: Sequence[Run]) -> Sequence[int]:
    """The ids of the instances to list, in order. `runs[id - 1]` is the run with that id."""
    predicates = [_predicate(term, runs) for term in query.text.split()]
    chosen: Sequence[int] = range(len(instances))
    if predicates:
        chosen = [
            instance.id
            for instance, row in zip(instances, rows, strict=True)
            if all(predicate(instance, row) for predicate in predicates)
        ]
    if query.sort == "batch":
        return chosen[::-1] if query.descending else chosen
    return sorted(chosen, key=_sort_key(query.sort, instances, rows, runs), reverse=query.descending)


def _predicate(term: str, runs: Sequence[Run]) -> Predicate:
    field, colon, value = term.partition(":")
    wanted = value.casefold()
    if colon and field == "status":
        return lambda _, row: any(w.startswith(wanted) and getattr(row.tally, w) for w in s.WORDS)
    if colon and field == "state":
        return lambda _, row: wanted in (runs[row.latest - 1].state or b"").decode("utf-8", "replace").casefold()
    needle = term.casefold()
    return lambda instance, _: needle in instance.name.casefold()


def _sort_key(
    key: SortKey, instances: Sequence[Instance], rows: Sequence[Row], runs: Sequence[Run]
) -> Callable[[int], tuple[float, str] | tuple[float, int]]:
    if key == "name":
        return lambda i: (0, instances[i].name.casefold())
    if key == "status":
        return lambda i: (_STATUS_RANK[row_word(rows[i].tally)], i)
    if key == "progress":
        return lambda i: (rows[i].tally.done / max(1, rows[i].tally.total), i)
    return lambda i: (-runs[rows[i].latest - 1].seconds, i)
