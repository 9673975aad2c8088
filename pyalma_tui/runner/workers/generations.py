"""Several agents as one: that which starts workers, and those of before it, whose workers go on with older code.

A generation is an import of the module. The next one is imported beside those that there are, and serves once it is
adopted; one of before ends when the last of its workers has.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterable, Iterator
from signal import Signals

from pyalma_tui.model import messages as m
from pyalma_tui.model.status import Error
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.runner.workers.protocol import (
    Agent,
    AgentEvent,
    AgentGone,
    Assignment,
    NotRenewed,
    Renewed,
    Service,
    Taken,
)

LOST = "the process that its worker was forked from is gone"


class Generations:
    """Fulfils `protocol.Agent`: all of them as one. AgentGone tells that none is left but the next, if there is one."""

    tells = False

    def __init__(self, now: Agent | None, workers: Iterable[int]) -> None:
        """`now` is the agent that there is, with these workers, None if it has ended."""
        self._now = now
        self._before: list[Agent] = []
        self._next: LocalAgent | None = None
        self._of = dict.fromkeys(workers, now) if now is not None else {}
        self._loads: dict[Agent, m.Measured] = {}
        self._ended: AgentGone | None = None
        self._selector = selectors.DefaultSelector()
        if now is not None:
            self._selector.register(now, selectors.EVENT_READ, now)
        self.loaded = now.loaded if now is not None else None

    @property
    def host(self) -> str:
        """The name of this machine."""
        return self._now.host if self._now is not None else ""

    @property
    def label(self) -> str:
        """The process that starts workers."""
        return self._now.label if self._now is not None else "no process"

    def fileno(self) -> int:
        """Readable when anything has come from one of them."""
        return self._selector.fileno()

    # --- the next one ------------------------------------------------------------------------------------------------

    def bring_up(self, agent: LocalAgent) -> None:
        """This one imports the module, to be adopted; one that was on its way ends."""
        self.give_up()
        self._next = agent
        self._selector.register(agent, selectors.EVENT_READ, agent)

    def give_up(self) -> None:
        """The next one is not wanted any more."""
        agent, self._next = self._next, None
        if agent is not None:
            self._selector.unregister(agent)
            agent.discard()

    @property
    def has_next(self) -> bool:
        """Whether one is on its way."""
        return self._next is not None

    def adopt(self) -> bool:
        """Let the next one start workers from now on, that of before end with its last; False if there is none."""
        agent, self._next = self._next, None
        if agent is None:
            return False
        before, self._now, self.loaded, self._ended = self._now, agent, agent.loaded, None
        if before is not None:
            self._before.append(before)
            if before.loaded is None:  # it still imports
                before.kill()
            else:
                before.end()
        return True

    # --- what comes --------------------------------------------------------------------------------------------------

    def receive(self) -> list[AgentEvent]:
        """What has come from all of them."""
        events: list[AgentEvent] = []
        for key, _ in self._selector.select(0):
            agent: Agent = key.data
            for event in agent.receive():
                if agent is self._next:
                    events += self._hear_next(event)
                elif agent is self._now or agent in self._before:
                    events += self._hear(event, agent)
        return events

    def _hear_next(self, event: AgentEvent) -> Iterator[AgentEvent]:
        match event:
            case m.Loaded():
                yield Renewed(event)
            case m.LoadFailed(error):
                self.give_up()
                yield NotRenewed(error)
            case m.TryLater(why):
                self.give_up()
                yield NotRenewed(Error(why))
            case AgentGone(why):
                self.give_up()
                yield NotRenewed(Error(f"the process {why} while it imports the module"))

    def _hear(self, event: AgentEvent, agent: Agent) -> Iterator[AgentEvent]:
        match event:
            case AgentGone():
                yield from self._lose(event, agent)
            case m.Measured():
                self._loads[agent] = event
                yield m.Measured({worker: load for each in self._loads.values() for worker, load in each.loads.items()})
            case m.Gone(worker) | m.NotBorn(worker):
                self._of.pop(worker, None)
                yield event
            case m.Loaded() | m.LoadFailed() | m.TryLater() if agent in self._before:  # nobody waits for it any more
                pass
            case _:
                yield event

    def _lose(self, event: AgentGone, agent: Agent) -> Iterator[AgentEvent]:
        """One has ended, and with it its workers. Without the one that starts them the others end as well."""
        self._selector.unregister(agent)
        self._loads.pop(agent, None)
        workers = [worker for worker, whose in self._of.items() if whose is agent]
        for worker in workers:
            del self._of[worker]
        if agent is self._now:
            self._now, self._ended = None, event
            for each in self._before:
                each.kill()
        else:
            self._before.remove(agent)
            yield from (Taken(worker, LOST) for worker in workers if self._ended is None)
        agent.close()
        if self._ended is not None and not self._before:
            yield self._ended

    # --- what is asked -----------------------------------------------------------------------------------------------

    def _whose(self, worker: int) -> Agent | None:
        return self._of.get(worker, self._now)

    def tend(self) -> bool:
        """Nothing of them is a matter of time."""
        return False

    def serve(self, service: Service) -> None:
        """Say for whom its workers work, to the one that starts them."""
        if self._now is not None:
            self._now.serve(service)

    def start(self, worker: int, assignment: Assignment) -> None:
        """Let the one that starts workers do so."""
        if self._now is not None:
            self._of[worker] = self._now
            self._now.start(worker, assignment)

    def order(self, worker: int, order: m.Order) -> None:
        """Tell the worker."""
        if (agent := self._whose(worker)) is not None:
            agent.order(worker, order)

    def order_ahead(self, worker: int, order: m.RunOrder) -> bool:
        """Lay it ready."""
        agent = self._whose(worker)
        return agent is not None and agent.order_ahead(worker, order)

    def recall(self, worker: int) -> bool:
        """Take it back."""
        agent = self._whose(worker)
        return agent is None or agent.recall(worker)

    def ask(self, worker: int, request: m.Request) -> None:
        """Ask the worker."""
        if (agent := self._whose(worker)) is not None:
            agent.ask(worker, request)

    def signal(self, worker: int, number: Signals, *, group: bool = False) -> None:
        """Send it to the worker."""
        if (agent := self._whose(worker)) is not None:
            agent.signal(worker, number, group=group)

    def measure(self) -> None:
        """Ask all that have workers."""
        for agent in self._all():
            agent.measure()

    def expect(self, pace: float) -> None:
        """Nobody knows when this machine ends."""

    def end(self) -> None:
        """Let all end; the next one at once."""
        self.give_up()
        for agent in self._all():
            agent.end()

    def kill(self) -> None:
        """End all at once."""
        self.give_up()
        for agent in self._all():
            agent.kill()

    def close(self) -> None:
        """Let go of what leads to those that have ended: the next one may be on its way."""
        if self._next is None:
            self._selector.close()

    def _all(self) -> list[Agent]:
        return [*([self._now] if self._now is not None else []), *self._before]
