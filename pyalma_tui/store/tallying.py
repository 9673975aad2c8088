"""The rows that runs add up to, and the counts: what the ledger begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import fsum
from typing import overload

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance, all_in_batch
from pyalma_tui.model.plan import Grid
from pyalma_tui.model.vector import Frozen
from pyalma_tui.model.view import Row, Tally
from pyalma_tui.store.cold import WORD, Cold, is_untouched, words_of

Shared = Callable[[Tally], Tally]
"""There are few different tallies: one object for all that are equal."""


class Totals(msgspec.Struct, frozen=True):
    """A row for each instance; the counts of the batch, and of what is not in it any more; when was saved last."""

    rows: Frozen[Row] | list[Row]
    counts: Tally
    aside: Tally
    saved_at: float | None


class _Rows(Sequence[Row]):
    """Rows that are made when they are asked for, and not kept."""

    def __init__(self, length: int, make: Callable[[int], Row]) -> None:
        self._length = length
        self._make = make

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        places = range(self._length)[index]
        return self._make(places) if isinstance(places, int) else list(map(self._make, places))


class _RowsOf(Sequence[Row]):
    """The rows of instances with one run each, made of a block of those runs."""

    __slots__ = ("_alone", "_runs")

    def __init__(self, runs: Sequence[Run], alone: dict[s.Word, Tally]) -> None:
        self._runs = runs
        self._alone = alone

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return list(self)[index]
        return self._row(self._runs[index])

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, self._runs)

    def _row(self, run: Run) -> Row:
        return Row(self._alone[s.word(run.status)], run.id, run.seconds)


def tallied(
    instances: Sequence[Instance], runs: Frozen[Run], runs_of: Sequence[Sequence[int]], shared: Shared
) -> Totals:
    """What the runs add up to; `runs_of[i]` are the ids of those of the instance with id i.

    A run that nobody has touched since it was planned or read is not made for it, if each instance has one run only.
    """
    if all_in_batch(instances) and isinstance(runs_of, Grid):
        if runs and all(is_untouched(block) and not isinstance(block, Cold) for block in runs.blocks):
            return _new(len(instances), len(runs), shared)
        if len(runs) == len(instances):
            return _alone(runs, shared)
    return _added_up(instances, list(runs), runs_of, shared)


def _new(instances: int, runs: int, shared: Shared) -> Totals:
    """All rows of a new experiment look the same."""
    each = shared(Tally(pending=runs // instances))
    rows = _Rows(instances, lambda instance: Row(each, instance + 1))
    return Totals(Frozen.over(rows), Tally(pending=runs), Tally(), None)


def _alone(runs: Frozen[Run], shared: Shared) -> Totals:
    """A row is its run."""
    alone: dict[s.Word, Tally] = {word: shared(Tally(**{word: 1})) for word in s.WORDS}
    counts: Counter[int] = Counter()
    times: list[float] = []
    blocks: list[Sequence[Row]] = []
    for block in runs.blocks:
        counts.update(words_of(block))
        rows = _RowsOf(block, alone)
        if isinstance(block, Cold):
            times += [block.saved_at] if block.saved_at is not None else []
        elif not is_untouched(block):
            times += [run.saved_at for run in block if run.saved_at is not None]
        blocks.append(rows if is_untouched(block) else tuple(rows))
    tally = Tally(**{WORD[letter]: number for letter, number in counts.items()})
    return Totals(Frozen(tuple(blocks), len(runs)), tally, Tally(), max(times, default=None))


def _added_up(
    instances: Sequence[Instance], runs: Sequence[Run], runs_of: Sequence[Sequence[int]], shared: Shared
) -> Totals:
    rows = []
    counts, aside = dict.fromkeys(s.WORDS, 0), dict.fromkeys(s.WORDS, 0)
    for instance, ids in zip(instances, runs_of, strict=True):
        tally = dict.fromkeys(s.WORDS, 0)
        latest = max((runs[i - 1] for i in ids), key=_recency, default=None)
        for i in () if instance.removed else ids:
            tally[s.word(runs[i - 1].status)] += 1
        counted = counts if instance.in_batch else aside
        for word in s.WORDS:
            counted[word] += tally[word]
        seconds = fsum(runs[i - 1].seconds for i in ids)
        rows.append(Row(shared(Tally(**tally)), latest.id if latest else 0, seconds))
    saved_at = max((run.saved_at for run in runs if run.saved_at is not None), default=None)
    return Totals(rows, Tally(**counts), Tally(**aside), saved_at)


def _recency(run: Run) -> tuple[bool, float, int]:
    match run.status:
        case s.Running(since=at):
            return (True, at, -run.id)
        case s.Interrupted(at=at) | s.Failed(at=at) | s.Done(at=at):
            return (False, at, -run.id)
    return (False, run.saved_at or 0.0, -run.id)
