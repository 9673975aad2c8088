"""What has come and is to be taken in, in the order in which it counts: also what became of an order ahead."""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator

from pyalma_tui.model import messages as m
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.crew import Crew
from pyalma_tui.runner.instructions import Event


class Inbox:
    """Owned by the runner thread: events from the crew, and those that follow at once from what it is told to do."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._events: deque[Event] = deque()

    def wait(self, seconds: float) -> None:
        """Wait until something has happened to the agent or its workers, or these seconds are over."""
        poll = select.poll()  # select() takes no descriptor over 1023
        poll.register(self._crew.agent, select.POLLIN)
        poll.poll(seconds * 1000)

    def receive(self) -> None:
        """Add what has happened to the agent and its workers."""
        self._events.extend(self._crew.receive())

    def take(self) -> Iterator[Event]:
        """One event after the other, also those that come while one is taken in."""
        while self._events:
            yield self._events.popleft()

    def give_ahead(self, worker: int, order: m.RunOrder) -> None:
        """Lay an order ready; one that cannot lie there has come back."""
        if not self._crew.give_ahead(worker, order):
            self._events.appendleft(i.Recalled(worker, order.run, back=True))

    def recall(self, worker: int, run: int) -> None:
        """Take an order back that lies ready; that its worker has begun it is told after what it said before that."""
        if self._crew.recall(worker, run):  # told before the run before it ends: it does not follow
            self._events.appendleft(i.Recalled(worker, run, back=True))
        else:
            self.receive()  # that the run before it has ended
            self._events.append(i.Recalled(worker, run, back=False))

    def start_agent(self) -> bool:
        """Start another agent; whether there is one."""
        if (none := self._crew.start_agent()) is not None:
            self._events.append(none)
        return none is None

    def renew_agent(self) -> None:
        """Let another agent import the module as it is now."""
        if (refused := self._crew.renew()) is not None:
            self._events.append(refused)

    def start_worker(self, worker: int, slot: int, workers: int) -> None:
        """Start a worker, one of so many that there are to be."""
        if (refused := self._crew.start_worker(worker, slot, workers)) is not None:
            self._events.append(refused)
