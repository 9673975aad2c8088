"""What is true: the fold of everything that workers and the runner wrote, kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pyalma_tui.errors import IllegalTransitionError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, fold, fold_hook, lost_before
from pyalma_tui.model.instance import Files, Instance
from pyalma_tui.model.plan import Grid, runs_of
from pyalma_tui.model.records import (
    Checkpointed,
    DoneRaised,
    DoneReturned,
    DoneStarted,
    HookRecord,
    Imported,
    Note,
    Record,
    Reset,
    RunRecord,
    hook_order,
    order,
)
from pyalma_tui.model.vector import Vector
from pyalma_tui.model.view import InstanceRow, Tally
from pyalma_tui.store.cold import is_untouched, words_of
from pyalma_tui.store.row_files import MovedRows
from pyalma_tui.store.tallying import tallied

NOTES = 500  # kept in memory; the session log on disk has them all
OF_NO_RUN = (Note, Checkpointed, DoneStarted, DoneReturned, DoneRaised)
Step: TypeAlias = tuple[Tally, s.Word, s.Word]


class Ledger:
    """Runs by id, the rows they add up to, the history of done(), and the last notes.

    `runs[i]` is the run with id i + 1. One thread owns a ledger; others read what its vectors freeze to.
    """

    def __init__(self, instances: Sequence[Instance], runs: Sequence[Run], hook: s.DoneHook) -> None:
        self.instances = instances
        self.runs = Vector(runs)
        frozen = self.runs.freeze()
        self.hook = hook
        self.notes: tuple[Note, ...] = ()
        untouched = bool(frozen) and all(map(is_untouched, frozen.blocks))
        self.runs_of = Grid(len(instances), len(runs)) if untouched else runs_of(len(instances), runs)
        self.forgotten: dict[int, Run] = {}  # what those were, by id, that were reset and have not begun since
        self._unreset = False  # the record of a reset was lost
        self._tallies: dict[Tally, Tally] = {}  # there are few different ones: share them
        self._steps: dict[Step, Tally] = {}  # what follows each of them when one of its runs goes on
        totals = tallied(instances, frozen, self.runs_of, self._shared)
        self.rows: Vector[InstanceRow] = Vector(totals.rows)
        self.saved_at = totals.saved_at
        self._counts = {word: totals.counts.of(word) for word in s.WORDS}
        self._aside = {word: totals.aside.of(word) for word in s.WORDS}
        apart = () if isinstance(instances, Files) else [each for each in instances if not each.in_batch]
        self._apart = {each.id for each in apart}
        self._removed = {each.id for each in apart if each.removed}

    @property
    def counts(self) -> Tally:
        """Where the runs of the batch stand."""
        return Tally(**self._counts)

    @property
    def aside(self) -> Tally:
        """Where the runs stand whose instances are not in the batch any more."""
        return Tally(**self._aside)

    def _shared(self, tally: Tally) -> Tally:
        return self._tallies.setdefault(tally, tally)

    def run(self, run: int) -> Run:
        """The run with this id."""
        return self.runs[run - 1]

    def standing(self, runs: Iterable[int], *words: s.Word) -> list[int]:
        """Those of these runs, by id, that have one of these statuses; nothing is decoded for it."""
        now = b"".join(map(words_of, self.runs.freeze().blocks))
        letters = {s.LETTER[word] for word in words}
        return [run for run in runs if now[run - 1] in letters]

    def files_of_forgotten(self) -> frozenset[str]:
        """The files of rows that count again if resets are taken back."""
        return frozenset([extent.file for run in self.forgotten.values() for extent in run.extents])

    def apply(self, record: Record) -> Run | None:
        """Take in one record; the run after it, None where the record is not of a run or changed nothing.

        Raises IllegalTransitionError, IndexError for a run that does not exist.
        """
        if isinstance(record, OF_NO_RUN):
            self._apply_to_others(record)
            return None
        if record.run < 1:
            raise IndexError(record.run)
        old = self.runs[record.run - 1]
        if old.instance in self._removed:
            return None
        new = fold(old, record)
        if new is old:
            return None
        self.runs[record.run - 1] = new
        self._count(old, new)
        if isinstance(record, Reset):
            self.hook = fold_hook(self.hook, record)
            if not isinstance(old.status, s.Pending):
                self.forgotten[record.run] = old
        elif self.forgotten and not isinstance(record, Imported):
            self.forgotten.pop(record.run, None)
        return new

    def _apply_to_others(self, record: Note | Checkpointed | HookRecord) -> None:
        if isinstance(record, Note):
            self.notes = (*self.notes, record)[-NOTES:]
        elif not isinstance(record, Checkpointed):  # which is about files, not about what is true
            self.hook = fold_hook(self.hook, record)

    def _count(self, old: Run, new: Run) -> None:
        if new.saved_at is not None and new.saved_at != old.saved_at:
            self.saved_at = max(self.saved_at or 0.0, new.saved_at)
        before, after = s.word(old.status), s.word(new.status)
        row = self.rows[new.instance]
        if before != after:
            counted = self._aside if new.instance in self._apart else self._counts
            counted[before] -= 1
            counted[after] += 1
            step = row.tally, before, after
            if (tally := self._steps.get(step)) is None:
                tally = self._steps[step] = self._shared(row.tally.moved(before, after))
            self.rows[new.instance] = InstanceRow(tally, new.id, row.seconds + new.seconds - old.seconds)
        elif row.latest != new.id:
            self.rows[new.instance] = InstanceRow(row.tally, new.id, row.seconds)

    def place_rows(self, moved: MovedRows) -> None:
        """The rows of some runs were copied to other places."""
        for number in moved.runs:
            self.runs[number - 1] = moved.in_run(self.runs[number - 1])
            if number in self.forgotten:
                self.forgotten[number] = moved.in_run(self.forgotten[number])

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
