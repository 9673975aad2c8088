r"""A window over a file that grows: any lines of it, in constant memory, whatever its size.

Nothing is indexed. A line is known by the offset of its first byte, and the lines before and after it are found by
looking at the bytes around it, so opening a file of 1 GB at its end costs one read of 32 KiB.

A line ends at a newline, but not where the cursor has gone up as many lines before: there the next state of a progress
bar follows that stands below another one (`\n\r bar \x1b[A`, tqdm), and a `\r` is read instead. One that is `limit`
bytes or longer is cut into several: at every multiple of `limit` in the file that has no newline in the `limit` bytes
before it and does not hold one itself. The first piece so is up to twice as long as `limit`, the others are of that
length, and which byte begins a piece can be seen from the bytes around it, however far away the newlines are. What is
appended never moves a beginning.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LIMIT = 64 * 1024
CHUNK = 32 * 1024

_UP = rb"\x1b\[A"
_DEEP = 4  # newlines in a row: bars below the first one
_BACK = _DEEP * 3 + _DEEP - 1  # bytes before a newline that tell whether it ends a line
_SAME_ROW = re.compile(b"|".join(rb"(?<=%b)\n" % (_UP * (down + 1) + rb"\n" * down) for down in range(_DEEP)))
CONTINUATION = re.compile(rb"[\x80-\xbf]{1,3}")  # bytes in the middle of a UTF-8 character
# O_NONBLOCK: a pipe that took the file's place since it was looked at must not hold the screen
OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Line:
    """A line or, where a mark says so, a piece of one; `start` and `next` are offsets, `data` has no newline."""

    start: int
    next: int
    data: bytes
    cut_before: bool = False
    cut_after: bool = False


class Window(Protocol):
    """What a view needs to show lines: the whole of a file, or those that passed a filter."""

    @property
    def size(self) -> int:
        """The offset behind the last line."""

    def lines(self, start: int, count: int) -> list[Line]:
        """Up to `count` lines, the first of them that which begins at `start`."""

    def before(self, start: int, count: int) -> int:
        """Where the line begins that is `count` lines before the one at `start`; `size` is behind the last line."""

    def at(self, offset: int) -> int:
        """Where the line begins that holds the byte at `offset`."""


class Reader:
    """The lines of one file as they were at the last `refresh`.

    `generation` changes when the file is another one or was truncated: offsets from before mean nothing then.
    `problem` says why there is nothing to read, and is empty if the file is only not there yet.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path = path
        self.limit = limit
        self.size = 0
        self.generation = 0
        self.problem = ""
        self._fd = -1
        self._identity: tuple[int, int] | None = None

    def refresh(self) -> bool:
        """Look at the file again; whether it grew or is another one."""
        before = (self.size, self.generation, self.problem)
        try:
            self.problem = ""
            found = os.lstat(self.path)
            if not stat.S_ISREG(found.st_mode):
                self._start_over(None)
                self.problem = "not a regular file"
            elif (found.st_dev, found.st_ino) != self._identity:
                self._start_over(self.path)
            elif found.st_size < self.size:
                self.generation += 1
            elif found.st_size == self.size:
                os.close(os.open(self.path, OPEN))  # a network file system looks only then whether it has grown
            self.size = os.fstat(self._fd).st_size if self._fd >= 0 else 0
        except OSError as error:
            self._start_over(None)
            self.problem = "" if error.errno in _ABSENT else error.strerror or str(error)
        return before != (self.size, self.generation, self.problem)

    def close(self) -> None:
        """Give the file back; a later `refresh` opens it again."""
        self._start_over(None)

    def lines(self, start: int, count: int) -> list[Line]:
        """Up to `count` lines, the first of them that which begins at `start`."""
        found: list[Line] = []
        base = max(0, start - 1)  # one byte more, to see whether the first line goes on from a cut
        data = self.read(base, min(CHUNK, self.size - base))
        cut_before = start > 0 and data[:1] != b"\n"
        while len(found) < count and start < self.size:
            cut = (start + 2 * self.limit - 1) // self.limit * self.limit
            want = min(cut + 4, self.size)  # a newline at the cut, or the rest of the character that it splits
            end = data.find(b"\n", start - base, cut + 1 - base)
            if end < 0 and base + len(data) < want:
                base, data = start, self.read(start, max(want - start, CHUNK))
                continue
            cut_after = end < 0 and cut < self.size
            stop = base + end if end >= 0 else min(cut, self.size)
            text = _whole(data, start - base, stop - base, cut_before, cut_after)
            found.append(Line(start, stop + (end >= 0), text, cut_before, cut_after))
            start, cut_before = found[-1].next, cut_after
        return found

    def before(self, start: int, count: int) -> int:
        """Where the line begins that is `count` lines before the one at `start`; `size` is behind the last line."""
        start = min(start, self.size)
        base, data = start, b""
        for _ in range(count):
            if start <= 0:
                return 0
            if start <= base:
                base = max(0, start - CHUNK)
                data = self.read(base, start - base)
            end = start - (data[start - base - 1] == 0x0A)
            newline = data.rfind(b"\n", 0, end - base)
            start = base + newline + 1
            if (newline < 0 and base > 0) or end - start >= self.limit:
                start = self._begin(end)
        return start

    def at(self, offset: int) -> int:
        """Where the line begins that holds the byte at `offset`."""
        offset = min(offset, self.size - 1)
        return self._begin(offset + (self.read(offset, 1) != b"\n")) if offset > 0 else 0

    def read(self, offset: int, count: int) -> bytes:
        r"""Bytes in which `\n` ends lines, as many as asked for or up to the end."""
        before = min(offset, _BACK)
        data = self.raw(offset - before, before + count)
        if b"\x1b[A" in data:
            data = _SAME_ROW.sub(b"\r", data)
        return data[before:]

    def raw(self, offset: int, count: int) -> bytes:
        """Bytes as they are, as many as asked for or up to the end; zeros where the file shrank since `refresh`."""
        count = min(count, self.size - offset)
        if count <= 0:
            return b""
        try:
            data = os.pread(self._fd, count, offset)
        except OSError:  # gone or unreadable by now: the next `refresh` will say so
            data = b""
        return data.ljust(count, b"\0")

    def kept(self, offset: int) -> int:
        """This offset, behind a hole that it lies in: what outgrows its bounds gives its middle back while it grows."""
        try:
            return min(os.lseek(self._fd, offset, os.SEEK_DATA), self.size)
        except OSError:  # there is no data behind it, or nobody knows
            return offset

    def _begin(self, end: int) -> int:
        """Where the line begins whose text, as far as it matters, ends before `end`."""
        cut = max(0, end - 1) // self.limit * self.limit
        low = max(0, cut - self.limit)
        newline = self.read(low, end - low).rfind(b"\n")
        return low + newline + 1 if newline >= 0 else cut

    def _start_over(self, path: Path | None) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self.generation += 1
        self._fd, self._identity, self.size = -1, None, 0
        if path is not None:
            self._fd = os.open(path, OPEN)
            opened = os.fstat(self._fd)
            self._identity = (opened.st_dev, opened.st_ino)


def _whole(data: bytes, start: int, stop: int, cut_before: bool, cut_after: bool) -> bytes:
    """The bytes of a line; a character that a cut splits belongs to the piece in which it begins."""
    if cut_before and (split := CONTINUATION.match(data, start, stop)):
        start = split.end()
    if cut_after and (split := CONTINUATION.match(data, stop)):
        stop = split.end()
    return data[start:stop]
