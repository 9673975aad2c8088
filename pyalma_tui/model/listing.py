"""What is listed and in which order: the instances of which a run is meant, sorted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Any, Literal, TypeAlias

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.checks import rank_of
from pyalma_tui.model.data_value import data_value
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance, remaining_number
from pyalma_tui.model.query import Query, Test
from pyalma_tui.model.run_fields import Recorded, kind_of_runs, nothing_recorded
from pyalma_tui.model.vector import BITS, MASK, Frozen
from pyalma_tui.model.view import RANK, InstanceRow, row_word

SortKey: TypeAlias = Literal["batch", "activity", "name", "status", "progress", "time"]
SORT_KEYS: tuple[SortKey, ...] = ("batch", "activity", "status", "name", "progress", "time")
SORT_OF: dict[str, SortKey] = {
    "name": "name",
    "status": "status",
    "runs": "progress",
    "progress": "progress",
    "time": "time",
}
"""By the column of a list: the order by what stands in it."""
BY_WORD: dict[SortKey, tuple[s.Word, ...]] = {
    "status": tuple(RANK),
    "activity": ("running", "failed", "interrupted", "pending", "done"),
}
"""Orders by where instances stand: what went wrong first, or what goes on first."""

UNCHANGING = frozenset({"name", "data", "iteration", "seed"})  # fields that a run never changes


class WantedList(msgspec.Struct, frozen=True):
    """What to list: the instances with a run that the query means, in this order.

    A `parameter` is a key of the instances' data; what is alike there is in the order of the batch, which is `sort`.
    """

    query: Query = Query()
    sort: SortKey = "batch"
    descending: bool = False
    parameter: str = ""


class Source(msgspec.Struct, frozen=True):
    """What is listed from. `runs[id - 1]` is the run with that id, `runs_of[i]` are the ids of those of instance i.

    Runs that run have taken what they have until `now`, None where nobody runs them; `busy` are the ids of those.
    `recorded` tells of their rows; `read` are the ids of runs of which it tells something else than before.
    """

    instances: Sequence[Instance] = ()
    rows: Frozen[InstanceRow] = Frozen()
    runs: Frozen[Run] = Frozen()
    runs_of: Sequence[Sequence[int]] = ()
    now: float | None = None
    busy: frozenset[int] = frozenset()
    recorded: Recorded = nothing_recorded
    read: frozenset[int] = frozenset()


def select(wanted: WantedList, of: Source) -> Sequence[int]:
    """The ids of the instances to list, in order."""
    test = _test(wanted, of)
    chosen: Sequence[int] = [
        instance.id
        for instance in of.instances
        if not instance.removed and (test is None or any(test(of.runs[run - 1]) for run in of.runs_of[instance.id]))
    ]
    if wanted.sort == "batch" and not wanted.parameter:
        return chosen[::-1] if wanted.descending else chosen
    return sorted(chosen, key=_sort_key(wanted, of), reverse=wanted.descending)


def _test(wanted: WantedList, of: Source) -> Test[Run] | None:
    return wanted.query.over(kind_of_runs(of.instances, of.now, of.recorded)) if wanted.query.terms else None


def _sort_key(wanted: WantedList, of: Source) -> Callable[[int], tuple[Any, ...]]:
    instances, rows, key = of.instances, of.rows, wanted.sort
    if wanted.parameter:
        return lambda i: (*rank_of(data_value(instances[i], wanted.parameter)), i)
    if key == "name":
        return lambda i: (0, instances[i].label.casefold())
    if key in BY_WORD:
        rank = {word: number for number, word in enumerate(BY_WORD[key])}
        return lambda i: (rank[row_word(rows[i].tally)], i)
    if key == "progress":
        return lambda i: (rows[i].tally.done / max(1, rows[i].tally.total), i)
    return lambda i: (-rows[i].seconds, i)


class Listing:
    """What `select` gives, kept up to date: only what changed since the last call is looked at.

    A status sort of 100,000 rows costs 60 ms from scratch and about 1 ms when one row changed.
    """

    def __init__(self) -> None:
        self._wanted = WantedList()
        self._seen = Source()
        self._meant: bytearray | None = None  # by instance: whether one of its runs is; None: all are
        self._chosen: list[tuple[Sequence[int], ...]] = []
        self._order: Sequence[int] = range(0)
        self._means: Test[Run] | None = None
        self._about: dict[int, int] = {}  # by instance: the run that was meant when it was last asked
        self.total = 0

    def update(self, wanted: WantedList, of: Source) -> Sequence[int]:
        """The ids of the instances to list, in order: the same object as before if nothing moved.

        `total` is how many there would be without a filter.
        """
        size = len(of.instances)
        blocks = (size + MASK) >> BITS
        fresh = of.instances is not self._seen.instances
        anew = wanted != self._wanted or fresh or len(self._chosen) != blocks
        if fresh:
            self.total = remaining_number(of.instances)
        if anew:
            dirty: Collection[int] = range(blocks)
            if fresh or wanted.query != self._wanted.query or len(self._chosen) != blocks:
                self._meant = _all_meant(wanted, of, self.total < size)
            self._chosen = [()] * blocks
        else:
            dirty = self._changed(wanted, of)
        if wanted.query != self._wanted.query or fresh:
            self._about.clear()
        self._wanted, self._seen = wanted, of
        self._means = _test(wanted, of)
        if not dirty and not anew:
            return self._order
        moved = anew or wanted.sort in ("progress", "time")
        for block in dirty:
            chosen: Sequence[int] = range(block << BITS, min((block + 1) << BITS, size))
            if (meant := self._meant) is not None:
                chosen = [i for i in chosen if meant[i]]
            parts = _by_status(chosen, words_of(of.rows.blocks[block])) if wanted.sort in BY_WORD else (chosen,)
            moved = moved or parts != self._chosen[block]
            self._chosen[block] = parts
        if moved:
            self._order = self._arrange(wanted, of)
        return self._order

    def about(self, instance: int, telling: Run) -> Run:
        """The run to show of an instance that is listed: the one that its row tells of, or one that the query means.

        The last answer is tried first: rows in sight ask with each painting, and there may be thousands of runs.
        """
        test, of = self._means, self._seen
        if test is None or test(telling) or instance >= len(of.runs_of):
            return telling
        if (last := self._about.get(instance)) and test(of.runs[last - 1]):
            return of.runs[last - 1]
        found = next((run for run in (of.runs[i - 1] for i in of.runs_of[instance]) if test(run)), telling)
        self._about[instance] = found.id
        return found

    def _changed(self, wanted: WantedList, of: Source) -> set[int]:
        """The numbers of the blocks of instances that may be listed otherwise than before; `meant` is brought up to
        date."""
        dirty = set() if wanted.sort in ("batch", "name") else _changed_blocks(self._seen.rows, of.rows)
        test, fields = _test(wanted, of), wanted.query.fields
        if test is None or self._meant is None or fields <= UNCHANGING:
            return dirty
        for i in set(self._touched(fields, of)):
            meant = not of.instances[i].removed and any(test(of.runs[run - 1]) for run in of.runs_of[i])
            if meant != self._meant[i]:
                self._meant[i] = meant
                dirty.add(i >> BITS)
        return dirty

    def _touched(self, fields: frozenset[str], of: Source) -> Iterator[int]:
        """The instances of runs that have changed, or of whose rows more is known."""
        before, after = self._seen.runs, of.runs
        for block in _changed_blocks(before, after):
            positions = range(block << BITS, min((block + 1) << BITS, len(after)))
            yield from (after[i].instance for i in positions if i >= len(before) or before[i] is not after[i])
        yield from (after[run - 1].instance for run in of.read)
        if "time" in fields and self._seen.now != of.now:
            yield from (after[run - 1].instance for run in of.busy)

    def _arrange(self, wanted: WantedList, of: Source) -> Sequence[int]:
        if words := BY_WORD.get(wanted.sort):
            order_of = [RANK[word] for word in words]
            ranks = [[part for parts in self._chosen if parts and (part := parts[rank])] for rank in order_of]
            alone = [parts for parts in ranks if parts]
            if self._meant is None and len(alone) <= 1:  # all stand alike: in the order of the batch
                order: Sequence[int] = range(len(of.instances))
            else:
                order = array("q", chain.from_iterable(chain.from_iterable(alone)))
            return order[::-1] if wanted.descending else order
        chosen: Sequence[int] = range(len(of.instances))
        if self._meant is not None:
            chosen = list(chain.from_iterable(parts[0] for parts in self._chosen))
        if wanted.sort == "batch" and not wanted.parameter:
            return chosen[::-1] if wanted.descending else chosen
        order = sorted(chosen, key=_sort_key(wanted, of), reverse=wanted.descending)
        return self._order if order == self._order else order


def _all_meant(wanted: WantedList, of: Source, some_removed: bool) -> bytearray | None:
    """For every instance whether it is listed, found in one walk over all runs; None if all are."""
    test = _test(wanted, of)
    if test is None and not some_removed:
        return None
    if test is None:
        return bytearray(not instance.removed for instance in of.instances)
    meant = bytearray(len(of.instances))
    for run in of.runs:
        if test(run):
            meant[run.instance] = True
    if some_removed:
        for instance in of.instances:
            meant[instance.id] &= not instance.removed
    return meant


def words_of(block: Sequence[InstanceRow]) -> bytes:
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
