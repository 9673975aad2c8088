"""The runner: one thread that hands runs to workers, folds what they write, and carries out commands."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from queue import SimpleQueue

import msgspec

from pyalma_tui.errors import DefectError, Failure, LoadError, PyalmaError, ShortageError, StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import NEVER
from pyalma_tui.model.experiment import Run, cut_off
from pyalma_tui.model.forecast import Forecast, forecast
from pyalma_tui.model.messages import (
    DoneEnded,
    DoneOrder,
    Ended,
    Loaded,
    LoadFailed,
    Refused,
    Reply,
    RunOrder,
    ServeFailed,
    Serving,
    TryLater,
)
from pyalma_tui.model.records import DoneRaised, DoneStarted, Record, Reset, Started
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.words import run_name
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import supervise
from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.commands import Limits
from pyalma_tui.runner.crew import Crew
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.module_watch import ModuleWatch
from pyalma_tui.runner.printed import said_in
from pyalma_tui.runner.queue import Queue
from pyalma_tui.runner.retries import CRASHES, Retries
from pyalma_tui.runner.room import Room
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.runner.slots import Seat
from pyalma_tui.runner.snapshot import Change, Listener, Phase, Snapshot
from pyalma_tui.runner.starting import Starting
from pyalma_tui.runner.usage import Usage
from pyalma_tui.runner.verdict import Death, how_it_died, verdict
from pyalma_tui.store.layout import done_log_path, log_path

TICK = 0.1  # seconds between two looks at the journals while anybody runs
SOON = 0.005  # seconds until the next look when a worker is about to be gone
LINGER = 2.0  # seconds after which a worker without work ends: it may hold memory that others want
LOOK = 0.5  # seconds between two looks whether a process is stopped
NO_STATE = msgspec.Raw(b'""')
MEND = "What was saved is kept; mend it, then start again"
MAKE_ROOM = "make room or allow writing, then start again"


class Runner:
    """Runs an experiment in a thread of its own; `snapshot` and `send` are for any thread."""

    def __init__(
        self,
        settings: Settings,
        session: Session,
        first: Worker | None,
        listener: Listener | None = None,
        *,
        alone: bool = False,
    ) -> None:
        """`first` is a worker that has loaded the module already, if there is one.

        `alone` says that this process does nothing else: whatever is reparented to it was left behind by a worker.
        """
        assert first is None or first.loaded is not None, "a first worker has loaded its module"
        self._settings = settings
        self._session = session
        self._listener = listener
        self._has_done = bool(first and first.loaded and first.loaded.has_done)
        self._crew = Crew(settings, session, self._on_reply, self._note, alone=alone)
        self._edited = ModuleWatch(settings.module, session.meta.module_hash)
        self._first = first
        self._workers = settings.workers
        self._queue = Queue(session.order)
        self._timeout = settings.timeout
        self._retries = Retries(settings.retries)
        self._starting = Starting()
        self._room = Room()
        self._usage = Usage()
        self._durations: deque[float] = deque(maxlen=500)
        self._paused = settings.paused
        self._halted = False  # after an interrupt of everything, until a resume
        self._quitting = False
        self._done_wanted = False
        self._stirred = 0  # how many workers had been started when something was called last
        self._worn: set[str] = set()  # what was told of workers that had to be replaced
        self._blocked: PyalmaError | None = None
        self._failure: Failure | None = None
        self._changed = True
        self._snapshot = Snapshot()
        self._commands: SimpleQueue[c.Command] = SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._next_tick = 0.0
        self._thread = threading.Thread(target=self._main, name="pyalma-tui-runner")
        found = [note for note in session.ledger.notes if note.text not in settings.warnings]
        if listener is not None and found:  # while it was opened; a listener's user has read the warnings on stderr
            listener([(note, None) for note in found])
        self._gather()
        self._publish("opening")

    # --- for other threads ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; where no thread can be started it ends at once, and `failure` of the snapshot says so."""
        try:
            self._thread.start()
        except RuntimeError as error:
            if not is_shortage(error):
                raise
            self._failure = ShortageError(str(error)).failure
            if self._first is not None:
                self._first.kill()
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
        return self._snapshot

    def send(self, command: c.Command) -> None:
        """Ask for something; returns at once."""
        self._commands.put(command)
        try:
            self._wake.send(b"\0")
        except OSError:  # the thread has ended: nobody carries out anything any more
            return

    # --- the thread ----------------------------------------------------------------------------------------------

    def _main(self) -> None:
        self._woken.setblocking(False)
        self._crew.selector.register(self._woken, selectors.EVENT_READ, self._take_commands)
        try:
            if self._first is not None:
                self._crew.adopt(self._first)
            while not (self._quitting and not self._crew.seats and not self._crew.leaving):
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
        timeout = max(0.0, self._next_tick - time.monotonic()) if self._ticking() else None
        for key, _ in self._crew.selector.select(timeout):
            key.data()
        now = time.monotonic()
        if self._crew.is_parting:
            self._next_tick = min(self._next_tick, now + SOON)
        if now >= self._next_tick or self._changed:
            self._tick(now)
        self._fill()
        if self._changed and not self._crew.active and self._phase() == "idle":
            self._publish("idle")  # at once: somebody waits for the end

    def _ticking(self) -> bool:
        return bool(
            self._crew.seats
            or self._crew.leaving
            or self._retries
            or self._changed
            or self._room.wanted
            or (self._starting.waits and self._phase() == "busy")
            or self._session.journal.changed
            or self._session.not_saved
        )

    def _tick(self, now: float) -> None:
        if now < self._next_tick:
            return
        self._next_tick = now + TICK
        self._look_at_files()
        self._absorb(self._session.journal.poll())
        for seat in list(self._crew.seats.values()):
            self._look_after(seat, now)
        self._crew.see_off(now)
        self._queue.add(self._retries.due(now, self._has_failed))
        active = bool(self._crew.active)
        self._usage.look({seat.worker.pid: seat.worker.guard for seat in self._crew.seats.values()}, now)
        self._session.busy(active)
        self._session.tend(now, idle=self._phase() == "idle")
        self._look_for_room(now)
        if self._changed or active:
            self._publish(self._phase())

    def _look_at_files(self) -> None:
        """Notice what others do to our files meanwhile."""
        if found := self._edited.look():
            name, ours = self._settings.module.name, self._session.meta.module_hash
            if found == ours:
                self._note(f"{name} on disk is again the code of this session ({ours})")
            else:
                change = f"{ours} → {found}"
                self._note(f"{name} has changed on disk ({change}); this session goes on with the code it began with")
        mended = self._session.mend()
        for text in mended.notes:
            self._note(text)
        for seat in self._crew.seats.values():
            if seat.writer in mended.writers:
                seat.worker.renew_segment()

    def _end(self) -> None:
        """End whatever still lives, write the last checkpoint, and say so, come what may: somebody waits for it."""
        self._quitting = True
        try:
            self._try(self._end_workers)
            self._try(self._crew.close)
            self._try(self._session.close)
        finally:
            self._wake.close()
            self._woken.close()
            self._publish("closed")

    def _end_workers(self) -> None:
        """There are some only after an error of ours: what they call is killed, the others end by themselves."""
        now = time.monotonic()
        for seat in self._crew.seats.values():
            if seat.active:
                self._advance(seat, supervise.at_once(seat.stop or supervise.asked(now, 0.0), now))
            elif seat.doing != "ending":
                self._crew.dismiss(seat)
        while self._crew.seats:
            for seat in list(self._crew.seats.values()):
                self._try(partial(self._see_end, seat))
            time.sleep(SOON)

    def _see_end(self, seat: Seat) -> None:
        code = seat.worker.gone()
        if code is not None:
            self._bury(seat, code)
        elif seat.doing == "ending":
            self._crew.hurry(seat, time.monotonic())

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step of the end; if it fails, that is told, and the others are taken all the same."""
        try:
            step()
        except PyalmaError as error:
            self._failure = self._failure or error.failure
        except Exception as error:  # noqa: BLE001 - told below, and nothing comes after it
            self._failure = self._failure or _defect(error)

    # --- what is to be run ---------------------------------------------------------------------------------------

    def _gather(self) -> None:
        """Let everything wait that starts by itself: pending and interrupted runs, failed ones if asked for."""
        if self._settings.only is not None:
            self._queue.add([self._settings.only])
            return
        wanted = (s.Pending, s.Interrupted, s.Failed) if self._settings.retry_failed else (s.Pending, s.Interrupted)
        ledger = self._session.ledger
        fresh = ledger.counts.pending == len(ledger.runs)
        order = self._session.order
        self._queue.add(order if fresh else [i for i in order if isinstance(ledger.run(i).status, wanted)])
        if not fresh:
            done = [run.seconds for run in ledger.runs if isinstance(run.status, s.Done)]
            done = [seconds for seconds in done if seconds]  # those that pyalma ended took nobody knows how long
            self._durations.extend(done[-500:])
        if self._settings.rerun_done:
            self._rerun_done()

    def _fill(self) -> None:
        """Give every free worker something to do, and start workers while there is more than they can take."""
        if self._quitting:
            for seat in self._crew.of("loading", "opening", "ready"):
                self._crew.dismiss(seat)
            return
        if not self._session.planned:  # what run ids mean is being written
            self._session.refuse_unplanned()
            return
        open_to_runs = not (self._halted or self._paused or self._blocked)
        haunted = self._crew.haunted
        for seat in list(self._crew.seats.values()):
            if seat.doing == "ready" and seat.number >= self._workers:
                self._crew.dismiss(seat)
            elif seat.doing == "ready" and open_to_runs and (run := self._queue.pop(haunted)) is not None:
                self._order(seat, run)
        if open_to_runs:
            coming = self._crew.coming
            for number in range(self._workers):
                if coming >= len(self._queue):
                    break
                if number not in self._crew.seats and self._start(number):
                    coming += 1
        if self._done_is_due():
            self._call_done()

    def _start(self, number: int) -> bool:
        """Start a worker, if one can be started now; where no more can be, as many as there are have to do.

        Raises OSError if there is none.
        """
        now = time.monotonic()
        if not self._starting.may(now, others=bool(self._loaded)):
            return False
        try:
            self._crew.start(number)
        except OSError as error:
            why = error.strerror or str(error)
            if is_shortage(error):
                self._try_later(why, now)
                return False
            if not self._crew.seats:
                raise
            self._workers = len(self._crew.seats)
            self._note(f"no more workers can be started ({why}): {_count(self._workers, 'worker')} go on")
            return False
        return True

    def _try_later(self, why: str, now: float) -> None:
        if self._starting.short(now):
            self._note(f"no worker can be started at the moment ({why}): it is tried again until one can")

    def _order(self, seat: Seat, number: int) -> None:
        run = self._session.ledger.run(number)
        assert number not in self._taken, "no two workers have the same run"
        assert not isinstance(run.status, s.Running | s.Done), "only what is not running and not done is called"
        instance = self._session.ledger.instances[run.instance]
        log = Bound(log_path(self._session.state_dir, run.id, run.attempt + 1))
        self._stirred = self._crew.launched
        seat.turn("running", run.id, run.attempt + 1, log)
        self._changed = True
        seat.worker.send(
            RunOrder(
                run=run.id,
                attempt=run.attempt + 1,
                instance=instance.id,
                file=instance.file,
                is_object=instance.data is not None,
                data=msgspec.Raw(instance.data or b"null"),
                iteration=run.iteration,
                seed=run.seed,
                state=NO_STATE if run.state is None else msgspec.Raw(run.state),
                timeout=self._timeout,
                bare=instance.bare,
            )
        )

    @property
    def _taken(self) -> set[int]:
        """The runs that workers have, also those that have not recorded yet that they begin."""
        return {seat.run for seat in self._crew.seats.values() if seat.doing == "running"}

    def _standing(self, runs: Iterable[int], *kinds: type[s.Status]) -> list[int]:
        """Those of the runs that are in one of these statuses and that no worker has."""
        ledger, taken = self._session.ledger, self._taken
        return [run for run in runs if isinstance(ledger.run(run).status, kinds) and run not in taken]

    def _has_failed(self, run: int) -> bool:
        return bool(self._standing([run], s.Failed))

    # --- done() --------------------------------------------------------------------------------------------------

    def _all_done(self) -> bool:
        counts = self._session.ledger.counts
        if counts.done == counts.total:
            return counts.total > 0
        if len(self._queue) or self._retries or any(seat.run for seat in self._crew.seats.values()):
            return False
        return all(isinstance(self._session.ledger.run(run).status, s.Done) for run in self._session.order)

    def _done_is_due(self) -> bool:
        if not self._has_done or self._halted or self._paused or self._blocked:
            return False
        if bool(self._crew.active):
            return False
        not_yet = isinstance(self._session.ledger.hook.status, s.HookNotYet) and not self._settings.no_done
        return (not_yet or self._done_wanted) and self._all_done()

    def _call_done(self) -> None:
        """Call it in a worker that was started after all runs, and after all their workers had ended.

        Only then what runs have written is there: files are flushed at the end of a process.
        """
        ready = [seat for seat in self._crew.of("ready") if seat.launch > self._stirred]
        for seat in self._crew.of("ready"):
            if seat not in ready[:1]:
                self._crew.dismiss(seat)
        if self._crew.leaving or len(self._crew.seats) > len(ready[:1]):
            return
        if not ready:
            self._start(0)
            return
        self._done_wanted = False
        self._stirred = self._crew.launched
        session = self._session
        call = session.ledger.hook.calls + 1
        started = DoneStarted(call, time.time(), session.results)
        session.write_durably(started)  # raises: done() is not called unless that it was is known for ever
        self._after([(started, None)])
        ready[0].turn("done()", 0, call, Bound(done_log_path(session.state_dir, call)))
        ready[0].worker.send(DoneOrder(call))

    def _rerun_done(self) -> None:
        hook = self._session.ledger.hook.status
        if isinstance(hook, s.HookAbsent):
            self._note("the module has no done()")
        elif not self._all_done():
            self._note("done() is called when all runs are done; some are not")
        elif not isinstance(hook, s.HookRunning):
            self._done_wanted, self._halted = True, False
            self._note("done() is called again")

    # --- workers -------------------------------------------------------------------------------------------------

    def _on_reply(self, seat: Seat, reply: Reply) -> None:
        self._changed = True
        match reply:
            case Serving():
                self._session.journal.follow(seat.writer)
                seat.followed = True
                if seat.doing == "opening":
                    seat.turn("ready")
            case _ if seat.doing == "ending":  # it had not heard yet that it is no longer needed
                return
            case Loaded():
                self._starting.loaded()
                self._has_done = reply.has_done
                self._crew.serve(seat)
            case LoadFailed(error):
                why = said_in(error.message, seat.load_log)
                self._crew.dismiss(seat)
                told = f"a worker could not import the module: {why}"
                self._never_loaded(told, LoadError(f"module: {why}. {MEND}"))
            case TryLater(why):
                self._crew.dismiss(seat)
                self._try_later(why, time.monotonic())
            case ServeFailed(error, room):
                self._crew.dismiss(seat)
                self._not_saved("a worker cannot write its journal", Refused(error.message, room))
            case Ended(run, attempt, refused, worn):
                self._absorb(self._session.journal.read(seat.writer))
                if refused is not None:
                    self._not_recorded(run, attempt, refused)
                seat.turn("ready")
                if worn:
                    self._replace(seat, run, worn)
            case DoneEnded(unsaved=unsaved):
                self._absorb(self._session.journal.read(seat.writer))
                if isinstance(self._session.ledger.hook.status, s.HookRunning):
                    self._cut_off(unsaved)
                self._crew.dismiss(seat)  # what it has written is there when it is gone

    def _replace(self, seat: Seat, run: int, worn: str) -> None:
        """Let a worker go whose process a run has changed for good; another one takes its slot if there is need."""
        if worn not in self._worn:
            self._worn.add(worn)
            self._note(f"{self._label(run)} {worn}: its worker is replaced, as each is after such a run")
        self._crew.dismiss(seat)

    def _not_recorded(self, run: int, attempt: int, refused: Refused) -> None:
        """The disk refused what a worker wrote of a run, which goes on by itself if that was no fault of its own."""
        known = self._session.ledger.run(run)
        if refused.end is not None and isinstance(known.status, s.Running):
            self._write(refused.end)
        self._not_saved(self._label(run), refused)
        if known.attempt < attempt or isinstance(self._session.ledger.run(run).status, s.Interrupted):
            self._queue.add([] if self._halted else [run])

    def _not_saved(self, what: str, refused: Refused) -> None:
        """The disk refused something: nothing is started only to be refused as well."""
        self._session.not_saved = StoreError(refused.why).failure
        if refused.room:
            self._room.refused(time.monotonic())
        if self._blocked is None:
            self._blocked = StoreError(f"NOT SAVED: {what}: {refused.why}; {MAKE_ROOM}")
            later = "; what it has interrupted goes on by itself when there is room" if refused.room else ""
            self._note(f"nothing more is started: {refused.why}{later}")

    def _look_for_room(self, now: float) -> None:
        """Go on when the disk takes something again: a checkpoint, which is tried every few seconds as long as not."""
        if self._room.is_found(now, stored=not self._session.not_saved):
            self._blocked = None
            self._note("there is room on the disk again: what it has interrupted goes on")

    def _never_loaded(self, why: str, error: PyalmaError) -> None:
        """A worker did not come to load the module: another is tried, and after some the others go on without it."""
        if not self._starting.died(time.monotonic()):
            self._note(f"{why}; another one is started")
        elif self._loaded:
            self._note(f"no more workers can be started: {why}; {_count(self._loaded, 'worker')} go on")
        else:
            self._blocked = error
            self._note(f"no worker can be started: {why}")

    @property
    def _loaded(self) -> int:
        """How many workers have loaded the module."""
        return len(self._crew.of("opening", "ready", "running", "done()"))

    def _look_after(self, seat: Seat, now: float) -> None:
        code = seat.worker.gone()
        if code is not None:
            self._crew.hear(seat)
            self._bury(seat, code)
            return
        if seat.doing == "ending":
            self._crew.hurry(seat, now)
        if seat.log is not None:
            seat.log.look()
        if seat.active:
            self._look_whether_stopped(seat, now)
        timeout = self._timeout
        if seat.stop is None:
            if timeout is not None and seat.doing == "running" and now - seat.began >= timeout:
                self._ask(seat, timeout)
            elif seat.doing == "ready" and now - seat.began >= LINGER:
                self._crew.dismiss(seat)
        elif now >= seat.stop.deadline:
            self._advance(seat, supervise.advanced(seat.stop, now))

    def _look_whether_stopped(self, seat: Seat, now: float) -> None:
        if now < seat.next_look:
            return
        seat.next_look = now + LOOK
        responding = not supervise.is_stopped(seat.worker.pid)
        if responding != seat.responding:
            seat.responding = responding
            who, pid = self._label(seat.run) if seat.run else "done()", seat.worker.pid
            how = f"its process {pid} is stopped; `kill -CONT {pid}` lets it go on"
            self._note(f"{who} responds again" if responding else f"{who} does not respond: {how}")

    def _bury(self, seat: Seat, code: int) -> None:
        """The worker is gone: read its last words, and find out what became of what it was doing."""
        self._last_words(seat)
        if seat.doing == "running":
            self._write_end(seat, code)
        elif seat.doing == "done()" and isinstance(self._session.ledger.hook.status, s.HookRunning):
            if seat.stop is not None:
                self._cut_off("it was stopped")
            else:
                why = how_it_died(code).replace("run()", "done()")
                self._write(DoneRaised(seat.attempt, time.time(), s.Error(why)))
        self._crew.remove(seat, died=seat.doing != "ending")
        if seat.doing in ("loading", "opening") and not self._quitting:
            how = how_it_died(code) if code < 0 else f"exit code {code}"
            why = said_in(f"a worker ended while it imported the module ({how})", seat.load_log)
            self._never_loaded(why, LoadError(f"module: {self._settings.module}: {why}. {MEND}"))

    def _write_end(self, seat: Seat, code: int) -> None:
        run = self._session.ledger.run(seat.run)
        if run.attempt > seat.attempt or (run.attempt == seat.attempt and not isinstance(run.status, s.Running)):
            return  # its own last record says how it ended
        if run.attempt < seat.attempt:  # it never came to its start
            self._retries.crashed(seat.run)
            if seat.stop is not None or not self._retries.is_deadly(seat.run):
                self._queue.add([seat.run])
                return
            started = Started(seat.run, seat.attempt, seat.number, seat.since, "", seat.worker.pid)
            self._write(started)  # as far as we know: it dies of this run, which must not go round for ever
        stop = seat.stop
        death = Death(
            code=code,
            seconds=round(time.monotonic() - seat.began, 3),
            step=stop.step if stop is not None else None,
            hurried=stop is not None and stop.hurried,
            timeout=self._timeout if stop is None or stop.wished else stop.timeout,
            timed_out=stop is not None and not stop.wished,
            failed=bool(self._failure),
        )
        if stop is None:
            self._retries.crashed(seat.run)
        self._write(verdict(seat.run, seat.attempt, death, time.time()))

    def _last_words(self, seat: Seat) -> None:
        self._changed = True
        if seat.followed:
            self._absorb(self._session.journal.end(seat.writer))

    # --- stopping ------------------------------------------------------------------------------------------------

    def _ask(self, seat: Seat, timeout: float | None = None) -> None:
        """The first step of the stop protocol; done() has no save(), so it gets the grace to end by itself."""
        stop = supervise.asked(time.monotonic(), self._settings.grace, timeout)
        self._advance(seat, stop)

    def _advance(self, seat: Seat, stop: supervise.Stop) -> None:
        seat.stop = stop
        self._changed = True
        supervise.carry_out(stop, seat.worker, seat.run, seat.attempt)

    def _interrupt(self, runs: Sequence[int] | None, *, again: bool) -> None:
        """Ask running runs to stop; `again`, those that the user has asked before are killed."""
        now = time.monotonic()
        seats = [seat for seat in self._crew.seats.values() if seat.active and (runs is None or seat.run in runs)]
        if runs is None:
            self._halted = True
            self._retries.clear()
            self._queue.clear()
            self._room.forget()
            for seat in self._crew.of("loading", "opening"):
                self._crew.dismiss(seat)
        else:
            discarded = sum(self._queue.discard(run) for run in runs)
            if discarded:
                self._note(f"{_count(discarded, 'run')} wait{'s' * (discarded == 1)} no more")
        for seat in seats:
            if seat.stop is None:
                self._ask(seat)
            elif again and (runs is None or seat.stop.wished):  # a timeout was not the user's wish
                self._advance(seat, supervise.at_once(seat.stop, now))
        if seats:
            killing = any(seat.stop and seat.stop.step == "SIGKILL" for seat in seats)
            self._note(f"{'killing' if killing else 'interrupting'} {_count(len(seats), 'run')}")
        elif runs is None and not self._quitting:
            self._note("interrupted: nothing new is started")

    # --- commands ------------------------------------------------------------------------------------------------

    def _take_commands(self) -> None:
        self._woken.recv(4096)
        while not self._commands.empty():
            self._carry_out(self._commands.get())

    def _carry_out(self, command: c.Command) -> None:
        self._changed = True
        match command:
            case c.Interrupt(runs):
                self._interrupt(runs, again=self._halted if runs is None else True)
            case c.Resume(runs):
                self._resume(runs)
            case c.Next(runs):
                self._put_first(runs)
            case c.Retry(runs):
                self._go_on()
                self._let_wait(runs, s.Failed, "retrying")
            case c.Reset(runs):
                self._reset(runs)
            case c.RerunDone():
                self._rerun_done()
            case c.SetWorkers(workers):
                self._set_workers(workers)
            case c.SetLimits(limits):
                self._set_limits(limits)
            case c.Pause(paused):
                self._pause(paused)
            case c.Remark(text):
                self._note(text)
            case c.Quit():
                again, self._quitting = self._quitting, True
                self._interrupt(None, again=again)

    def _resume(self, runs: Sequence[int] | None) -> None:
        if runs is None:
            self._pause(False)
        self._go_on()
        self._let_wait(runs, s.Interrupted, "resuming")
        self._let_wait(runs, s.Pending, "starting")

    def _let_wait(self, runs: Sequence[int] | None, kind: type[s.Status], verb: str) -> None:
        added = self._queue.add(self._standing(self._session.order if runs is None else runs, kind))
        if added:
            self._note(f"{verb} {_count(added, 'run')}")

    def _put_first(self, runs: Sequence[int]) -> None:
        """Let these be called before all others that wait, in the order that they have among themselves."""
        first = self._standing(runs, s.Pending, s.Interrupted, s.Failed)
        if first:
            self._go_on()
            self._queue.put_first(first)
            self._note(f"next: {self._label(first[0]) if len(first) == 1 else _count(len(first), 'run')}")

    def _go_on(self) -> None:
        """Somebody wants something to run: what held everything up is over."""
        self._halted = False
        self._blocked = None
        self._room.forget()
        self._starting.anew()

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            self._note("paused: no new runs are started" if paused else "no longer paused")
            self._paused = paused

    def _set_workers(self, workers: int) -> None:
        if workers >= 1 and workers != self._workers:
            self._note(f"workers {self._workers} → {workers}")
            self._workers = workers
            self._session.choose(workers=workers)

    def _set_limits(self, limits: Limits) -> None:
        if limits.timeout != self._timeout:
            self._note(f"timeout {_seconds(self._timeout)} → {_seconds(limits.timeout)}")
            self._timeout = limits.timeout
            for seat in self._crew.of("running"):
                seat.worker.grant(seat.run, seat.attempt, limits.timeout)
        if limits.retries != self._retries.limit:
            self._note(f"retries {self._retries.limit} → {limits.retries}")
            self._retries.limit = limits.retries
        self._session.choose(timeout=limits.timeout or NEVER, retries=limits.retries)

    def _reset(self, runs: Sequence[int]) -> None:
        ledger = self._session.ledger
        idle = self._standing(runs, s.Pending, s.Interrupted, s.Failed, s.Done)
        for run in idle:
            self._write(Reset(run, ledger.run(run).attempt + 1, time.time(), ledger.hook.calls))
        self._queue.add(idle)
        if idle:
            self._note(f"{_count(len(idle), 'run')} forgotten, to run anew")

    # --- the ledger and what is told -----------------------------------------------------------------------------

    def _write(self, record: Record) -> None:
        run = self._session.write(record)
        self._after([(record, run)])

    def _label(self, run: int) -> str:
        ledger, known = self._session.ledger, self._session.ledger.run(run)
        return run_name(ledger.instances[known.instance].label, known.iteration, len(ledger.runs_of[known.instance]))

    def _note(self, text: str) -> None:
        self._session.note(text)
        self._changed = True
        if self._listener is not None:
            self._listener([(self._session.ledger.notes[-1], None)])

    def _cut_off(self, why: str) -> None:
        hook = self._session.ledger.hook
        if isinstance(hook.status, s.HookRunning):
            self._session.ledger.hook = cut_off(hook)
            self._note(f"done() was cut off ({why}); it may or may not have taken effect")

    def _absorb(self, records: Iterable[Record]) -> None:
        changes = self._session.absorb(records)
        if changes:
            self._after(changes)

    def _after(self, changes: Sequence[Change]) -> None:
        self._changed = True
        for _, run in changes:
            if run is None:
                continue
            if isinstance(run.status, s.Done):
                self._durations.append(run.seconds)
            elif isinstance(run.status, s.Failed):
                self._after_failure(run)
        if self._listener is not None:
            self._listener(changes)

    def _after_failure(self, run: Run) -> None:
        wanted = not self._halted and self._retries.failed(run.id, time.monotonic())
        if wanted and self._retries.is_deadly(run.id):
            self._note(f"{self._label(run.id)} is not tried again by itself: it ended {CRASHES} workers")

    def _phase(self) -> Phase:
        if self._quitting or any(seat.stop and seat.stop.wished for seat in self._crew.seats.values()):
            return "stopping"
        if bool(self._crew.active):
            return "busy"
        waiting = len(self._queue) > 0 or self._retries
        blocked = self._blocked and not self._room.is_expected(time.monotonic())
        held = self._halted or self._paused or blocked
        return "busy" if (waiting and not held) or self._done_is_due() else "idle"

    def _idle_reason(self) -> str:
        counts = self._session.ledger.counts
        if self._blocked is not None:
            return self._blocked.message
        if self._all_done():
            return "all done"
        if self._halted:
            return "interrupted"
        if self._paused:
            return "paused"
        return f"{counts.failed} failed" if counts.failed else "nothing to run"

    def _forecast(self, now: float) -> Forecast | None:
        seats = [seat for seat in self._crew.seats.values() if seat.doing == "running"]
        busy = [now - seat.began + self._session.ledger.run(seat.run).seconds for seat in seats]
        remaining = len(self._queue) + len(busy)
        return forecast(self._durations, remaining, sum(busy), max(1, min(self._workers, remaining)))

    def _publish(self, phase: Phase) -> None:
        ledger, session, settings = self._session.ledger, self._session, self._settings
        self._changed = False
        turned = phase != self._snapshot.phase
        self._snapshot = Snapshot(
            serial=self._snapshot.serial + 1,
            at=time.time(),
            title=settings.target.stem,
            target=settings.target,
            module_hash=session.meta.module_hash,
            args=session.meta.chosen.args or (),
            state_dir=session.state_dir,
            phase=phase,
            workers=self._workers,
            paused=self._paused,
            instances=ledger.instances,
            runs=ledger.runs.freeze(),
            rows=ledger.rows.freeze(),
            runs_of=ledger.runs_of,
            counts=ledger.counts,
            aside=ledger.aside,
            limits=Limits(self._timeout, self._retries.limit),
            slots=tuple(seat.shown(self._usage.of(seat.worker.pid)) for _, seat in sorted(self._crew.seats.items())),
            done_hook=ledger.hook,
            forecast=self._forecast(time.monotonic()) if phase == "busy" else None,
            saved_at=ledger.saved_at,
            notes=ledger.notes,
            not_saved=session.not_saved,
            idle_reason=self._idle_reason() if phase == "idle" else "",
            blocked=self._blocked.failure if self._blocked is not None else None,
            failure=self._failure,
        )
        if turned and self._listener is not None:
            self._listener([])  # no record tells that


def _defect(error: Exception) -> Failure:
    why = f"runner: {type(error).__name__}: {error}. What was saved is kept; please report this"
    return DefectError(why).failure


def _seconds(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g} s"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
