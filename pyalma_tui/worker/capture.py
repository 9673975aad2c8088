"""Descriptors 0, 1 and 2 of a worker: nothing in, and everything out into the log of the attempt."""

from __future__ import annotations

import ctypes
import io
import os
import sys
from pathlib import Path

_libc = ctypes.CDLL(None)


def prepare() -> None:
    """Make Python's own streams write each line at once, and never fail on a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def flush() -> None:
    """Write out what Python and the C library still hold, so that it lands in the right log."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed or replaced by the user: nothing of ours is in it
            continue
    _libc.fflush(None)


def redirect(log: Path) -> None:
    """Send descriptors 1 and 2 into this file from now on; without the file (full disk) into nothing."""
    flush()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            os.mkdir(log.parent, 0o700)
        except FileExistsError:
            pass
        fd = os.open(log, flags, 0o600)
    except OSError:  # a run must not fail for its log
        fd = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    if fd > 2:
        os.close(fd)


def finish(log: Path) -> None:
    """End the log: what is buffered goes in, and a log without a byte goes away."""
    flush()
    try:
        if os.fstat(1).st_size == 0:
            log.unlink(missing_ok=True)
            log.parent.rmdir()
    except OSError:  # the directory has logs of other attempts, or user code closed descriptor 1
        return
