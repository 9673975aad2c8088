"""The runner: one thread that tells `dispatch` what happens, and does what follows from it."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from pyalma_tui.errors import DefectError, Failure, PyalmaError, ShortageError, StoreError
from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.records import Record
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.crew import Crew
from pyalma_tui.runner.dispatch import decide
from pyalma_tui.runner.instructions import Clock, Event, Instruction
from pyalma_tui.runner.module_watch import ModuleWatch
from pyalma_tui.runner.publishing import Publisher, phase_of
from pyalma_tui.runner.queue import Queue
from pyalma_tui.runner.retries import Retries
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.runner.snapshot import Change, Listener, Snapshot
from pyalma_tui.runner.state import Absent, Open, Policy, Present, State
from pyalma_tui.runner.steps import MAKE_ROOM
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.runner.workers.protocol import AgentGone, Said

TICK = 0.1  # seconds between two looks at the journals while anybody runs
MEASURE = 2.0  # seconds between two looks what workers take
PATIENCE = 20.0  # seconds that an agent has to be gone after it was killed
LAST_WORDS = (Said, m.Gone)  # events that come after what the worker has written


class Runner:
    """Runs an experiment in a thread of its own; `snapshot` and `send` are for any thread."""

    def __init__(
        self, settings: Settings, session: Session, first: LocalAgent, listener: Listener | None = None
    ) -> None:
        """`first` is an agent that has loaded the module."""
        assert first.loaded is not None, "the first agent has loaded the module"
        self._session = session
        self._listener = listener
        self._crew = Crew(settings, session, first)
        self._state = _state_of(settings, session, has_done=first.loaded.has_done)
        self._publisher = Publisher(settings, session)
        self._edited = ModuleWatch(settings.module, session.meta.module_hash)
        self._failure: Failure | None = None
        self._changed = True
        self._commands: SimpleQueue[c.Command] = SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._next_tick = self._next_measure = 0.0
        self._thread = threading.Thread(target=self._main, name="pyalma-tui-runner")
        found = [note for note in session.ledger.notes if note.text not in settings.warnings]
        if listener is not None and found:  # while it was opened; a listener's user has read the warnings on stderr
            listener([(note, None) for note in found])
        if first.loaded.unforkable:
            self._note(f"each worker imports the module by itself: {first.loaded.unforkable}")
        if settings.rerun_done:
            self._decide(c.RerunDone())
        self._publish()
        self._changed = True  # so that the first tick comes at once

    # --- for other threads -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; where no thread can be started it ends at once, and `failure` of the snapshot says so."""
        try:
            self._thread.start()
        except RuntimeError as error:
            if not is_shortage(error):
                raise
            self._failure = ShortageError(str(error)).failure
            self._end()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, which a Quit brings about."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def snapshot(self) -> Snapshot:
        """The latest moment."""
        return self._publisher.snapshot

    def send(self, command: c.Command) -> None:
        """Ask for something; returns at once."""
        self._commands.put(command)
        try:
            self._wake.send(b"\0")
        except OSError:  # the thread has ended: nobody carries out anything any more
            return

    # --- the thread --------------------------------------------------------------------------------------------------

    def _main(self) -> None:
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._take_commands)
        try:
            self._listen()
            while not (self._state.closing and not self._state.seats and isinstance(self._state.agent, Absent)):
                self._turn()
        except PyalmaError as error:
            self._failure = error.failure
        except OSError as error:
            where = error.filename or self._session.state_dir
            why = f"store: {where}: {error.strerror}. What was saved is kept; {MAKE_ROOM}"
            self._failure = StoreError(why).failure
        except Exception as error:
            self._failure = _defect(error)
            raise
        finally:
            self._end()

    def _turn(self) -> None:
        timeout = max(0.0, self._next_tick - time.monotonic()) if self._is_ticking() else None
        for key, _ in self._selector.select(timeout):
            key.data()
        if time.monotonic() >= self._next_tick:
            self._tick()
        if self._changed and not self._state.active and self._phase() == "idle":
            self._publish()  # at once: somebody waits for the end

    def _is_ticking(self) -> bool:
        state = self._state
        return bool(
            state.seats
            or state.closing
            or state.retries
            or self._changed
            or state.room.wanted
            or (state.starting.waits and self._phase() == "busy")
            or self._session.journal.changed
            or self._session.not_saved
        )

    def _tick(self) -> None:
        now = time.monotonic()
        self._next_tick = now + TICK
        self._look_at_files()
        self._absorb(self._session.journal.poll())
        self._crew.look_at_logs()
        if now >= self._next_measure and self._state.seats and isinstance(self._state.agent, Present):
            self._next_measure = now + MEASURE
            self._crew.agent.measure()
        active = bool(self._state.active)
        self._session.busy(active)
        self._session.tend(now, idle=self._phase() == "idle")
        if not self._session.planned:
            self._session.refuse_unplanned()
        self._decide(i.Tick(stored=not self._session.not_saved, planned=self._session.planned))
        if self._changed or active:
            self._publish()

    def _look_at_files(self) -> None:
        """Report edits of the module and files of ours that others have removed or damaged."""
        for text in self._edited.news():
            self._note(text)
        mended = self._session.mend()
        for text in mended.notes:
            self._note(text)
        self._crew.renew_segments(mended.writers)

    # --- events and what follows -------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self._selector.register(self._crew.agent, selectors.EVENT_READ, self._hear)

    def _hear(self) -> None:
        for event in self._crew.agent.receive():
            if isinstance(event, m.Measured):
                self._publisher.loads = event.loads
                continue
            if isinstance(event, LAST_WORDS):
                self._absorb(self._crew.last_words(event))
            if isinstance(event, AgentGone):
                self._selector.unregister(self._crew.agent)
                self._absorb(self._crew.close())
            self._decide(event)

    def _take_commands(self) -> None:
        self._woken.recv(4096)
        while not self._commands.empty():
            self._decide(self._commands.get())

    def _decide(self, event: Event) -> None:
        for instruction in decide(event, self._state, Clock(time.monotonic(), time.time())):
            self._changed = True
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case i.Write(record, run):
                self._session.write(record)
                self._tell([(record, run)])
            case i.WriteDurably(record):
                self._session.write_durably(record)
                self._tell([(record, None)])
            case i.Say(text):
                self._note(text)
            case i.NotSaved(why):
                self._session.not_saved = StoreError(why).failure
            case i.Remember(changes):
                self._session.choose(**changes)
            case i.StartAgent():
                if (none := self._crew.start_agent()) is None:
                    self._listen()
                else:
                    self._decide(none)
            case i.StartWorker(worker, slot):
                if (refused := self._crew.start_worker(worker, slot, self._state.workers)) is not None:
                    self._decide(refused)
            case _:
                self._crew.carry_out(instruction)

    # --- the ledger and what is told ---------------------------------------------------------------------------------

    def _absorb(self, records: Iterable[Record]) -> None:
        changes = self._session.absorb(records)
        if changes:
            self._changed = True
            self._tell(changes)
            if any(run is not None and isinstance(run.status, s.Failed) for _, run in changes):
                self._decide(i.Folded(changes))

    def _tell(self, changes: list[Change]) -> None:
        self._publisher.learn(changes)
        if self._listener is not None:
            self._listener(changes)

    def _note(self, text: str) -> None:
        self._session.note(text)
        self._changed = True
        if self._listener is not None:
            self._listener([(self._session.ledger.notes[-1], None)])

    def _phase(self) -> str:
        return phase_of(self._state, time.monotonic())

    def _publish(self) -> None:
        self._changed = False
        if self._publisher.publish(self._state, self._failure) and self._listener is not None:
            self._listener([])  # the phase has turned, and no record tells that

    # --- the end -----------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """End whatever still lives, write the last checkpoint, and say so, come what may: somebody waits for it."""
        self._state.closing = True
        self._state.failed = bool(self._failure)
        try:
            if not isinstance(self._state.agent, Absent):
                self._try(self._kill_agent)
            self._try(self._session.close)
        finally:
            self._selector.close()
            self._wake.close()
            self._woken.close()
            self._publisher.publish(self._state, self._failure, closed=True)
            if self._listener is not None:
                self._listener([])

    def _kill_agent(self) -> None:
        """Kill it and its workers, and find out what became of what they were doing."""
        agent, deadline = self._crew.agent, time.monotonic() + PATIENCE
        agent.kill()
        while not isinstance(self._state.agent, Absent) and time.monotonic() < deadline:
            for event in agent.receive():
                if isinstance(event, LAST_WORDS):
                    self._absorb(self._crew.last_words(event))
                if isinstance(event, AgentGone):
                    self._absorb(self._crew.close())
                if isinstance(event, (m.Gone, AgentGone)):
                    self._decide(event)
            time.sleep(0.002)

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step of the end; if it fails, that is told, and the others are taken all the same."""
        try:
            step()
        except PyalmaError as error:
            self._failure = self._failure or error.failure
        except Exception as error:  # noqa: BLE001 - told below, and nothing comes after it
            self._failure = self._failure or _defect(error)


def _state_of(settings: Settings, session: Session, *, has_done: bool) -> State:
    """What is known at the start: all that starts by itself waits, failed runs if they were asked for."""
    ledger, order = session.ledger, session.order
    queue = Queue(order)
    wanted = (s.Pending, s.Interrupted, s.Failed) if settings.retry_failed else (s.Pending, s.Interrupted)
    if settings.only is not None:
        queue.add([settings.only])
    elif ledger.counts.pending == len(ledger.runs):
        queue.add(order)
    else:
        queue.add([number for number in order if isinstance(ledger.run(number).status, wanted)])
    policy = Policy(
        module=str(settings.module),
        grace=settings.grace,
        no_done=settings.no_done,
        runs_per_worker=settings.runs_per_worker,
    )
    return State(
        ledger=ledger,
        order=order,
        policy=policy,
        queue=queue,
        retries=Retries(settings.retries),
        workers=settings.workers,
        timeout=settings.timeout,
        gate=Open(settings.paused),
        agent=Present(),
        has_done=has_done,
        planned=session.planned,
    )


def _defect(error: Exception) -> Failure:
    text = f"runner: {type(error).__name__}: {error}. What was saved is kept; please report this"
    return DefectError(text).failure
