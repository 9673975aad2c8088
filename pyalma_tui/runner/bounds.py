"""Logs stay bounded, whatever is printed: of one that grows too large its head and its tail are kept. When what they
hold arrived is noted on the way."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

from pyalma_tui.runner.stamping import Stamps
from pyalma_tui.store.disk import open_regular

LIMIT = 16 << 20  # bytes beyond which a log loses its middle
HEAD = 4 << 20
TAIL = 4 << 20
BLOCK = 4096
SHORT = 0.001  # seconds in which no log outgrows its limit: memory is copied at a few GB a second
KEEP_SIZE_PUNCH_HOLE = 3


class Bound:
    """The log of one attempt, which its worker and whatever that started append to.

    While they do, the middle is given back to the disk as a hole, which moves nothing and so disturbs no writer; at the
    end the hole is closed.
    """

    def __init__(self, path: Path | str, stamps: Stamps | None = None, *, new: bool = True) -> None:
        """`new` tells that the log begins now, `stamps` take down when its output arrives."""
        self.path = path
        self._stamps = stamps
        self._hole_end = HEAD
        self._began = time.monotonic() if new else 0.0

    def look(self) -> None:
        """Give the middle back if the log has grown too large; otherwise this costs one stat."""
        try:
            size = os.lstat(self.path).st_size
            if self._stamps is not None:
                self._stamps.note(size)
            end = (size - TAIL) // BLOCK * BLOCK
            if end + TAIL > LIMIT and end > self._hole_end:
                _punch(self.path, self._hole_end, end)
                self._hole_end = end
        except OSError:  # nothing printed, or the directory is gone: a log is no reason to stop
            return

    def settle(self) -> None:
        """Nobody prints any more: leave head and tail, and between them a line that tells what is missing."""
        if time.monotonic() - self._began < SHORT:
            return
        try:
            size = os.lstat(self.path).st_size
            if self._stamps is not None:
                self._stamps.note(size, last=True)
            if size > LIMIT:
                _close_up(self.path, self._stamps)
        except OSError:
            return


def _punch(path: Path | str, start: int, end: int) -> None:
    """Free the blocks of a range that reads as zeros from then on; where that is not known, `settle` frees them."""
    if sys.platform != "linux":
        return
    fd = open_regular(path, os.O_WRONLY)
    try:
        fallocate = ctypes.CDLL(None).fallocate
        fallocate(fd, KEEP_SIZE_PUNCH_HOLE, ctypes.c_int64(start), ctypes.c_int64(end - start))
    finally:
        os.close(fd)


def _close_up(path: Path | str, stamps: Stamps | None) -> None:
    fd = open_regular(path, os.O_RDWR)
    try:
        size = os.fstat(fd).st_size
        head = os.pread(fd, HEAD, 0)
        head = head[: head.rfind(b"\n") + 1] or head
        tail = os.pread(fd, TAIL, size - TAIL)
        tail = tail[tail.find(b"\n") + 1 :]
        begin = "" if head.endswith(b"\n") else "\n"
        mark = f"{begin}… {size - len(head) - len(tail):,} bytes dropped …\n".encode()
        os.ftruncate(fd, len(head))
        os.pwrite(fd, mark + tail, len(head))
        if stamps is not None:
            stamps.close_up(len(head), size - len(tail), len(mark))
    finally:
        os.close(fd)
