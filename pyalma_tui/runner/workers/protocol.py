"""What the runner knows of a machine that calls user code: an agent, and workers in it that have numbers.

Nothing here says how an agent is started or reached: by a fork and socket pairs on this machine, by an engine and a
stream of bytes elsewhere.
"""

from __future__ import annotations

from signal import Signals
from typing import Protocol, TypeAlias

import msgspec

from pyalma_tui.model.afar import NotSynced, Told
from pyalma_tui.model.messages import (
    Born,
    Cleared,
    Gone,
    LeftBehind,
    Loaded,
    LoadFailed,
    Measured,
    NotBorn,
    Order,
    Reply,
    Request,
    Responds,
    RunOrder,
    TryLater,
)
from pyalma_tui.model.status import Error


class Said(msgspec.Struct, frozen=True):
    """A worker has said something."""

    worker: int
    reply: Reply


class AgentGone(msgspec.Struct, frozen=True):
    """The agent has ended, and with it all its workers: `why` in a few words, `code` as of a process."""

    why: str
    code: int


class Taken(msgspec.Struct, frozen=True):
    """A worker is gone with its place, for which what it called is not to blame; nothing of it can live any more.

    Unless it `fell` with its agent alone, as it would here: that may be what it called, and does not go round for ever.
    """

    worker: int
    why: str
    fell: bool = False


class Unheard(msgspec.Struct, frozen=True):
    """Nothing is heard of a worker's place: what it calls waits, at most `until` then (seconds of the epoch).

    Nothing of it can live any more then. 0.0 tells that it is heard of again.
    """

    worker: int
    until: float


class Renewed(msgspec.Struct, frozen=True):
    """The module as it is now has been imported by an agent that waits to take the place of the one there is."""

    loaded: Loaded


class NotRenewed(msgspec.Struct, frozen=True):
    """The module as it is now could not be imported; `error.message` is one line for the user."""

    error: Error


class Remarked(msgspec.Struct, frozen=True):
    """Something to tell the user of a place."""

    text: str


AgentEvent: TypeAlias = (
    Said
    | Taken
    | Told
    | NotSynced
    | Unheard
    | Renewed
    | NotRenewed
    | Remarked
    | Loaded
    | LoadFailed
    | TryLater
    | Born
    | NotBorn
    | Gone
    | Cleared
    | LeftBehind
    | Responds
    | Measured
    | AgentGone
)


class Service(msgspec.Struct, frozen=True):
    """For whom workers work: a state directory, our lock on it, how segments are synced, the session's umask.

    `nice` is how readily they give way to other programs, as of setpriority(2).
    `seed_globals` asks for the generators that a process shares to be seeded before each call of `run`.
    """

    state_dir: str
    lock: int
    synced: bool
    umask: int
    nice: int = 0
    seed_globals: bool = False


class Assignment(msgspec.Struct, frozen=True):
    """What a new worker is to serve: its slot, its first journal segment and how large that may grow, in bytes.

    `log` is the path of what it prints outside of all runs.
    """

    slot: int
    segment: str
    segment_limit: int
    log: str


class Agent(Protocol):
    """An agent as the runner sees it; owned by the runner thread. No method waits."""

    loaded: Loaded | None
    """What it has said of the run module, None before."""

    tells: bool
    """Whether it tells what workers append to their segments; otherwise these are read here."""

    @property
    def host(self) -> str:
        """The name of its machine, for people."""

    @property
    def label(self) -> str:
        """What it is called in notes, such as `process 4711`."""

    def fileno(self) -> int:
        """A descriptor that is readable when `receive` has something."""

    def receive(self) -> list[AgentEvent]:
        """What has happened since the last call, in order; a worker's last words come before that it is gone."""

    def tend(self) -> bool:
        """Do what is due by the passing of time; whether `receive` has something of that. Called at each tick."""

    def serve(self, service: Service) -> None:
        """Say for whom its workers work; before the first is started."""

    def start(self, worker: int, assignment: Assignment) -> None:
        """Start a worker; Said(Serving) tells that it may be given orders."""

    def order(self, worker: int, order: Order) -> None:
        """Give a worker an order."""

    def order_ahead(self, worker: int, order: RunOrder) -> bool:
        """Lay an order ready for a worker that carries out another one; whether that can be.

        The worker takes it after it has said that the other one is over, and only if that has done it no harm: nothing
        was refused, and it is not worn.
        """

    def recall(self, worker: int) -> bool:
        """Take back what lies ready: True if the worker never has it, False if it has taken it.

        Then `receive` has that the order before it is over.
        """

    def ask(self, worker: int, request: Request) -> None:
        """Ask a worker something while it calls user code."""

    def signal(self, worker: int, number: Signals, *, group: bool = False) -> None:
        """Send a signal to a worker, or to it and all that it has started."""

    def measure(self) -> None:
        """Let it tell what its workers take."""

    def expect(self, pace: float) -> None:
        """Runs take so many seconds to their first save: where less time is left, none is begun."""

    def end(self) -> None:
        """Let it end, as a Python program does; AgentGone tells when it has."""

    def kill(self) -> None:
        """End it at once, with all its workers."""

    def close(self) -> None:
        """Let go of what leads to it; it has ended."""
