"""The workers of a runner: taking seats, being served, leaving, and what they leave behind."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO, Literal, NamedTuple

from psutil import Process

from pyalma_tui.model.messages import Exit, Reply, Serve
from pyalma_tui.runner import supervise
from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.local_slots import GOODBYE, PRESSED, Worker
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.runner.slots import Seat
from pyalma_tui.runner.verdict import how_it_died
from pyalma_tui.store.disk import make_folder, open_regular
from pyalma_tui.store.layout import load_log_dir, load_log_name

DEATHLESS = 10.0  # seconds after which nobody waits any longer for what SIGKILL does not end


class Left(NamedTuple):
    """A worker that is gone: what it left behind may live until `deadline` (time.monotonic).

    `run` is the run that its death has cut short, 0 if there is none: it is not called before all that has ended.
    """

    worker: Worker
    deadline: float
    run: int = 0
    told: bool = False


class Crew:
    """Which worker sits in which slot; owned by the runner thread.

    `on_reply` hears what a worker says, `tell` gets lines for the user.
    """

    def __init__(
        self,
        settings: Settings,
        session: Session,
        on_reply: Callable[[Seat, Reply], None],
        tell: Callable[[str], None],
        *,
        alone: bool,
    ) -> None:
        self.selector = selectors.DefaultSelector()
        self.seats: dict[int, Seat] = {}
        self.leaving: list[Left] = []
        self._settings = settings
        self._session = session
        self._on_reply = on_reply
        self._tell = tell
        self.launched = 0  # how many workers there have been
        self._orphans = supervise.Orphans(alone=alone)

    def of(self, *doing: str) -> list[Seat]:
        """The seats that do one of these."""
        return [seat for seat in self.seats.values() if seat.doing in doing]

    @property
    def active(self) -> list[Seat]:
        """The seats whose workers call user code now."""
        return self.of("running", "done()")

    @property
    def haunted(self) -> set[int]:
        """The runs of which a killed worker may have left something running."""
        return {left.run for left in self.leaving if left.run}

    @property
    def coming(self) -> int:
        """How many will soon be ready."""
        return len(self.of("loading", "opening"))

    def start(self, number: int) -> None:
        """Start a worker for this slot; it says when it has loaded the module. Raises OSError."""
        settings, code = self._settings, self._session.code
        mark = f"{self._session.meta.session}-{self.launched + 1}-{time.monotonic_ns()}"
        kept = code.path if code is not None else None
        with _opened(self._next_log(), self._session.umask) as log:
            worker = Worker(settings.module, log, mark, settings.chosen, kept, foreground=settings.only is not None)
        self._sit(number, worker)

    def adopt(self, worker: Worker) -> None:
        """Take in a worker that has loaded the module already."""
        self.serve(self._sit(0, worker))

    def _next_log(self) -> Path:
        folder = load_log_dir(self._session.state_dir)
        return folder / load_log_name(self._session.meta.session, self.launched + 1)

    def _sit(self, number: int, worker: Worker) -> Seat:
        seat = Seat(number, worker, self.launched + 1, self._next_log())
        self.launched += 1
        self.seats[number] = seat
        self.selector.register(worker.work, selectors.EVENT_READ, lambda: self.hear(seat))
        return seat

    def serve(self, seat: Seat) -> None:
        """Let a worker that has loaded the module open its journal segment, and share the lock with it."""
        seat.turn("opening")
        journal = self._session.journal
        order = Serve(
            state_dir=str(self._session.state_dir),
            segment=journal.name_for(seat.writer),
            segment_limit=journal.segment_limit(seat.writer, self._settings.workers),
            synced=self._settings.sync == "fsync",
            slot=seat.number,
            umask=self._session.umask,
            log=str(seat.load_log),
            foreground=self._settings.only is not None,
        )
        seat.worker.send(order, [self._session.lock_fd, *((0, 1, 2) if order.foreground else ())])

    def hear(self, seat: Seat) -> None:
        """Pass on what a worker has said."""
        for reply in seat.worker.receive():
            self._on_reply(seat, reply)
        if seat.worker.ended:  # readable for ever from now on; that it is gone shows at the next look
            self._stop_listening(seat)

    def _stop_listening(self, seat: Seat) -> None:
        if seat.worker.work in self.selector.get_map():
            self.selector.unregister(seat.worker.work)

    def dismiss(self, seat: Seat) -> None:
        """Let a worker go that calls nothing: it ends as a Python program does. Its slot is free when it is gone."""
        loading = seat.doing == "loading"  # which may take long, and nothing is lost with it
        seat.worker.send(Exit())
        seat.turn("ending", log=Bound(seat.load_log))
        if loading:
            self._press(seat, "SIGINT")

    def hurry(self, seat: Seat, now: float) -> None:
        """Interrupt a worker that does not come to its end, as Ctrl+C would, then kill it."""
        spent = now - seat.began
        if spent >= GOODBYE and seat.pressed != "SIGKILL":
            self._press(seat, "SIGKILL")
            self._tell_loss(seat, f"did not end within {GOODBYE:g} s and was killed")
        elif spent >= PRESSED and seat.pressed is None:
            self._press(seat, "SIGINT")

    def _press(self, seat: Seat, step: Literal["SIGINT", "SIGKILL"]) -> None:
        seat.pressed = step
        seat.worker.signal(Signals[step])

    def _tell_loss(self, seat: Seat, what: str) -> None:
        if seat.followed:  # it has been there for runs
            told = f"worker {seat.worker.pid} {what}: what it had not written to its files yet is lost"
            self._tell(f"{told}; it may say why in {seat.load_log}")

    @property
    def is_parting(self) -> bool:
        """Whether a worker that was told to end is about to be gone."""
        return any(seat.worker.ended for seat in self.of("ending"))

    def remove(self, seat: Seat, *, died: bool = False) -> None:
        """Free the slot of a worker that is gone; what it left behind gets a moment, but none if it `died`."""
        code = seat.worker.gone()
        if seat.doing == "ending" and seat.pressed != "SIGKILL" and code is not None and code < 0:
            held_up = seat.pressed == "SIGINT" and code == -Signals.SIGINT  # in a finalizer: no handler is left then
            how = f"was still at its end after {PRESSED:g} s and was interrupted"
            self._tell_loss(seat, how if held_up else f"was {how_it_died(code)} while it ended")
        self._stop_listening(seat)
        if seat.log is not None:
            seat.log.settle()
        with suppress(OSError):  # it was never there, or was removed
            if seat.load_log.stat().st_size == 0:
                seat.load_log.unlink()
                seat.load_log.parent.rmdir()
        del self.seats[seat.number]
        seat.worker.dismiss_guard()
        now = time.monotonic()
        self.leaving.append(Left(seat.worker, now, seat.run) if died else Left(seat.worker, now + GOODBYE))
        if died:
            self.see_off(now)

    def see_off(self, now: float, *, at_once: bool = False) -> None:
        """Kill what workers that are gone left behind, when its moment is over, and let go of those that left nothing.

        What is killed may leave something in its turn, so each is looked for again until nothing is found.
        """
        staying = []
        for left in self.leaving:
            worker, told = left.worker, left.told
            group = worker.group_is_alive()
            others = self._orphans.of(worker.mark, {seat.worker.pid for seat in self.seats.values()})
            if (group or others) and now < left.deadline and not at_once:
                staying.append(left)
                continue
            if not told and self._has_left(worker, others, group=group):
                told = True
                self._tell(f"worker {worker.pid} left processes behind; they were killed")
            if group:
                worker.signal_group(SIGKILL)
            supervise.sweep(others)
            if (group or others) and now < left.deadline + DEATHLESS and not at_once:
                staying.append(left._replace(told=told))
                continue
            worker.close()
        self.leaving = staying

    def _has_left(self, worker: Worker, others: Sequence[Process], *, group: bool) -> bool:
        """Whether a worker left more than its guard; one that was killed early has not told which process that is."""
        if not worker.guard:
            return False
        strangers = any(process.pid != worker.guard for process in others)
        return strangers or (group and supervise.has_members(worker.pid, but=worker.guard))

    def close(self) -> None:
        """Let go of everything; all workers are gone."""
        self.see_off(time.monotonic(), at_once=True)
        self.selector.close()


def _opened(log: Path, umask: int) -> IO[bytes]:
    try:
        make_folder(log.parent, umask)
        return os.fdopen(open_regular(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, umask), "ab")
    except OSError:  # a log is no reason to stop
        return open(os.devnull, "ab")
