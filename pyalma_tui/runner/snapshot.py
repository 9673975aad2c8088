"""What is true now, frozen: all that a front end ever reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import msgspec

from pyalma_tui.errors import Failure
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Load as Load
from pyalma_tui.model.records import Note, Record
from pyalma_tui.model.series import Samples
from pyalma_tui.model.status import DoneHook
from pyalma_tui.model.vector import Frozen
from pyalma_tui.model.view import InstanceRow, Tally
from pyalma_tui.runner.commands import Command, Limits
from pyalma_tui.runner.outdated import CodeNow

Phase: TypeAlias = Literal["opening", "busy", "stopping", "idle", "closed"]
SlotPhase: TypeAlias = Literal["coming", "loading", "ready", "running", "done()", "ending"]


Step: TypeAlias = Literal["asked", "SIGINT", "SIGTERM", "SIGKILL"]


class StopProgress(msgspec.Struct, frozen=True):
    """How far the stop of one run has come. `step` was done, `next_step` follows at `deadline` (time.monotonic)."""

    step: Step
    next_step: Step | None
    deadline: float


class Slot(msgspec.Struct, frozen=True):
    """A worker and what it does; `run` is a run id, `since` seconds of the epoch.

    `responding` is False while its process is stopped, as by SIGSTOP or a debugger. While nothing is heard of its host,
    `unheard` is when nothing of it can live any more (seconds of the epoch). `load` is None until it was looked
    at twice. `host` is "" on this machine.
    """

    number: int
    pid: int
    phase: SlotPhase
    since: float
    run: int | None = None
    stopping: StopProgress | None = None
    responding: bool = True
    load: Load | None = None
    host: str = ""
    unheard: float = 0.0


class Elsewhere(msgspec.Struct, frozen=True):
    """The other process that runs what is viewed, since when, and why it cannot be asked to hand over, "" if it can.

    `pid` is 0 if nobody knows it; `host` is the one that it named, if that is not this one.
    """

    pid: int
    since: float
    obstacle: str = ""
    host: str = ""

    @property
    def name(self) -> str:
        """The process, and where it is."""
        return f"process {self.pid}" + f" on {self.host}" * bool(self.host)


class Snapshot(msgspec.Struct, frozen=True):
    """One moment of the experiment.

    `counts` are those of the batch, `aside` those of instances that are not in it any more. `runs[i]` is the run with
    id i + 1, `rows[i]` and `instances[i]` belong to the instance with id i, `runs_of[i]` are the ids of its runs by
    iteration. `at` and `saved_at` are seconds of the epoch. `code` is the identity of what this session runs, `codes`
    are those that runs make of it by importing more; `renewable` is where it is, None where workers cannot be given
    another one while the session lasts. `args` is what the module finds in `sys.argv` behind its path. `samples` are
    for plots.
    `idle_reason` says in a few words why nothing runs in phase "idle".

    `not_saved` is why states cannot be stored at the moment, `blocked` why nothing more can be started, and `failure`
    what ended the runner. `elsewhere` is who runs it, if that is another process. `complete` tells that all
    runs that are planned today are done.
    """

    serial: int = 0
    at: float = 0.0
    title: str = ""
    target: Path = Path()
    code: str = ""
    codes: frozenset[str] = frozenset()
    renewable: CodeNow | None = None
    args: tuple[str, ...] = ()
    state_dir: Path = Path()
    phase: Phase = "opening"
    workers: int = 1
    limits: Limits = Limits()
    paused: bool = False
    instances: Sequence[Instance] = ()
    runs: Frozen[Run] = Frozen()
    rows: Frozen[InstanceRow] = Frozen()
    runs_of: Sequence[Sequence[int]] = ()
    counts: Tally = Tally()
    aside: Tally = Tally()
    slots: tuple[Slot, ...] = ()
    complete: bool = False
    done_hook: DoneHook = DoneHook()
    forecast: Forecast | None = None
    saved_at: float | None = None
    notes: tuple[Note, ...] = ()
    samples: Samples = Samples()
    not_saved: Failure | None = None
    idle_reason: str = ""
    blocked: Failure | None = None
    failure: Failure | None = None
    elsewhere: Elsewhere | None = None


class Conductor(Protocol):
    """What a front end holds: the runner, or something that behaves like it."""

    def snapshot(self) -> Snapshot:
        """The latest moment; cheap, never blocks."""

    def send(self, command: Command) -> None:
        """Ask for something; returns at once, the effect shows in a later snapshot."""


Change: TypeAlias = tuple[Record, Run | None]
"""A record that was folded in, and the run after it (None for records of done() and notes)."""

Listener: TypeAlias = Callable[[Sequence[Change]], None]
"""Called in the runner's thread with what just happened; must return quickly. Of a streak of saves it gets the last."""
