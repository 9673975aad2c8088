"""How a worker learns that it should stop, and that its parent is gone."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

import msgspec

from pyalma_tui.errors import Interrupted
from pyalma_tui.model.messages import Interrupt, Request
from pyalma_tui.worker.descriptors import watched
from pyalma_tui.worker.guard import end_all

PR_SET_PDEATHSIG = 1
Attempt = tuple[int, int]  # run id and attempt number; done() is (0, call)


class Stopping:
    """What was asked of this worker: `asked` is the attempt that should stop, `active` the one that is called now.

    `error` says why the asked one counts as failed, "" if it is a mere interrupt.

    A request names its attempt, so one that comes too late never hits the next run.
    """

    def __init__(self) -> None:
        self.asked: Attempt | None = None
        self.error = ""
        self.active: Attempt | None = None
        self._needed = False  # whether anything may still be asked of this worker: not while it loads, nor at its end
        self._tell: Callable[[FrameType | None], None] = lambda frame: None
        self.renew: Callable[[], None] = lambda: None  # what to do when a new journal segment is asked for

    def watch(self, control: socket.socket) -> None:
        """Start the thread that takes requests, and ends this process group when the runner closes the socket."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # what user code blocks stays blocked
        threading.Thread(target=self._watch, args=(control,), name="pyalma-tui-watch", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _watch(self, control: socket.socket) -> None:
        pending = b""
        decode: Callable[[bytes], Request] = msgspec.json.Decoder(Request).decode
        is_ours = watched(control.fileno())
        while is_ours():  # else user code has closed it, and may have something else there
            try:
                data = control.recv(4096)
            except OSError:
                return
            if not data:  # the runner is gone: nobody can tell us anything any more
                end_all()
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                request = decode(line)
                if not isinstance(request, Interrupt):
                    self.renew()
                    continue
                self.error = request.error
                self.asked = (request.run, request.attempt)

    def install(self) -> None:
        """Make SIGINT raise Interrupted in the main thread while the attempt that was asked to stop is active.

        While the worker loads the module, and at its end, it raises KeyboardInterrupt as in any program.
        """
        signal.signal(signal.SIGINT, self._on_sigint)

    def serve(self) -> None:
        """The module is loaded: from now on the worker is there for runs."""
        self._needed = True

    def end(self, tell: Callable[[FrameType | None], None]) -> None:
        """The worker is no longer needed; `tell` is called with the frame that SIGINT interrupts."""
        self._needed, self._tell = False, tell

    def _on_sigint(self, number: int, frame: FrameType | None) -> None:
        if not self._needed:
            self._tell(frame)
            raise KeyboardInterrupt
        if self.active is None or self.asked != self.active:
            return
        while frame is not None:  # inside save(): it stores first and raises by itself
            if frame.f_globals.get("__name__") == "pyalma_tui.worker.calling":
                if frame.f_code.co_name == "save":
                    return
                break
            frame = frame.f_back
        raise Interrupted


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill us when the thread that started us ends; if it already has, end now.

    macOS has no such request; there the watching thread alone notices.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
