"""What the runner is told of, and what it is told to do: the vocabulary of `dispatch.decide`. Plain data."""

from __future__ import annotations

from collections.abc import Sequence
from signal import Signals
from typing import TypeAlias

import msgspec

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.messages import Order, Request, RunOrder
from pyalma_tui.model.records import DoneStarted, Record
from pyalma_tui.runner.commands import Command
from pyalma_tui.runner.workers.protocol import AgentEvent


class Clock(msgspec.Struct, frozen=True):
    """The time of an event: `now` of time.monotonic, `at` in seconds of the epoch."""

    now: float
    at: float


# --- events -----------------------------------------------------------------------------------------------------------


class Tick(msgspec.Struct, frozen=True):
    """Time has passed. `stored` tells that the disk takes what we write; `planned` that run ids mean something."""

    stored: bool = True
    planned: bool = True


class RunsFailed(msgspec.Struct, frozen=True):
    """The ledger has taken in from what workers wrote that these runs have failed."""

    runs: Sequence[int]


class NoAgent(msgspec.Struct, frozen=True):
    """No agent could be started; `later` tells that one may be a while later."""

    why: str
    later: bool


class Recalled(msgspec.Struct, frozen=True):
    """What became of an order ahead that was to be taken back: it is `back`, or the worker had taken it.

    That the run before it has ended was told then.
    """

    worker: int
    run: int
    back: bool


Event: TypeAlias = Tick | RunsFailed | NoAgent | Recalled | Command | AgentEvent


# --- instructions -----------------------------------------------------------------------------------------------------


class StartAgent(msgspec.Struct, frozen=True):
    """Start the agent: it imports the module."""


class RenewAgent(msgspec.Struct, frozen=True):
    """Start another agent beside the one there is: it imports the module as it is now. Renewed or NotRenewed follows.

    One that is on its way already ends.
    """


class Replan(msgspec.Struct, frozen=True):
    """Instances were taken out of the experiment, or put back: let the disk know that at once."""


class EndAgent(msgspec.Struct, frozen=True):
    """Let the agent end, or kill it."""

    kill: bool = False


class StartWorker(msgspec.Struct, frozen=True):
    """Let the agent start a worker in this slot."""

    worker: int
    slot: int


class Give(msgspec.Struct, frozen=True):
    """Give a worker an order."""

    worker: int
    order: Order


class GiveAhead(msgspec.Struct, frozen=True):
    """Lay an order ready for a worker that carries out another one; where that cannot be, it is Recalled."""

    worker: int
    order: RunOrder


class Recall(msgspec.Struct, frozen=True):
    """Take back the order that lies ready for a worker; Recalled tells at once what became of it."""

    worker: int
    run: int


class Ask(msgspec.Struct, frozen=True):
    """Ask a worker something while it calls user code."""

    worker: int
    request: Request


class SendSignal(msgspec.Struct, frozen=True):
    """Send a signal to a worker, or to it and all that it has started."""

    worker: int
    signal: Signals
    group: bool = False


class Write(msgspec.Struct, frozen=True):
    """Record this; the ledger knows it already: `run` is the run after it."""

    record: Record
    run: Run | None


class WriteDurably(msgspec.Struct, frozen=True):
    """Put everything that was recorded on the disk, then this, and let the ledger know it then.

    If that fails, what follows must not happen, and the ledger never knew of it.
    """

    record: DoneStarted


class NotSaved(msgspec.Struct, frozen=True):
    """Show that the disk refuses what is to be stored, and why."""

    why: str


class Remember(msgspec.Struct, frozen=True):
    """Keep what the user has chosen for the next start, by the names of the fields of Chosen."""

    changes: dict[str, int | float | None]


class Say(msgspec.Struct, frozen=True):
    """Tell the user, now and in the session log; `heard` tells that a listener has heard it elsewhere."""

    text: str
    heard: bool = False


Instruction: TypeAlias = (
    StartAgent
    | RenewAgent
    | Replan
    | EndAgent
    | StartWorker
    | Give
    | GiveAhead
    | Recall
    | Ask
    | SendSignal
    | Write
    | WriteDurably
    | NotSaved
    | Remember
    | Say
)
