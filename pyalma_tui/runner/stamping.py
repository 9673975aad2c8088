"""Notes when the output of an attempt arrived: a file of pairs beside its log, in the format of `logs/times`."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pyalma_tui.logs.times import PAIR
from pyalma_tui.store.disk import open_regular
from pyalma_tui.store.layout import times_of

BETWEEN: Final = 0.5  # seconds between two pairs at least: 32 bytes a second of a log that never rests


class Stamps:
    """The times of one log that begins now. Nothing is written, nor any file made, while nothing arrives, nor for a run
    that is over before the first pair is due.

    Where they cannot be written there are none: a log is no reason to stop.
    """

    def __init__(self, log: Path | str, umask: int | None) -> None:
        self._log = log
        self._umask = umask
        self._size = 0
        self._first = self._due = time.monotonic() + BETWEEN
        self._broken = False

    def note(self, size: int, *, last: bool = False) -> None:
        """The log has this many bytes now; `last` tells that it gets no more."""
        if size <= self._size or self._broken:
            return
        now = time.monotonic()
        if now < (self._first if last else self._due):
            return
        self._size, self._due = size, now + BETWEEN
        try:
            fd = open_regular(times_of(self._log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, self._umask)
            try:
                os.write(fd, PAIR.pack(size, time.time()))
            finally:
                os.close(fd)
        except OSError:
            self._broken = True

    def close_up(self, start: int, stop: int, left: int) -> None:
        """Of the log the bytes from `start` to `stop` have become so many: what lay behind them lies elsewhere now."""
        with suppress(OSError):
            fd = open_regular(times_of(self._log), os.O_RDWR)
            try:
                data = os.pread(fd, os.fstat(fd).st_size // PAIR.size * PAIR.size, 0)
                kept = (_moved(size, at, start, stop, left) for size, at in PAIR.iter_unpack(data))
                os.ftruncate(fd, os.pwrite(fd, b"".join(kept), 0))
            finally:
                os.close(fd)


def _moved(size: int, at: float, start: int, stop: int, left: int) -> bytes:
    if size <= start:
        return PAIR.pack(size, at)
    return PAIR.pack(size - stop + start + left, at) if size > stop else b""
