"""The rows that runs add up to, and the counts: what the ledger begins with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import fsum

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance, all_in_batch
from pyalma_tui.model.plan import Grid
from pyalma_tui.model.unmade import PlannedRows, RowsOfRuns
from pyalma_tui.model.vector import MASK, Frozen
from pyalma_tui.model.view import InstanceRow, Tally
from pyalma_tui.store.cold import Cold, is_untouched, words_of

Shared = Callable[[Tally], Tally]
"""There are few different tallies: one object for all that are equal."""


class Totals(msgspec.Struct, frozen=True):
    """A row for each instance; the counts of the batch, and of what is not in it any more; when was saved last."""

    rows: Frozen[InstanceRow] | list[InstanceRow]
    counts: Tally
    aside: Tally
    saved_at: float | None


def tallied(
    instances: Sequence[Instance], runs: Frozen[Run], runs_of: Sequence[Sequence[int]], shared: Shared
) -> Totals:
    """What the runs add up to; `runs_of[i]` are the ids of those of the instance with id i.

    A run that nobody has touched since it was planned or read is not made for it, if each instance has one run only.
    """
    if all_in_batch(instances) and isinstance(runs_of, Grid):
        if runs and len(runs) % len(instances) == 0 and all(map(_is_new, runs.blocks)):
            return _new(len(instances), len(runs), shared)
        if len(runs) == len(instances):
            return _alone(runs, shared)
    return _added_up(instances, list(runs), runs_of, shared)


def _is_new(block: Sequence[Run]) -> bool:
    """Whether nothing has happened to any run of a block that nobody has touched."""
    if isinstance(block, Cold):
        return block.saved_at is None and block.words.count(s.LETTER["pending"]) == len(block)
    return is_untouched(block)


def _new(instances: int, runs: int, shared: Shared) -> Totals:
    """All rows of a new experiment look the same."""
    each = shared(Tally(pending=runs // instances))
    starts = range(0, instances, MASK + 1)
    blocks = tuple(PlannedRows(start, min(MASK + 1, instances - start), each) for start in starts)
    return Totals(Frozen(blocks, instances), Tally(pending=runs), Tally(), None)


def _alone(runs: Frozen[Run], shared: Shared) -> Totals:
    """A row is its run."""
    alone: dict[s.Word, Tally] = {word: shared(Tally(**{word: 1})) for word in s.WORDS}
    counts: Counter[int] = Counter()
    times: list[float] = []
    blocks: list[Sequence[InstanceRow]] = []
    for block in runs.blocks:
        words = words_of(block)
        counts.update(words)
        rows = RowsOfRuns(block, words, alone)
        if isinstance(block, Cold):
            times += [block.saved_at] if block.saved_at is not None else []
        elif not is_untouched(block):
            times += [run.saved_at for run in block if run.saved_at is not None]
        blocks.append(rows if is_untouched(block) else tuple(rows))
    tally = Tally(**{s.OF_LETTER[letter]: number for letter, number in counts.items()})
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
        rows.append(InstanceRow(shared(Tally(**tally)), latest.id if latest else 0, seconds))
    saved_at = max((run.saved_at for run in runs if run.saved_at is not None), default=None)
    return Totals(rows, Tally(**counts), Tally(**aside), saved_at)


def _recency(run: Run) -> tuple[bool, float, int]:
    match run.status:
        case s.Running(since=at):
            return (True, at, -run.id)
        case s.Interrupted(at=at) | s.Failed(at=at) | s.Done(at=at):
            return (False, at, -run.id)
    return (False, run.saved_at or 0.0, -run.id)
