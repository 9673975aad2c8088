"""An agent without processes: its workers are objects that write journals and answer at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Literal, TypeAlias

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.records import DoneReturned, Raised, Record, Returned, Started, Stopped
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Assignment, Said, Service
from pyalma_tui.store import layout
from pyalma_tui.store.segment import SegmentWriter, line_of, saved_line, saved_prefix

Deed: TypeAlias = Literal["returns", "raises", "waits", "dies"]


class FakeAgent:
    """Fulfils `protocol.Agent`; `play` says what a run does. One that waits has saved, and stops when it is asked to.

    `orders` are those that were given, in order, with the worker that got each. `seconds` are what each run says that
    it has taken. After `most_come` workers no other one comes: it is waited for.
    """

    def __init__(
        self,
        play: Callable[[m.RunOrder], Deed] = lambda _: "returns",
        *,
        has_done: bool = True,
        seconds: float = 0.0,
        most_come: int | None = None,
    ) -> None:
        self.loaded: m.Loaded | None = m.Loaded("hash", has_done, None)
        self.orders: list[tuple[int, m.Order]] = []
        self.workers: dict[int, Worker] = {}
        self.most = 0  # how many there were at a time
        self.closed = False
        self._play = play
        self._seconds = seconds
        self._left = most_come
        self._events: list[AgentEvent] = []
        self._readable, self._writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @classmethod
    def started(cls, play: Callable[[m.RunOrder], Deed] = lambda _: "returns", *, has_done: bool = True) -> FakeAgent:
        """One that the runner starts: it tells that it has loaded the module."""
        agent = cls(play, has_done=has_done)
        assert agent.loaded is not None
        agent.tell(agent.loaded)
        return agent

    @property
    def host(self) -> str:
        return "nowhere"

    @property
    def label(self) -> str:
        return "no process"

    def tell(self, *events: AgentEvent) -> None:
        """Let the runner hear this."""
        self._events += events
        os.write(self._writable, b"\0")

    tells = False

    def expect(self, pace: float) -> None:
        """It has all the time."""

    def tend(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._readable

    def receive(self) -> list[AgentEvent]:
        try:
            os.read(self._readable, 1 << 16)
        except BlockingIOError:
            return []
        events, self._events = self._events, []
        return events

    def serve(self, service: Service) -> None:
        self._journal = layout.journal(Path(service.state_dir))

    def start(self, worker: int, assignment: Assignment) -> None:
        segment = SegmentWriter(self._journal, assignment.segment, limit=assignment.segment_limit)
        self.workers[worker] = Worker(worker, assignment.slot, segment, self._seconds)
        self.most = max(self.most, len(self.workers))
        if self._left == 0:
            return
        self._left = None if self._left is None else self._left - 1
        self.tell(m.Born(worker, 100 + worker), Said(worker, m.Serving()))

    def order(self, worker: int, order: m.Order) -> None:
        self.orders.append((worker, order))
        match order:
            case m.RunOrder():
                mine, deed = self.workers[worker], self._play(order)
                mine.begin(order)
                if deed == "dies":
                    self.bury(worker, -11)
                elif deed != "waits":
                    self.tell(mine.end(deed))
            case m.DoneOrder(call):
                self.workers[worker].write(DoneReturned(call, time.time(), 0.0))
                self.tell(Said(worker, m.DoneEnded(call)))
            case m.Exit():
                self.bury(worker, 0)

    def order_ahead(self, worker: int, order: m.RunOrder) -> bool:
        return False  # its runs take no time: there is nothing to win

    def recall(self, worker: int) -> bool:
        raise AssertionError("nothing lies ready")

    def bury(self, worker: int, code: int) -> None:
        """It is gone."""
        if (gone := self.workers.pop(worker, None)) is not None:
            gone.segment.close()
            self.tell(m.Gone(worker, code))

    def ask(self, worker: int, request: m.Request) -> None:
        mine = self.workers[worker]
        if isinstance(request, m.InterruptAttempt) and mine.order is not None:
            self.tell(mine.end("stops"))

    def signal(self, worker: int, number: Signals, *, group: bool = False) -> None:
        if number == SIGKILL:
            self.bury(worker, -number)

    def measure(self) -> None:
        self.tell(m.Measured({}))

    def end(self) -> None:
        self.die(AgentGone("exits with code 0", 0))

    def kill(self) -> None:
        self.die(AgentGone("is killed by SIGKILL", -9))

    def die(self, gone: AgentGone) -> None:
        """It ends, and with it all its workers."""
        for worker in self.workers.values():
            worker.segment.close()
        self.workers.clear()
        self.tell(gone)

    def close(self) -> None:
        os.close(self._readable)
        os.close(self._writable)
        self.closed = True


class Worker:
    """What one writes."""

    def __init__(self, number: int, slot: int, segment: SegmentWriter, seconds: float) -> None:
        self.number = number
        self.slot = slot
        self.segment = segment
        self.seconds = seconds
        self.order: m.RunOrder | None = None

    def write(self, *records: Record) -> None:
        for record in records:
            self.segment.append(line_of(record))

    def begin(self, order: m.RunOrder) -> None:
        """Its run begins and saves."""
        self.order = order
        self.write(Started(order.run, order.attempt, self.slot, time.time(), "hash", 100 + self.number))
        self.segment.append(saved_line(saved_prefix(order.run, order.attempt), 1, 0, b"7"))

    def end(self, how: Literal["returns", "raises", "stops"]) -> Said:
        """Its run ends, and it says so."""
        order, self.order = self.order, None
        assert order is not None, "it has one"
        match how:
            case "returns":
                self.write(Returned(order.run, order.attempt, self.seconds))
            case "raises":
                self.write(Raised(order.run, order.attempt, 0.0, s.Error("no")))
            case "stops":
                self.write(Stopped(order.run, order.attempt, 0.0, time.time(), "interrupted"))
        return Said(self.number, m.Ended(order.run, order.attempt))
