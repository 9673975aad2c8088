"""Reading a journal segment while it grows: of a streak of saves the last few, of everything else every line.

What is no save has the only tab of its line, so a reader finds the records that matter with one `memchr`, and of a
streak of saves it decodes the last few only: each supersedes the one before and its number says how many there were.
For plots some more are read of an attempt that has just begun, which may be over before anybody looks again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyalma_tui.model.experiment import EARLIER_STATES
from pyalma_tui.model.records import Record, Saved
from pyalma_tui.store.disk import open_regular
from pyalma_tui.store.segment import READ, record_of

SPREAD = 16  # saves of a streak that a plot is made of
YOUNG = 1000  # milliseconds after which a save at every look is enough for it


class Tail:
    """Reads a segment from a position on, as far as whole lines reach, again and again while it grows.

    `kept` counts the bytes of lines that nothing in this segment supersedes; `damaged` the lines that were skipped.
    `growing` tells that its writer may write: then a line with a zero in it is one that is just being written into what
    was allocated ahead, and the end of what can be read. Otherwise it is damaged. `sampled` tells that plots are made
    of what is read.
    """

    def __init__(self, path: Path, position: int = 0, *, growing: bool = True, sampled: bool = False) -> None:
        self.path = path
        self.growing = growing
        self.sampled = sampled
        self.position = position
        self.kept = 0
        self.damaged = 0
        self.fd = open_regular(path, os.O_RDONLY)

    def close(self) -> None:
        """Close the descriptor."""
        fd, self.fd = self.fd, -1  # a close that fails has closed
        if fd >= 0:
            os.close(fd)

    def size(self) -> int:
        """Bytes in the file now, without zeros at its end."""
        size = os.fstat(self.fd).st_size
        while size > 0:
            start = max(0, size - READ)
            if found := os.pread(self.fd, size - start, start).rstrip(b"\0"):
                return start + len(found)
            size = start
        return 0

    def read(self, buffer: bytearray) -> Iterator[Record]:
        """The records since the last call, of each streak of saves only the last few.

        `buffer` of READ bytes is shared by all tails. A torn last line stays unread.
        """
        for data, end in self._pieces(buffer):
            if data.count(b"\t", 0, end) == data.count(b"\n", 0, end):  # no saves, as of runs that end at once
                self.kept += end
                yield from self._decode_all(data, 0, end)
            else:
                yield from self._records(data, end)

    def lines(self, buffer: bytearray) -> Iterator[bytes]:
        """The lines that nothing in this segment supersedes, from the position on, newline included."""
        newest: SavedLine | None = None  # of the saves since the last line that was yielded
        for data, end in self._pieces(buffer):
            for start, stop, important in _streaks(data, end):
                last = () if important else _last_saves(data, start, stop)
                if newest is not None and not (last and _attempt_of(last[-1]) == _attempt_of(newest)):
                    yield newest[1]
                    newest = None
                if not last:
                    yield from bytes(data[start:stop]).splitlines(keepends=True)
                elif newest is None or last[-1][0].number > newest[0].number:
                    newest = last[-1]
        if newest is not None:
            yield newest[1]

    def _pieces(self, buffer: bytearray) -> Iterator[tuple[bytearray, int]]:
        while True:
            length = os.preadv(self.fd, [buffer], self.position)
            end = buffer.rfind(b"\n", 0, length) + 1
            if self.growing and (zero := buffer.find(b"\0", 0, end)) >= 0:
                end = length = buffer.rfind(b"\n", 0, zero) + 1
            if end == 0:
                if length < len(buffer) or (self.growing and not buffer[0]):
                    return
                buffer = bytearray(2 * len(buffer))  # a line longer than the buffer
                continue
            yield buffer, end
            self.position += end
            if length < len(buffer):
                return

    def _records(self, data: bytearray, end: int) -> Iterator[Record]:
        for start, stop, important in _streaks(data, end):
            if important:
                self.kept += stop - start
                yield from self._decode_all(data, start, stop)
            else:
                yield from self._streak(data, start, stop)

    def _streak(self, data: bytearray, start: int, stop: int) -> Iterator[Record]:
        """The newest of consecutive saves and the few before it that are shown."""
        if last := _last_saves(data, start, stop):
            self.kept += len(last[-1][1])
            if self.sampled:
                yield from _sample(data, start, stop, last[0][0])
            yield from [record for record, _ in last]
        else:  # trust nothing, look at every line
            self.kept += stop - (data.rfind(b"\n", start, stop - 1) + 1 or start)
            yield from self._decode_all(data, start, stop)

    def _decode_all(self, data: bytearray, start: int, stop: int) -> Iterator[Record]:
        for line in bytes(data[start : stop - 1]).split(b"\n"):
            record = record_of(line)
            if record is None:
                self.damaged += 1
            else:
                yield record


SavedLine = tuple[Saved, bytes]


def _last_saves(data: bytearray, start: int, stop: int) -> Sequence[SavedLine]:
    """The last few saves of a streak, the newest last; none if lines are damaged or of several attempts.

    A save in the midst of another one, from a signal handler, has a higher number than the line after it: from the end
    back, numbers rise to the newest and fall from there on.
    """
    found: list[SavedLine] = []
    end = stop
    while end > start and (len(found) <= EARLIER_STATES or found[-1][0].number > found[-2][0].number):
        begin = data.rfind(b"\n", start, end - 1) + 1 or start
        line = bytes(data[begin:end])
        record = record_of(line[:-1])
        if not isinstance(record, Saved):
            return ()
        found.append((record, line))
        end = begin
    first = record_of(bytes(data[start : data.find(b"\n", start, stop)]))
    if not isinstance(first, Saved) or {_attempt_of(each) for each in found} != {(first.run, first.attempt)}:
        return ()  # a thread that its run() left behind saved once more
    return sorted(found, key=lambda each: each[0].number)


def _sample(data: bytearray, start: int, stop: int, before: Saved) -> Iterator[Saved]:
    """Saves of a young attempt, spread over a streak of them, up to the one that is read anyway."""
    number = 0
    for place in range(SPREAD):
        begin = data.rfind(b"\n", start, start + (stop - start) * place // SPREAD) + 1 or start
        record = record_of(bytes(data[begin : data.find(b"\n", begin, stop)]))
        if not isinstance(record, Saved) or record.elapsed > YOUNG or record.number >= before.number:
            return
        if record.number > number:
            number = record.number
            yield record


def _attempt_of(line: SavedLine) -> tuple[int, int]:
    return line[0].run, line[0].attempt


def _streaks(data: bytearray, end: int) -> Iterator[tuple[int, int, bool]]:
    """Pieces [start, stop) of whole lines: True for one line with a tab, False for a streak of lines without."""
    start = 0
    while start < end:
        tab = data.find(b"\t", start, end)
        if tab < 0:
            yield start, end, False
            return
        line = data.rfind(b"\n", start, tab) + 1 or start
        if line > start:
            yield start, line, False
        start = data.find(b"\n", tab, end) + 1
        yield line, start, True
