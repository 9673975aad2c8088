"""A terminal or pipe that takes nothing any more: whoever is to end does not wait for it for ever.

A pager that was stopped, ctrl+s, an SSH line without an end: a write to them does not return. While the experiment runs
that is as it should be. After a signal that ends us it is not: descriptors that took nothing for a while are pointed
nowhere. The write that waits is taken up there, as a system call that a signal cuts short is made again, and it and all
that follow fail as those to a terminal that is gone.
"""

from __future__ import annotations

import atexit
import errno
import io
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Final

PATIENCE: Final = 1.0  # seconds in which nothing is taken
LOOK: Final = 0.1  # seconds between two looks
PIECE: Final = 4096  # bytes that are written at once: a slow line takes as many within the patience


class UntakenError(OSError):
    """What was written is not taken: never a BrokenPipeError, at which Rich would exit as if a run had failed."""


class Outlet(io.FileIO):
    """A standard descriptor that is written to in small pieces.

    `since` tells when the one that waits began to wait, `left` that the descriptor leads nowhere by now.
    """

    def __init__(self, fd: int) -> None:
        super().__init__(fd, "w", closefd=False)
        self.since: float | None = None
        self.left = False

    def write(self, data: object) -> int:
        """Write the first piece of it; the number of bytes that were taken. Raises UntakenError."""
        assert isinstance(data, bytes | bytearray | memoryview)
        self.since = time.monotonic()
        try:
            taken = 0 if self.left else super().write(memoryview(data)[:PIECE])
        except OSError as error:
            raise UntakenError(error.errno, error.strerror) from None
        finally:
            self.since = None
        if self.left:
            raise UntakenError(errno.EIO, os.strerror(errno.EIO))
        return taken


def watch() -> None:
    """From now on no write waits for long. For handlers of signals; the main thread alone may call it."""
    if not isinstance(signal.getsignal(signal.SIGALRM), _Look):
        atexit.register(unwatch)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # a job that ends may write also where `stty tostop` is set
        signal.signal(signal.SIGALRM, _Look())
        signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)


def unwatch() -> None:
    """Look no more: at its end an interpreter forgets the handler, and would die of the next alarm."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    if isinstance(signal.getsignal(signal.SIGALRM), _Look):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def leave(*fds: int) -> None:
    """Point descriptors nowhere, as those of a terminal that is gone: a write would fail, a read never end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in fds:
        os.dup2(nowhere, fd)
    os.close(nowhere)


class _Look:
    """The handler of the alarm; that it is installed tells that somebody watches."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        stalled = [outlet for outlet in outlets() if _waits(outlet)]
        for outlet in stalled:
            leave(outlet.fileno())
            outlet.left = True
        if stalled:
            for thread in threading.enumerate():  # its write may be another thread's, which no signal has reached
                if thread is not threading.main_thread() and thread.ident is not None:
                    signal.pthread_kill(thread.ident, number)


def outlets() -> list[Outlet]:
    """Those of the standard streams."""
    buffers = [getattr(stream, "buffer", None) for stream in (sys.__stdout__, sys.__stderr__)]
    raws = [getattr(buffer, "raw", None) for buffer in buffers]
    return [raw for raw in raws if isinstance(raw, Outlet)]


def _waits(outlet: Outlet) -> bool:
    """Whether it has taken nothing for too long; not once it was left, for its thread goes on soon.

    Until it does, each signal to it would call the handler anew, which sends the next.
    """
    since = outlet.since
    return not outlet.left and since is not None and time.monotonic() - since >= PATIENCE
