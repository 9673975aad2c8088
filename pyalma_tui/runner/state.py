"""All that `dispatch.decide` knows: one value, changed by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Cut
from pyalma_tui.runner.commands import Command, Renew
from pyalma_tui.runner.queue import Queue
from pyalma_tui.runner.retries import Retries
from pyalma_tui.runner.room import Room
from pyalma_tui.runner.starting import Starting
from pyalma_tui.runner.stop import Stop
from pyalma_tui.store.ledger import Ledger

# --- what a worker does -----------------------------------------------------------------------------------------------


class Coming(msgspec.Struct, frozen=True):
    """It opens its journal, or imports the module by itself."""


class Ready(msgspec.Struct, frozen=True):
    """It waits for an order."""


class Running(msgspec.Struct, frozen=True):
    """It calls run(); `timeout` are the seconds that this may take, None for as many as it likes."""

    run: int
    attempt: int
    timeout: float | None = None


class Calling(msgspec.Struct, frozen=True):
    """It calls done(), for the `call`-th time."""

    call: int


class Leaving(msgspec.Struct, frozen=True):
    """It was told to end, and ends as a Python program does.

    `came` tells that it had been there for runs, `pressed` that it got SIGINT since, `killed` that it was killed.
    """

    came: bool = True
    pressed: bool = False
    killed: bool = False


Doing: TypeAlias = Coming | Ready | Running | Calling | Leaving


class Seat(msgspec.Struct, frozen=True):
    """A slot that is taken, by the worker of this number; `since` is when it began what it does now.

    `served` counts the calls of user code that it was given. `pid` is shown, and `host` if it is not this machine.
    `responding` is False while the worker is stopped, as by SIGSTOP or a debugger; while nothing is heard of its host,
    `unheard` is when nothing of it can live any more (seconds of the epoch). `ahead` is the run whose order lies
    ready for it, `brisk` tells that its last run took next to nothing. `generation` counts how often the code had been
    renewed when it was started.
    """

    slot: int
    worker: int
    began: float  # of time.monotonic
    since: float  # seconds of the epoch
    doing: Doing = Coming()
    stop: Stop | None = None
    served: int = 0
    pid: int = 0
    host: str = ""
    responding: bool = True
    unheard: float = 0.0
    ahead: Running | None = None
    brisk: bool = False
    generation: int = 0

    @property
    def active(self) -> bool:
        """Whether user code is being called."""
        return isinstance(self.doing, Running | Calling)

    @property
    def run(self) -> int:
        """The run that it calls, 0 if none."""
        return self.doing.run if isinstance(self.doing, Running) else 0

    @property
    def runs(self) -> tuple[int, ...]:
        """All the runs that it was given."""
        ahead = () if self.ahead is None else (self.ahead.run,)
        return (self.doing.run, *ahead) if isinstance(self.doing, Running) else ahead


# --- the agent --------------------------------------------------------------------------------------------------------


class Absent(msgspec.Struct, frozen=True):
    """There is none."""


class Loading(msgspec.Struct, frozen=True):
    """It imports the module."""


class Present(msgspec.Struct, frozen=True):
    """It starts workers."""


class Parting(msgspec.Struct, frozen=True):
    """It was told to end, and is killed after `deadline` (time.monotonic)."""

    deadline: float


AgentState: TypeAlias = Absent | Loading | Present | Parting


# --- whether runs are begun -------------------------------------------------------------------------------------------


class Gate(msgspec.Struct, frozen=True):
    """What holds up runs that wait; nothing of it undoes another.

    `paused` by the user. `halted` since everything was interrupted, until somebody wants something to run. `blocked` is
    the reason why nothing can be begun, until somebody has mended it and wants something to run.
    """

    paused: bool = False
    halted: bool = False
    blocked: PyalmaError | None = None

    @property
    def is_open(self) -> bool:
        """Whether whatever waits is begun."""
        return self.blocked is None and not (self.paused or self.halted)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for this session and stays. `grace` in seconds; `runs_per_worker` None for as many as there are.

    `module` names it in messages. `cuts` tell where the first attempts of a run end that is on trial. `seed` is the
    experiment's. `renews` tells that the code can be renewed while it runs, which places on other hosts cannot.
    """

    module: str = ""
    grace: float = 10.0
    no_done: bool = False
    runs_per_worker: int | None = None
    cuts: Sequence[Cut] = ()
    seed: int = 0
    renews: bool = True


