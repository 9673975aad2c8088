"""The workers of a runner: taking seats, being served, leaving, and what they leave behind."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import IO, Literal

from pyalma_tui.model.messages import Exit, Reply, Serve
from pyalma_tui.runner import supervise
from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.local_slots import GOODBYE, PRESSED, Worker
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.runner.slots import Seat
from pyalma_tui.runner.snapshot import load_log_dir


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
        self.leaving: list[tuple[Worker, float]] = []
        self.parting = False  # whether a worker that was told to end is gone in a moment
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
    def coming(self) -> int:
        """How many will soon be ready."""
        return len(self.of("loading", "opening"))

    def start(self, number: int) -> None:
        """Start a worker for this slot; it says when it has loaded the module."""
        mark = f"{self._session.meta.session}-{self.launched + 1}-{time.monotonic_ns()}"
        with _opened(self._next_log()) as log:
            worker = Worker(self._settings.module, log, mark, self._session.code)
        self._sit(number, worker)

    def adopt(self, worker: Worker) -> None:
        """Take in a worker that has loaded the module already."""
        self.serve(self._sit(0, worker))

    def _next_log(self) -> Path:
        directory = load_log_dir(self._session.state_dir)
        return directory / f"{self._session.meta.session:06d}-{self.launched + 1:03d}.log"

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
            segment_limit=journal.segment_limit(self._settings.workers),
            synced=self._settings.sync == "fsync",
            slot=seat.number,
            log=str(seat.load_log),
        )
        seat.worker.send(order, [self._session.lock_fd])

    def hear(self, seat: Seat) -> None:
        """Pass on what a worker has said."""
        for reply in seat.worker.receive():
            self._on_reply(seat, reply)
        if seat.worker.ended:  # readable for ever from now on; that it is gone shows at the next look
            self._stop_listening(seat)
            self.parting = self._is_parting()

    def _is_parting(self) -> bool:
        return any(seat.worker.ended for seat in self.of("ending"))

    def _stop_listening(self, seat: Seat) -> None:
        if seat.worker.work in self.selector.get_map():
            self.selector.unregister(seat.worker.work)

    def dismiss(self, seat: Seat) -> None:
        """Let a worker go that calls nothing: it ends as a Python program does. Its slot is free when it is gone."""
        loading = seat.doing == "loading"  # which may take long, and nothing is lost with it
        seat.worker.send(Exit())
        seat.turn("ending", log=Bound(seat.load_log))
        if loading:
            self._press(seat, "SIGKILL" if seat.worker.blank else "SIGINT")

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

    def remove(self, seat: Seat) -> None:
        """Free the slot of a worker that is gone; what it left behind gets a moment."""
        code = seat.worker.gone()
        if seat.doing == "ending" and seat.pressed != "SIGKILL" and code is not None and code < 0:
            held_up = seat.pressed == "SIGINT" and code == -Signals.SIGINT  # in a finalizer: no handler is left then
            how = f"was still at its end after {PRESSED:g} s and was interrupted"
            self._tell_loss(seat, how if held_up else f"was {supervise.death(code)} while it ended")
        self._stop_listening(seat)
        if seat.log is not None:
            seat.log.settle()
        with suppress(OSError):  # it was never there, or was removed
            if seat.load_log.stat().st_size == 0:
                seat.load_log.unlink()
        del self.seats[seat.number]
        self.parting = self._is_parting()
        seat.worker.dismiss_guard()
        self.leaving.append((seat.worker, time.monotonic() + GOODBYE))

    def see_off(self, now: float, *, at_once: bool = False) -> None:
        """Kill what workers that are gone left behind, when its moment is over."""
        staying = []
        for worker, deadline in self.leaving:
            group = worker.group_is_alive()
            others = self._orphans.of(worker.mark, {seat.worker.pid for seat in self.seats.values()})
            if (group or others) and now < deadline and not at_once:
                staying.append((worker, deadline))
                continue
            if group:
                worker.signal_group(SIGKILL)
            supervise.sweep(others)
            worker.close()
            if group or others:
                self._tell(f"worker {worker.pid} left processes behind; they were killed")
        self.leaving = staying

    def close(self) -> None:
        """Let go of everything; all workers are gone."""
        self.see_off(time.monotonic(), at_once=True)
        self.selector.close()


def _opened(log: Path) -> IO[bytes]:
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.touch(0o600)
        return log.open("ab")
    except OSError:  # a log is no reason to stop
        return open(os.devnull, "ab")
