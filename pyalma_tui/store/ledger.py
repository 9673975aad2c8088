"""What is true: the fold of everything that workers and the runner wrote, kept in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum

from pyalma_tui.errors import IllegalTransitionError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, fold, fold_hook, lost_before
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import Grid, runs_of
from pyalma_tui.model.records import (
    Checkpointed,
    DoneRaised,
    DoneReturned,
    DoneStarted,
    HookRecord,
    Note,
    Record,
    Reset,
    RunRecord,
    hook_order,
    order,
)
from pyalma_tui.model.vector import Vector
from pyalma_tui.model.view import Row, Tally
from pyalma_tui.store.row_files import Moved

NOTES = 500  # kept in memory; the session log on disk has them all


class Ledger:
    """Runs by id, the rows they add up to, the history of done(), and the last notes.

    `runs[i]` is the run with id i + 1. `counts` are those of the batch, `aside` those of instances that are not in the
    batch any more. One thread owns a ledger; others read what its vectors freeze to.
    """

    def __init__(self, instances: Sequence[Instance], runs: Sequence[Run], hook: s.DoneHook) -> None:
        self.instances = instances
        self.runs = Vector(runs)
        self.hook = hook
        self.notes: tuple[Note, ...] = ()
        self.saved_at: float | None = None
        self.runs_of = runs_of(len(instances), runs)
        self._unreset = False  # the record of a reset was lost
        self._tallies: dict[Tally, Tally] = {}  # there are few different ones: share them
        self.aside = Tally()
        self.rows, self.counts = self._rows(runs)

    def _rows(self, runs: Sequence[Run]) -> tuple[Vector[Row], Tally]:
        counts = dict.fromkeys(s.WORDS, 0)
        everyone = all(instance.in_batch for instance in self.instances)
        if everyone and all(
            run.attempt == 0 and run.status is s.PENDING for run in runs
        ):  # new: all rows of a batch look the same
            counts["pending"] = len(runs)
            shared = {n: self._shared(Tally(pending=n)) for n in set(map(len, self.runs_of))}
            return Vector([Row(shared[len(ids)], ids[0]) for ids in self.runs_of]), Tally(pending=len(runs))
        self.saved_at = max((run.saved_at for run in runs if run.saved_at is not None), default=None)
        if everyone and len(runs) == len(self.instances) and isinstance(self.runs_of, Grid):  # a row is its run
            words = [s.word(run.status) for run in runs]
            alone = {word: self._shared(Tally(**{word: 1})) for word in s.WORDS}
            counts |= Counter(words)
            rows = [Row(alone[word], run.id, run.seconds) for word, run in zip(words, runs, strict=True)]
            return Vector(rows), Tally(**counts)
        rows = []
        aside = dict.fromkeys(s.WORDS, 0)
        for instance, ids in zip(self.instances, self.runs_of, strict=True):
            tally = dict.fromkeys(s.WORDS, 0)
            latest = max((runs[i - 1] for i in ids), key=_recency, default=None)
            for i in () if instance.removed else ids:
                tally[s.word(runs[i - 1].status)] += 1
            counted = counts if instance.in_batch else aside
            for word in s.WORDS:
                counted[word] += tally[word]
            seconds = fsum(runs[i - 1].seconds for i in ids)
            rows.append(Row(self._shared(Tally(**tally)), latest.id if latest else 0, seconds))
        self.aside = Tally(**aside)
        return Vector(rows), Tally(**counts)

    def _shared(self, tally: Tally) -> Tally:
        return self._tallies.setdefault(tally, tally)

    def run(self, run: int) -> Run:
        """The run with this id."""
        return self.runs[run - 1]

    def apply(self, record: Record) -> Run | None:
        """Take in one record; the run after it, None where the record is not of a run or changed nothing.

        Raises IllegalTransitionError, IndexError for a run that does not exist.
        """
        if isinstance(record, Note):
            self.notes = (*self.notes, record)[-NOTES:]
            return None
        if isinstance(record, Checkpointed):  # which is about files, not about what is true
            return None
        if isinstance(record, DoneStarted | DoneReturned | DoneRaised):
            self.hook = fold_hook(self.hook, record)
            return None
        if record.run < 1:
            raise IndexError(record.run)
        old = self.runs[record.run - 1]
        if self.instances[old.instance].removed:
            return None
        new = fold(old, record)
        if new is old:
            return None
        self.runs[record.run - 1] = new
        self._count(old, new)
        if isinstance(record, Reset):
            self.hook = fold_hook(self.hook, record)
        return new

    def _count(self, old: Run, new: Run) -> None:
        if new.saved_at is not None and new.saved_at != old.saved_at:
            self.saved_at = max(self.saved_at or 0.0, new.saved_at)
        before, after = s.word(old.status), s.word(new.status)
        row = self.rows[new.instance]
        if before != after:
            if self.instances[new.instance].in_batch:
                self.counts = self.counts.moved(before, after)
            else:
                self.aside = self.aside.moved(before, after)
            seconds = row.seconds + new.seconds - old.seconds
            self.rows[new.instance] = Row(self._shared(row.tally.moved(before, after)), new.id, seconds)
        elif row.latest != new.id:
            self.rows[new.instance] = Row(row.tally, new.id, row.seconds)

    def place_rows(self, moved: Moved) -> None:
        """The rows of some runs were copied to other places."""
        for number in moved.runs:
            self.runs[number - 1] = moved.in_run(self.runs[number - 1])

    def apply_all(self, records: Iterable[Record]) -> None:
        """Take in records of many segments, in the order that a run's records have: attempt and number.

        Where records are lost that must have come before others, what they did is made up for. Raises
        IllegalTransitionError where that cannot be, IndexError for a run that does not exist.
        """
        of_runs: list[RunRecord] = []
        of_hook: list[HookRecord] = []
        notes: list[Note] = []
        for record in records:
            if isinstance(record, Checkpointed):
                continue
            if isinstance(record, Note):
                notes.append(record)
            elif isinstance(record, DoneStarted | DoneReturned | DoneRaised):
                of_hook.append(record)
            else:
                of_runs.append(record)
        for record in (*sorted(of_hook, key=hook_order), *sorted(of_runs, key=order), *notes):
            try:
                self.apply(record)
            except IllegalTransitionError:
                self._apply_with_lost(record)
        if self._unreset and self.counts.done < self.counts.total:
            self.hook = fold_hook(self.hook, Reset(0, 0, 0.0, self.hook.calls))  # a completion is ahead again

    def _apply_with_lost(self, record: Record) -> None:
        assert isinstance(record, RunRecord), "only a run's record is refused"
        for lost in lost_before(self.run(record.run), record):
            self._unreset |= isinstance(lost, Reset)
            self.apply(lost)
        self.apply(record)


def _recency(run: Run) -> tuple[bool, float, int]:
    match run.status:
        case s.Running(since=at):
            return (True, at, -run.id)
        case s.Interrupted(at=at) | s.Failed(at=at) | s.Done(at=at):
            return (False, at, -run.id)
    return (False, run.saved_at or 0.0, -run.id)
