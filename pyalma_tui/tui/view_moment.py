"""What the widgets are shown: one snapshot and the time at which it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.listing import Source
from pyalma_tui.model.run_fields import Recorded, nothing_recorded
from pyalma_tui.model.view import InstanceRow, telling
from pyalma_tui.model.words import run_name
from pyalma_tui.runner.snapshot import Slot, Snapshot

COMPARED: Final = 50  # instances by which two plans are told apart
ONLY_SHOWN: Final = "this page only shows it"
NO_TERMINAL: Final = "not in a browser: files and programs are those of the machine that serves it"


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot at a time.

    `now` (seconds of the epoch) stands still while nothing runs, so that an idle screen has nothing to repaint.
    `monotonic` is the clock of the deadlines of a stop. In a view that is `read_only` nothing is asked of the runner:
    another process runs what is seen. A `page` is in somebody's browser: it opens no program and writes no file.
    `mistake` is what is wrong with the preferences.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    now: float = 0.0
    monotonic: float = 0.0
    read_only: bool = False
    page: bool = False
    mistake: str = ""

    def run(self, run_id: int) -> Run:
        """The run with this id."""
        return self.snapshot.runs[run_id - 1]

    def row(self, instance_id: int) -> InstanceRow | None:
        """The row of an instance, None for one that the snapshot does not have."""
        return self.snapshot.rows[instance_id] if 0 <= instance_id < len(self.snapshot.rows) else None

    def telling(self, instance_id: int) -> Run:
        """The run that an instance's row is about."""
        snapshot = self.snapshot
        return telling(snapshot.rows[instance_id], snapshot.runs_of[instance_id], snapshot.runs)

    def name(self, run: Run) -> str:
        """What a run is called, as somebody's text."""
        snapshot = self.snapshot
        iterations = len(snapshot.runs_of[run.instance])
        return run_name(snapshot.instances[run.instance].label, run.iteration, iterations)

    def source(self, recorded: Recorded = nothing_recorded, read: frozenset[int] = frozenset()) -> Source:
        """What is listed from; `recorded` and `read` as of a Source."""
        snapshot = self.snapshot
        busy = frozenset(slot.run for slot in snapshot.slots if slot.run is not None)
        return Source(
            snapshot.instances, snapshot.rows, snapshot.runs, snapshot.runs_of, self.now, busy, recorded, read
        )

    def worked_on(self, instance_id: int) -> float:
        """The seconds that all runs of an instance have taken, those that run now included."""
        row = self.snapshot.rows[instance_id]
        if not row.tally.running:
            return row.seconds
        busy = (self.run(slot.run) for slot in self.snapshot.slots if slot.run is not None)
        return row.seconds + sum(worked(run, self.now) - run.seconds for run in busy if run.instance == instance_id)

    def slot_of(self, run_id: int) -> Slot | None:
        """The worker that has this run."""
        return next((slot for slot in self.snapshot.slots if slot.run == run_id), None)


def is_another(before: Snapshot, after: Snapshot) -> bool:
    """Whether numbers of runs mean others than before: another process has begun the experiment anew meanwhile.

    Of many instances some are compared; one that was removed is no other.
    """
    old, new = before.instances, after.instances
    if new is old:
        return False
    if len(after.runs) < len(before.runs) or len(new) < len(old):
        return True
    some = ((old[place], new[place]) for place in range(0, len(old), len(old) // COMPARED + 1))
    return any(one.name != other.name and not (one.removed or other.removed) for one, other in some)


def is_live(snapshot: Snapshot) -> bool:
    """Whether time matters: something runs, loads or is being stopped."""
    return (
        snapshot.phase in ("busy", "stopping")
        or snapshot.counts.running > 0
        or isinstance(snapshot.done_hook.status, s.HookRunning)
    )


def is_busy(snapshot: Snapshot) -> bool:
    """Whether leaving now would interrupt something."""
    return snapshot.counts.running > 0 or isinstance(snapshot.done_hook.status, s.HookRunning)


def is_stopping(snapshot: Snapshot) -> bool:
    """Whether somebody has asked already that what runs stops."""
    return any(slot.stopping is not None for slot in snapshot.slots)


def is_ending(snapshot: Snapshot) -> bool:
    """Whether nothing goes on that leaving could disturb: all that runs is being stopped already."""
    if isinstance(snapshot.done_hook.status, s.HookRunning):
        return False
    return all(slot.stopping is not None for slot in snapshot.slots if slot.run is not None)


def is_complete(snapshot: Snapshot) -> bool:
    """Whether every run is done."""
    return 0 < snapshot.counts.total == snapshot.counts.done


def at_risk(run: Run, now: float) -> float | None:
    """The seconds of work that would be lost if the run were killed now, None if it is not running."""
    if not isinstance(run.status, s.Running):
        return None
    since = run.status.since
    saved = run.saved_at if run.last_save and run.saved_at is not None else since
    return max(0.0, now - max(saved, since))