# --- what can be taken back -------------------------------------------------------------------------------------------


class Forgot(msgspec.Struct, frozen=True):
    """These runs were reset; of them `waited` were in the queue before."""

    runs: tuple[int, ...]
    waited: frozenset[int] = frozenset()


class Retried(msgspec.Struct, frozen=True):
    """These failed runs wait since then."""

    runs: tuple[int, ...]


class PutFirst(msgspec.Struct, frozen=True):
    """These runs were put before all others; `first` were there until then, and `added` did not wait before."""

    runs: tuple[int, ...]
    first: tuple[int, ...] = ()
    added: tuple[int, ...] = ()


class Removed(msgspec.Struct, frozen=True):
    """These instances were taken out, with these runs, as they all were until then; of the runs `waited` did."""

    instances: tuple[Instance, ...]
    were: tuple[Run, ...]
    waited: tuple[int, ...] = ()

    @property
    def runs(self) -> tuple[int, ...]:
        """The ids of the runs."""
        return tuple(run.id for run in self.were)


Step: TypeAlias = Forgot | Retried | PutFirst | Removed


class State(msgspec.Struct, kw_only=True):
    """Owned by the runner thread; only decisions change it, and the ledger by the records that they are."""

    ledger: Ledger
    order: Sequence[int]  # the runs of today's batch, in dispatch order, without those that are `out`
    policy: Policy
    queue: Queue
    retries: Retries
    room: Room = msgspec.field(default_factory=Room)
    starting: Starting = msgspec.field(default_factory=Starting)
    workers: int = 1  # wanted
    timeout: float | None = None  # seconds that an attempt may take
    gate: Gate = Gate()
    closing: bool = False  # the session ends as soon as nobody is seated
    failed: bool = False  # the session itself cannot go on
    agent: AgentState = Absent()
    generation: int = 0  # how often the code was renewed
    renewing: Renew | None = None  # the code is being imported anew, and what is done then
    has_done: bool = False
    done_wanted: bool = False  # somebody wants done() again
    planned: bool = False  # run ids mean something
    seats: dict[int, Seat] = {}  # by slot
    hired: int = 0  # the number of the last worker
    came: bool = False  # whether any of them has come to take orders
    held: list[Command] = []  # until every order ahead is back, or is that of a run which has begun
    parting: set[int] = set()  # workers that are gone, but not all that they have started
    undoable: list[Step] = []  # what a person did that can be taken back, the newest last
    out: frozenset[int] = frozenset()  # runs of instances that a person has taken out
    worn: set[str] = set()  # what was told of runs that have worn out their workers

    def seated(self, *doing: type[Doing]) -> list[Seat]:
        """The seats whose workers do one of these."""
        return [seat for seat in self.seats.values() if isinstance(seat.doing, doing)]

    @property
    def staff(self) -> int:
        """How many workers there are, without those that were told to end."""
        return len([seat for seat in self.seats.values() if not isinstance(seat.doing, Leaving)])

    def seat_of(self, worker: int) -> Seat | None:
        """The seat of this worker, None if it is gone."""
        return next((seat for seat in self.seats.values() if seat.worker == worker), None)

    @property
    def active(self) -> list[Seat]:
        """The seats whose workers call user code."""
        return [seat for seat in self.seats.values() if seat.active]

    @property
    def begins(self) -> bool:
        """Whether runs that wait are begun."""
        return self.gate.is_open and not self.closing

    @property
    def waits(self) -> bool:
        """Whether something may become due by the passing of time."""
        return bool(self.seats or self.closing or self.retries or self.room.wanted)

    def is_outdated(self, seat: Seat) -> bool:
        """Whether the worker has other code than what is begun now is to have."""
        return seat.generation < self.generation

    def standing(self, runs: Iterable[int], *kinds: type[s.Status]) -> list[int]:
        """Those of the runs that are in one of these statuses and that no worker has."""
        out = self.out.union(run for seat in self.seats.values() for run in seat.runs)
        return [run for run in runs if run not in out and isinstance(self.ledger.run(run).status, kinds)]
