"""What is listed and in which order: one row for each instance, filtered and sorted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from typing import Any, Literal, TypeAlias

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance, remaining_number
from pyalma_tui.model.states import one_line
from pyalma_tui.model.vector import BITS, MASK, Frozen
from pyalma_tui.model.words import numbered


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

    def of(self, word: s.Word) -> int:
        """The runs of one status."""
        number: int = getattr(self, word)
        return number

    def moved(self, old: s.Word, new: s.Word) -> Tally:
        """The tally after one run went from one status to another."""
        if old == new:
            return self
        return msgspec.structs.replace(self, **{old: self.of(old) - 1, new: self.of(new) + 1})


class Row(msgspec.Struct, frozen=True, gc=False):
    """One instance in the list: where its runs stand, the id of the one that changed last, and their seconds in all.

    `seconds` are those of attempts that ended.
    """

    tally: Tally
    latest: int
    seconds: float = 0.0


SortKey: TypeAlias = Literal["batch", "name", "status", "progress", "time"]
SORT_KEYS: tuple[SortKey, ...] = ("batch", "status", "name", "progress", "time")

RANK: dict[s.Word, int] = {"failed": 0, "running": 1, "interrupted": 2, "pending": 3, "done": 4}


def row_word(tally: Tally) -> s.Word:
    """The one word for an instance with many runs: what is going on, else what went wrong, else what is left."""
    if tally.running:
        return "running"
    if tally.failed:
        return "failed"
    if tally.interrupted:
        return "interrupted"
    return "pending" if tally.pending else "done"


def telling(row: Row, ids: Sequence[int], runs: Sequence[Run]) -> Run:
    """The run that an instance's row is about: the last that changed, unless another one gave the row its word.

    `ids` are those of the instance's runs, `runs[id - 1]` is the run with that id. An instance with a failed run is
    called failed whatever its other iterations did since.
    """
    latest, word = runs[row.latest - 1], row_word(row.tally)
    if word in ("pending", "done") or s.word(latest.status) == word:
        return latest
    return next((run for run in (runs[i - 1] for i in ids) if s.word(run.status) == word), latest)


def remark(run: Run, iterations: int) -> str:
    """What is worth reading of a run in one line: its error, else its last saved state.

    Of several iterations, the one that failed is named.
    """
    if isinstance(run.status, s.Failed):
        return f"{numbered(run.iteration)} {run.status.error.message}" if iterations > 1 else run.status.error.message
    return "" if run.state is None else one_line(run.state)


class Query(msgspec.Struct, frozen=True):
    """What the list shows. Filter words are joined by "and"; `status:failed` and `state:7` are known."""

    text: str = ""
    sort: SortKey = "batch"
    descending: bool = False


Predicate: TypeAlias = Callable[[Instance, Row], bool]


def select(query: Query, instances: Sequence[Instance], rows: Sequence[Row], runs: Sequence[Run]) -> Sequence[int]:
    """The ids of the instances to list, in order. `runs[id - 1]` is the run with that id."""
    predicates = [_predicate(term, runs) for term in query.text.split()]
    if remaining_number(instances) < len(instances):
        predicates.append(_remains)
    chosen: Sequence[int] = range(len(instances))
    if predicates:
        chosen = [
            instance.id
            for instance, row in zip(instances, rows, strict=True)
            if all(predicate(instance, row) for predicate in predicates)
        ]
    if query.sort == "batch":
        return chosen[::-1] if query.descending else chosen
    return sorted(chosen, key=_sort_key(query.sort, instances, rows), reverse=query.descending)


def _predicate(term: str, runs: Sequence[Run]) -> Predicate:
    field, colon, value = term.partition(":")
    wanted = value.casefold()
    if colon and field == "status":
        return lambda _, row: any(w.startswith(wanted) and row.tally.of(w) for w in s.WORDS)
    if colon and field == "state":
        return lambda _, row: wanted in (runs[row.latest - 1].state or b"").decode("utf-8", "replace").casefold()
    needle = term.casefold()
    return lambda instance, _: needle in instance.name.casefold() or needle in instance.title.casefold()


def _remains(instance: Instance, row: Row) -> bool:
    return not instance.removed


def _sort_key(
    key: SortKey, instances: Sequence[Instance], rows: Sequence[Row]
) -> Callable[[int], tuple[float, str] | tuple[float, int]]:
    if key == "name":
        return lambda i: (0, instances[i].label.casefold())
    if key == "status":
        return lambda i: (RANK[row_word(rows[i].tally)], i)
    if key == "progress":
        return lambda i: (rows[i].tally.done / max(1, rows[i].tally.total), i)
    return lambda i: (-rows[i].seconds, i)


class Listing:
    """What `select` gives, kept up to date: only blocks of instances that changed since the last call are looked at.

    A status sort of 100,000 rows costs 60 ms from scratch and about 1 ms when one row changed.
    """

    def __init__(self) -> None:
        self._query = Query()
        self._instances: Sequence[Instance] = ()
        self._rows: Frozen[Row] = Frozen()
        self._runs: Frozen[Run] = Frozen()
        self._chosen: list[tuple[Sequence[int], ...]] = []
        self._made: list[Sequence[Row]] = []  # the rows by block, where their sort or the filter asks for them
        self._order: Sequence[int] = range(0)
        self.total = 0

    def update(
        self, query: Query, instances: Sequence[Instance], rows: Frozen[Row], runs: Frozen[Run]
    ) -> Sequence[int]:
        """The ids of the instances to list, in order: the same object as before if nothing moved.

        `total` is how many there would be without a filter.
        """
        blocks = (len(instances) + MASK) >> BITS
        anew = query != self._query or instances is not self._instances or len(self._chosen) != blocks
        dirty: Collection[int] = range(blocks) if anew else self._changed(query, rows, runs)
        if instances is not self._instances:
            self.total = remaining_number(instances)
        if anew:
            self._chosen = [()] * blocks
            self._made = [()] * blocks
        self._query, self._instances, self._rows, self._runs = query, instances, rows, runs
        if not dirty and not anew:
            return self._order
        predicates = [_predicate(term, runs) for term in query.text.split()]
        if self.total < len(instances):
            predicates.append(_remains)
        by_rows = bool(predicates) or query.sort in ("progress", "time")
        moved = anew or query.sort in ("progress", "time")
        for block in dirty:
            chosen: Sequence[int] = range(block << BITS, min((block + 1) << BITS, len(instances)))
            made = self._made[block] = tuple(rows.blocks[block]) if by_rows else ()
            if predicates:
                told = zip(chosen, made, strict=True)
                chosen = [i for i, row in told if all(predicate(instances[i], row) for predicate in predicates)]
            parts = _by_status(chosen, words_of(rows.blocks[block])) if query.sort == "status" else (chosen,)
            moved = moved or parts != self._chosen[block]
            self._chosen[block] = parts
        if moved:
            self._order = self._arrange(query, not predicates)
        return self._order

    def _changed(self, query: Query, rows: Frozen[Row], runs: Frozen[Run]) -> set[int]:
        fields = {term.partition(":")[0] for term in query.text.split() if ":" in term}
        if query.sort in ("batch", "name") and not fields & {"status", "state"}:
            return set()
        dirty = _changed_blocks(self._rows, rows)
        if "state" in fields:
            for block in _changed_blocks(self._runs, runs):
                dirty.update(run.instance >> BITS for run in runs[block << BITS : (block + 1) << BITS])
        return dirty

    def _arrange(self, query: Query, everything: bool) -> Sequence[int]:
        if query.sort == "status":
            ranks = [[part for parts in self._chosen if parts and (part := parts[rank])] for rank in range(len(RANK))]
            alone = [parts for parts in ranks if parts]
            if everything and len(alone) <= 1:  # all stand alike: in the order of the batch
                order: Sequence[int] = range(len(self._instances))
            else:
                order = array("q", chain.from_iterable(chain.from_iterable(alone)))
            return order[::-1] if query.descending else order
        chosen: Sequence[int] = range(len(self._instances))
        if not everything:
            chosen = list(chain.from_iterable(parts[0] for parts in self._chosen))
        if query.sort == "batch":
            return chosen[::-1] if query.descending else chosen
        key = _sort_key(query.sort, self._instances, Frozen(tuple(self._made), len(self._rows)))
        order = sorted(chosen, key=key, reverse=query.descending)
        return self._order if order == self._order else order


def words_of(block: Sequence[Row]) -> bytes:
    """The first letter of the word of each row of a block; one that is not made is not made for it."""
    known: bytes | None = getattr(block, "words", None)
    return bytes([s.LETTER[row_word(row.tally)] for row in block]) if known is None else known


def _by_status(ids: Sequence[int], words: bytes) -> tuple[Sequence[int], ...]:
    """The ids of one block by the rank of their status; `words` are those of all rows of the block."""
    if ids and words.count(words[0]) == len(words):
        return tuple(ids if RANK[s.OF_LETTER[words[0]]] == rank else () for rank in range(len(RANK)))
    parts: tuple[list[int], ...] = tuple([] for _ in RANK)
    for i in ids:
        parts[RANK[s.OF_LETTER[words[i & MASK]]]].append(i)
    return parts


def _changed_blocks(old: Frozen[Any], new: Frozen[Any]) -> set[int]:
    """The numbers of the blocks that are not the same objects in two freezes of one vector."""
    before, after = old.blocks, new.blocks
    changed = {i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a is not b}
    return changed.union(range(len(before), len(after)))
