"""Where decisions are tried: planned runs, a ledger, a clock that stands still, and what an agent would say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import DoneReturned, HookRecord, Raised, Returned, RunRecord, Saved, Started, Stopped
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.ahead import BRISK
from pyalma_tui.runner.dispatch import decide
from pyalma_tui.runner.instructions import Clock, Event, Instruction
from pyalma_tui.runner.queue import Queue
from pyalma_tui.runner.retries import Retries
from pyalma_tui.runner.state import Absent, Calling, Policy, Present, Running, Seat, State
from pyalma_tui.runner.workers.protocol import Said
from pyalma_tui.store.ledger import Ledger
from tests.store.stores import instances

EPOCH = 1000.0  # seconds of the epoch when the clock stands at 0


class Stage:
    """A state and its clock. Workers are numbered from 1 as they are started; each has the pid 100 + its number."""

    def __init__(
        self,
        runs: int = 1,
        *,
        workers: int = 1,
        has_done: bool = False,
        retries: int = 0,
        timeout: float | None = None,
        agent: bool = True,
        policy: Policy | None = None,
        brisk: bool = False,
    ) -> None:
        planned = plan(runs, 1, 5)
        hook = s.DoneHook() if has_done else s.DoneHook(s.HookAbsent())
        order = [run.id for run in planned]
        self.now = 0.0
        self.brisk = brisk
        self.state = State(
            ledger=Ledger(instances(runs), planned, hook),
            order=order,
            policy=policy or Policy(),
            queue=Queue(order),
            retries=Retries(retries),
            workers=workers,
            timeout=timeout,
            agent=Present() if agent else Absent(),
            has_done=has_done,
            planned=True,
        )
        self.state.queue.add(order)

    @property
    def clock(self) -> Clock:
        return Clock(self.now, EPOCH + self.now)

    def tell(self, *events: Event) -> list[Instruction]:
        """What follows from these events."""
        told = []
        for event in events:
            for each in decide(event, self.state, self.clock):
                if isinstance(each, i.WriteDurably):  # what follows comes after that
                    self.state.ledger.apply(each.record)
                told.append(each)
        return told

    def passes(self, seconds: float, *, stored: bool = True) -> list[Instruction]:
        """So much time passes without a look, then there is one."""
        self.now += seconds
        return self.tell(i.Tick(stored=stored))

    def run(self, number: int = 1) -> Run:
        return self.state.ledger.run(number)

    def word(self, number: int = 1) -> str:
        return s.word(self.run(number).status)

    def seat(self, worker: int) -> Seat:
        seat = self.state.seat_of(worker)
        assert seat is not None, f"worker {worker} is seated"
        return seat

    def running(self, worker: int) -> Running:
        doing = self.seat(worker).doing
        assert isinstance(doing, Running)
        return doing

    # --- what workers do ---------------------------------------------------------------------------------------------

    def come(self, *workers: int) -> list[Instruction]:
        """They are born and serve."""
        return [
            each for n in workers for each in self.tell(m.Born(n, 100 + n), Said(n, m.Serving()))
        ]  # one after the other: each may be given something at once

    def record(self, *records: RunRecord | HookRecord) -> list[Instruction]:
        """They are read from a journal."""
        return self.tell(self.fold(*records))

    def fold(self, *records: RunRecord | HookRecord) -> i.RunsFailed:
        """Let the ledger take these in; what is told of it."""
        runs = [self.state.ledger.apply(record) for record in records]
        return i.RunsFailed([run.id for run in runs if run is not None and isinstance(run.status, s.Failed)])

    def begins(self, worker: int) -> list[Instruction]:
        """It begins what it was given."""
        seat, running = self.seat(worker), self.running(worker)
        return self.record(Started(running.run, running.attempt, seat.slot, self.clock.at, "", seat.pid))

    def saves(self, worker: int, text: bytes = b"7") -> list[Instruction]:
        running = self.running(worker)
        number = self.run(running.run).last_save + 1
        return self.record(Saved(running.run, running.attempt, number, 0, msgspec.Raw(text)))

    def ends(self, worker: int, refused: m.Refused | None = None, worn: str = "") -> list[Instruction]:
        """It says that it is ready for another run, after what it has written; unless `brisk` its runs take a while."""
        running = self.running(worker)
        if not self.brisk:
            seat = self.seat(worker)
            self.state.seats[seat.slot] = replace(seat, began=min(seat.began, self.now - BRISK))
        return self.tell(Said(worker, m.Ended(running.run, running.attempt, refused, worn)))

    def returns(self, worker: int) -> list[Instruction]:
        running = self.running(worker)
        return [*self.record(Returned(running.run, running.attempt, 1.0)), *self.ends(worker)]

    def raises(self, worker: int) -> list[Instruction]:
        running = self.running(worker)
        return [*self.record(Raised(running.run, running.attempt, 1.0, s.Error("no"))), *self.ends(worker)]

    def stops(self, worker: int) -> list[Instruction]:
        """Its run ends as it was asked to."""
        running = self.running(worker)
        told = self.record(Stopped(running.run, running.attempt, 1.0, self.clock.at, "interrupted"))
        return [*told, *self.ends(worker)]

    def returns_from_done(self, worker: int) -> list[Instruction]:
        doing = self.seat(worker).doing
        assert isinstance(doing, Calling)
        told = self.record(DoneReturned(doing.call, self.clock.at, 1.0))
        return [*told, *self.tell(Said(worker, m.DoneEnded(doing.call)))]

    def dies(self, worker: int, code: int = -9, *, left: bool = False) -> list[Instruction]:
        return self.tell(m.Gone(worker, code, left))

    def leaves(self, *workers: int) -> list[Instruction]:
        """They end as they were told to."""
        return [each for worker in workers for each in self.dies(worker, 0)]


def at_work(runs: int = 1, *, workers: int | None = None, **how: object) -> Stage:
    """As many workers as are wanted call a run each, which has begun: worker n in slot n - 1 calls run n."""
    stage = Stage(runs, workers=workers or runs, **how)  # type: ignore[arg-type]
    stage.passes(0)
    everyone = range(1, min(runs, workers or runs) + 1)
    stage.come(*everyone)
    for worker in everyone:
        stage.begins(worker)
    return stage


def said(instructions: Sequence[Instruction]) -> list[str]:
    """What the user is told."""
    return [each.text for each in instructions if isinstance(each, i.Say)]


def given(instructions: Sequence[Instruction]) -> list[tuple[int, int]]:
    """Worker and run of the runs that were given."""
    return [(e.worker, e.order.run) for e in instructions if isinstance(e, i.Give) and isinstance(e.order, m.RunOrder)]


def dismissed(instructions: Sequence[Instruction]) -> list[int]:
    """The workers that were told to end."""
    return [each.worker for each in instructions if isinstance(each, i.Give) and each.order == m.Exit()]


def hired(instructions: Sequence[Instruction]) -> list[tuple[int, int]]:
    """Worker and slot of those that are to be started."""
    return [(each.worker, each.slot) for each in instructions if isinstance(each, i.StartWorker)]


def called(instructions: Sequence[Instruction]) -> list[tuple[int, int]]:
    """Worker and call of each call of done()."""
    return [
        (each.worker, each.order.call)
        for each in instructions
        if isinstance(each, i.Give) and isinstance(each.order, m.DoneOrder)
    ]


def written(instructions: Sequence[Instruction]) -> list[object]:
    """What is recorded."""
    return [each.record for each in instructions if isinstance(each, i.Write | i.WriteDurably)]
