"""The runner: one thread that tells `dispatch` what happens, and does what follows from it."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from pyalma_tui.errors import StoreError
from pyalma_tui.model import messages as m
from pyalma_tui.model.afar import NotSynced, Told
from pyalma_tui.model.records import Record
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.beginning import state_of
from pyalma_tui.runner.crew import Crew
from pyalma_tui.runner.dispatch import decide
from pyalma_tui.runner.failing import failure_of
from pyalma_tui.runner.inbox import Inbox
from pyalma_tui.runner.instructions import Clock, Event, Instruction
from pyalma_tui.runner.provenance import Provenance
from pyalma_tui.runner.publishing import phase_of
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Listener
from pyalma_tui.runner.state import Absent, Present
from pyalma_tui.runner.telling import Telling
from pyalma_tui.runner.threaded import Threaded
from pyalma_tui.runner.workers.protocol import Agent, AgentGone, NotRenewed, Renewed, Said, Taken

CALLED = (m.Ended, m.DoneEnded)  # what tells that user code was called
TICK = 0.1  # seconds between two looks at the journals while anybody runs
MEASURE = 2.0  # seconds between two looks what workers take
PATIENCE = 20.0  # seconds that an agent has to be gone after it was killed


class Runner(Threaded):
    """Runs an experiment in a thread of its own."""

    def __init__(self, settings: Settings, session: Session, first: Agent, listener: Listener | None = None) -> None:
        """`first` is an agent that has loaded the module."""
        assert first.loaded is not None, "the first agent has loaded the module"
        super().__init__(Telling(settings, session, listener))
        self._session = session
        self._crew = Crew(settings, session, first)
        self._inbox = Inbox(self._crew)
        self._state = state_of(settings, session, has_done=first.loaded.has_done)
        self._provenance = Provenance(
            settings, session, first.loaded.installed, lambda: self.snapshot().runs, self.remark
        )
        self._selector = selectors.DefaultSelector()
        self._next_tick = self._next_measure = 0.0  # time.monotonic
        if first.loaded.unforkable:
            self._telling.note(f"each worker imports the module by itself: {first.loaded.unforkable}")
        if settings.rerun_done:
            self._decide(c.RerunDone())
        self._publish()
        self._telling.changed = True  # so that the first tick comes at once

    # --- the thread --------------------------------------------------------------------------------------------------

    def _main(self) -> None:
        self._selector.register(self._mailbox, selectors.EVENT_READ, self._take_commands)
        try:
            self._listen()
            self._provenance.begin()
            while not (self._state.closing and not self._state.seats and isinstance(self._state.agent, Absent)):
                self._turn()
        except Exception as error:
            self._failure = failure_of(error, self._session.state_dir)
            if self._failure.kind == "defect":
                raise
        finally:
            self._end()

    def _turn(self) -> None:
        timeout = max(0.0, self._next_tick - time.monotonic()) if self._is_ticking() else None
        for key, _ in self._selector.select(timeout):
            key.data()
        if time.monotonic() >= self._next_tick:
            self._tick()
        if self._telling.changed and not self._state.active and self._phase() == "idle":
            self._publish()  # at once: somebody waits for the end

    def _is_ticking(self) -> bool:
        state = self._state
        starting = state.starting.waits and self._phase() == "busy"
        return bool(self._telling.changed or state.waits or starting or self._session.unsettled)

    def _tick(self) -> None:
        self._next_tick = (now := time.monotonic()) + TICK
        if self._crew.agent.tend():
            self._hear()
        for text in self._crew.look_at_files():
            self._telling.note(text)
        self._absorb(self._session.journal.poll())
        self._crew.look_at_logs()
        if now >= self._next_measure and self._state.seats and isinstance(self._state.agent, Present):
            self._next_measure = now + MEASURE
            self._crew.agent.measure()
            if self._crew.agent.tells:
                self._crew.agent.expect(self._telling.pace(self._state))
        self._session.busy(active := bool(self._state.active))
        self._session.tend(now, idle=self._phase() == "idle")
        if not self._session.planned:
            self._session.refuse_unplanned()
        self._decide(i.Tick(stored=not self._session.not_saved, planned=self._session.planned))
        if active or self._telling.is_due:
            self._publish()

    # --- events and what follows -------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self._selector.register(self._crew.agent, selectors.EVENT_READ, self._hear)

    def _unlisten(self) -> None:
        if self._crew.agent in self._selector.get_map():
            self._selector.unregister(self._crew.agent)

    def _hear(self) -> None:
        self._inbox.receive()
        self._take_in()

    def _take_in(self) -> None:
        """Take in one after the other what has come, and what comes of that."""
        for event in self._inbox.take():
            if isinstance(event, (Said, m.Gone, Taken)):  # the first, as they are by far the most frequent
                if (
                    isinstance(event, Said)
                    and isinstance(event.reply, (m.Ended, m.DoneEnded))
                    and event.reply.installed
                ):
                    self._provenance.imported(event.reply.installed)
                self._absorb(self._crew.last_words(event))
            elif isinstance(event, m.Measured):
                self._telling.measured(event)
                continue
            elif isinstance(event, Told):
                self._absorb(self._crew.told(event))
                continue
            elif isinstance(event, NotSynced):
                self._session.journal.refuse(event.segment, event.why)
                continue
            elif isinstance(event, AgentGone):
                if not self._crew.brings_up:
                    self._unlisten()
                self._absorb(self._crew.close())
            elif isinstance(event, NotRenewed):
                if not self._crew.is_heard:
                    self._unlisten()
            elif isinstance(event, Renewed):
                if not self._crew.adopt(event.loaded):
                    continue
                self._provenance.renewed(self._session)
            self._telling.changed = True  # also if nothing has to be done: the last worker may be gone
            self._carry_out_all(event)

    def _take_commands(self) -> None:
        for command in self._mailbox.take():
            self._decide(command)

    def _decide(self, event: Event) -> None:
        self._carry_out_all(event)
        self._take_in()

    def _carry_out_all(self, event: Event) -> None:
        for instruction in decide(event, self._state, Clock(time.monotonic(), time.time())):
            self._telling.changed = True
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case i.GiveAhead(worker, order):  # the first, as it is by far the most frequent
                self._inbox.give_ahead(worker, order)
            case i.Recall(worker, run):
                self._inbox.recall(worker, run)
            case i.Write() | i.WriteDurably() | i.Say() | i.NotSaved() | i.Remember():
                self._telling.carry_out(instruction)
            case i.Replan():
                self._session.replan(self._state.ledger, self._state.order)
                with suppress(StoreError):  # which is told as for any checkpoint, and tried again
                    self._session.checkpoint()
            case i.StartAgent():
                if self._inbox.start_agent():
                    self._listen()
            case i.RenewAgent():
                self._unlisten()
                self._inbox.renew_agent()
                if self._crew.is_heard:
                    self._listen()
            case i.StartWorker(worker, slot):
                self._inbox.start_worker(worker, slot, self._state.workers)
            case _:
                self._crew.carry_out(instruction)

    # --- what is told ------------------------------------------------------------------------------------------------

    def _absorb(self, records: Iterable[Record]) -> None:
        if failed := self._telling.absorb(records):
            self._carry_out_all(i.RunsFailed(failed))

    def _phase(self) -> str:
        return phase_of(self._state, time.monotonic())

    def _publish(self) -> None:
        self._telling.publish(self._state, self._failure)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """End whatever still lives, write the last checkpoint, and say so, come what may: somebody waits for it."""
        self._state.closing, self._state.failed = True, bool(self._failure)
        try:
            if not isinstance(self._state.agent, Absent):
                self._try(self._kill_agent)
            self._try(self._crew.give_up)
            self._provenance.end(self._session.ledger.runs.freeze())
            self._try(self._take_remarks)
            self._telling.keep()
            self._try(self._session.close)
        finally:
            self._selector.close()
            self._mailbox.close()
            self._telling.close(self._state, self._failure)

    def _take_remarks(self) -> None:
        for command in self._mailbox.left():
            if isinstance(command, c.Remark):
                self._telling.note(command.text)

    def _kill_agent(self) -> None:
        """Kill it and its workers, and find out what became of what they were doing, whenever that is told."""
        self._crew.agent.kill()
        deadline = time.monotonic() + PATIENCE
        while not isinstance(self._state.agent, Absent) and time.monotonic() < deadline:
            self._inbox.wait(TICK)
            self._crew.agent.tend()
            self._hear()

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step of the end; if it fails, that is told, and the others are taken all the same."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - told, and nothing comes after it
            self._failure = self._failure or failure_of(error, self._session.state_dir)
