"""How a worker learns that it should stop, and that its parent is gone."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps, which makes names of 62 numbers: 0.5 ms
import _thread
import select
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import msgspec

from pyalma_tui.errors import Interrupted
from pyalma_tui.model.messages import InterruptAttempt, NewSegment, Request, Signalled, Timeout
from pyalma_tui.worker.descriptors import watched
from pyalma_tui.worker.sweeping import end_group

Attempt = tuple[int, int]  # run id and attempt number; done() is (0, call)
SIGNALS = set(map(int, signal.valid_signals()))
_request_of: Callable[[bytes], Request] = msgspec.json.Decoder(Request).decode


class Stopping:
    """What was asked of this worker: `asked` is the attempt that should stop, `active` the one that is called now.

    `signalled` is the one that we have sent a signal, `taken` the one under which an engine has, `cut` the one in which
    Interrupted was raised. `timed_out` are the seconds that the asked one had and has used up, None if somebody wishes
    it to stop. A request names its attempt, so one that comes too late never hits the next run.
    """

    def __init__(self) -> None:
        self.asked: Attempt | None = None
        self.timed_out: float | None = None
        self.signalled: Attempt | None = None
        self.taken: Attempt | None = None
        self.cut: Attempt | None = None
        self.active: Attempt | None = None
        self._granted: tuple[Attempt, float | None] = ((0, 0), None)  # how many seconds which attempt has
        self._tell: Callable[[FrameType | None], None] | None = None  # what SIGINT interrupts, at the worker's end
        self.renew: Callable[[], None] = lambda: None  # what to do when a new journal segment is asked for
        self._control: socket.socket | None = None
        self._taking = threading.Lock()
        self._come = select.poll()  # what tells whether there is a request, by whoever has the lock
        self._pending = b""

    def begin(self, attempt: Attempt, timeout: float | None = None) -> None:
        """This attempt is called from now on; it has so many seconds, unless others were granted meanwhile."""
        if self._granted[0] != attempt:
            self._granted = (attempt, timeout)
        self.active = attempt

    @property
    def timeout(self) -> float | None:
        """The seconds that the last attempt that was begun has, None for as many as it likes."""
        return self._granted[1]

    def watch(self, control: socket.socket) -> None:
        """Start the thread that takes requests, and ends this process group when the runner closes the socket.

        Raises RuntimeError if no thread can be started.
        """
        self._control, self._is_ours = control, watched(control.fileno())
        self._come.register(control, select.POLLIN)
        mask = _signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # what user code blocks stays blocked
        _thread.start_new_thread(self._watch, (control,))  # nobody waits until it runs, and user code sees none of it
        _signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _watch(self, control: socket.socket) -> None:
        poll = select.poll()
        poll.register(control, select.POLLIN)
        while self._is_ours():  # else user code has closed it, and may have something else there
            poll.poll()
            if not self.catch_up():  # the runner is gone: nobody can tell us anything any more
                end_group()

    def catch_up(self) -> bool:
        """Take the requests that have come, also those that the watching thread has not seen yet.

        False when the runner has closed the socket: no more can come. A signal is announced before it is sent: after
        this, who was hit by one knows whose it was.
        """
        assert self._control is not None, "requests are watched for"
        renew = False
        with self._taking:  # nobody goes on while the other thread has read a request and not yet taken it
            if not self._come.poll(0) or not self._is_ours():  # nothing, for each run, as quickly as can be
                return True
            try:
                data = self._control.recv(4096, socket.MSG_DONTWAIT)
            except OSError:  # nothing has come, or user code has closed it
                return True
            *lines, self._pending = (self._pending + data).split(b"\n")
            for line in lines:
                renew |= self._take(_request_of(line))
        if renew:  # which waits for a save that a signal may have interrupted: not with the lock
            self.renew()
        return bool(data)

    def _take(self, request: Request) -> bool:
        """Take one request; whether it is for a new segment."""
        match request:
            case NewSegment():
                return True
            case InterruptAttempt(timeout=timeout):
                self.timed_out = timeout
                self.asked = (request.run, request.attempt)
            case Signalled():
                self.signalled = (request.run, request.attempt)
            case Timeout(seconds=seconds):
                if self.active in (None, (request.run, request.attempt)):
                    self._granted = ((request.run, request.attempt), seconds)
        return False

    def install(self) -> None:
        """Make SIGINT raise Interrupted in the main thread while the attempt that was asked to stop is active.

        Until then it does nothing, as the module is loaded; at the worker's end it raises KeyboardInterrupt as in any
        program.
        """
        signal.signal(signal.SIGINT, self._on_sigint)

    def on_taken(self) -> bool:
        """An engine's signal has come, or the last one of ours: then False."""
        if self.active is not None:
            if self.signalled == self.active:
                return False
            self.asked = self.taken = self.active  # what it has started has got the signal as well, and may be gone
        return True

    def end(self, tell: Callable[[FrameType | None], None]) -> None:
        """The worker is no longer needed; `tell` is called with the frame that SIGINT interrupts."""
        self._tell = tell

    def _on_sigint(self, number: int, frame: FrameType | None) -> None:
        if self._tell is not None:
            self._tell(frame)
            raise KeyboardInterrupt
        if self.active is None or self.active not in (self.asked, self.signalled):
            return
        while frame is not None:  # inside save(): it stores first and raises by itself
            if frame.f_globals.get("__name__") == "pyalma_tui.worker.calling":
                if frame.f_code.co_name == "save" and self.asked == self.active:
                    return
                break
            frame = frame.f_back
        self.cut = self.active
        raise Interrupted
