"""What the widgets are shown: one snapshot and the time at which it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.view import Row, row_word
from pyalma_tui.runner.snapshot import Slot, Snapshot


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot at a time.

    `now` (seconds of the epoch) stands still while nothing runs, so that an idle screen has nothing to repaint.
    `monotonic` is the clock of the deadlines of a stop. In a view that is `read_only` nothing is asked of the runner:
    another process runs what is seen.
    """

    snapshot: Snapshot = field(default_factory=Snapshot)
    now: float = 0.0
    monotonic: float = 0.0
    read_only: bool = False

    def run(self, run_id: int) -> Run:
        """The run with this id."""
        return self.snapshot.runs[run_id - 1]

    def row(self, instance_id: int) -> Row | None:
        """The row of an instance, None for one that the snapshot does not have."""
        return self.snapshot.rows[instance_id] if 0 <= instance_id < len(self.snapshot.rows) else None

    def telling(self, instance_id: int) -> Run:
        """The run that an instance's row is about: the last that changed, unless another one gave the row its word.

        An instance with a failed run is called failed whatever its other iterations did since.
        """
        row = self.snapshot.rows[instance_id]
        latest, word = self.run(row.latest), row_word(row.tally)
        if word in ("pending", "done") or s.word(latest.status) == word:
            return latest
        runs = map(self.run, self.snapshot.runs_of[instance_id])
        return next((run for run in runs if s.word(run.status) == word), latest)

    def slot_of(self, run_id: int) -> Slot | None:
        """The worker that has this run."""
        return next((slot for slot in self.snapshot.slots if slot.run == run_id), None)


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


def is_complete(snapshot: Snapshot) -> bool:
    """Whether every run is done."""
    return 0 < snapshot.counts.total == snapshot.counts.done


def seconds_of(run: Run, now: float) -> float:
    """How long a run has been worked on: all its attempts, or the one that counted if it is done."""
    if isinstance(run.status, s.Running):
        return run.seconds + max(0.0, now - run.status.since)
    return run.status.duration if isinstance(run.status, s.Done) else run.seconds


def at_risk(run: Run, now: float) -> float | None:
    """The seconds of work that would be lost if the run were killed now, None if it is not running."""
    if not isinstance(run.status, s.Running):
        return None
    since = run.status.since
    saved = run.saved_at if run.number and run.saved_at is not None else since
    return max(0.0, now - max(saved, since))
