"""How many lines, or lines of a kind, are before a place in a file of any size: counted once, in little memory."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from pyalma_tui.logs.reader import Reader
from pyalma_tui.logs.search import behind

SPREAD: Final = 256 * 1024  # bytes between two places at which the number so far is kept: 64 KB for a file of 1 GB


class LineTally:
    """A number that grows with the file; `count` counts from the beginning of a line to that of another.

    `total` counts what `seen` bytes hold; `complete` once the end was reached.
    """

    def __init__(self, reader: Reader, count: Callable[[int, int], int]) -> None:
        self._reader = reader
        self._count = count
        self._starts, self._sums = array("q", [0]), array("q", [0])
        self._whole = 0  # up to the end of the last line that has one
        self._sum = self._tail = 0  # in the lines that have an end, and in one that has none yet
        self.seen = 0
        self.complete = False

    @property
    def total(self) -> int:
        """How many there are in what was seen."""
        return self._sum + self._tail

    @property
    def going(self) -> bool:
        """Whether there is more to count."""
        return self.seen < self._reader.size

    @property
    def share(self) -> float:
        """The part of the file that is counted, 0 to 1."""
        return self.seen / self._reader.size if self._reader.size else 1.0

    def advance(self, seconds: float) -> None:
        """Count until nothing is left or the time is up."""
        deadline = time.perf_counter() + seconds
        while self.going:
            self._step()
            if time.perf_counter() >= deadline:
                break
        self.complete = self.complete or not self.going

    def before(self, start: int) -> int | None:
        """How many there are before the line that begins there; None where that is not counted yet."""
        if start > self.seen:
            return None
        known = bisect_right(self._starts, start) - 1
        return self._sums[known] + self._count(self._starts[known], start)

    def stretch(self, number: int) -> tuple[int, int, int] | None:
        """From where to where the one with this number is, from 0, and how many are before that; None if not known."""
        if number >= self.total:
            return None
        known = bisect_right(self._sums, number) - 1
        end = self._starts[known + 1] if known + 1 < len(self._starts) else self.seen
        return self._starts[known], end, self._sums[known]

    def _step(self) -> None:
        reader, start = self._reader, self._whole
        end = behind(reader, start, reader.size)
        unfinished = end == reader.size and reader.read(end - 1, 1) != b"\n"
        self._whole = max(start, reader.at(end - 1)) if unfinished else end
        self._sum += self._count(start, self._whole)
        self._tail = self._count(self._whole, end) if unfinished else 0
        self.seen = end
        if self._whole - self._starts[-1] >= SPREAD:
            self._starts.append(self._whole)
            self._sums.append(self._sum)
