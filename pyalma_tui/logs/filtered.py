"""The lines of a file that agree with terms, as a window of its own."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left

from pyalma_tui.logs.needle import Terms
from pyalma_tui.logs.reader import Line, Reader
from pyalma_tui.logs.search import ahead, behind, hits

MOST_HITS = 1_000_000


class Filtered:
    """The lines of a file that agree with all terms.

    Filled from the end of the file backwards, and with what is appended, by `advance`; positions are offsets in the
    file, so turning a filter on and off keeps the place.
    """

    def __init__(self, reader: Reader, terms: Terms) -> None:
        self.terms = terms
        self.reader = reader
        self._older = array("q")  # found going backwards, so the last comes first
        self._newer = array("q")
        self._low = self._high = self._seen = reader.before(reader.size, 1)

    @property
    def size(self) -> int:
        """The offset behind the last line."""
        return self.reader.size

    @property
    def going(self) -> bool:
        """Whether there is more to look at."""
        return self._low > 0 or self._seen < self.reader.size

    @property
    def share(self) -> float:
        """The part of the file that has been looked at, 0 to 1."""
        return (self._seen - self._low) / self.size if self.size else 1.0

    def advance(self, seconds: float) -> None:
        """Look at what was appended, then further back, until nothing is left or the time is up."""
        deadline = time.perf_counter() + seconds
        while self.going:
            self._step()
            if time.perf_counter() >= deadline:
                break

    def lines(self, start: int, count: int) -> list[Line]:
        """Up to `count` lines that agree, the first of them at `start` or behind it."""
        first = bisect_left(self, start)
        wanted = [self[index] for index in range(first, min(first + count, len(self)))]
        return [line for offset in wanted for line in self.reader.lines(offset, 1)]

    def before(self, start: int, count: int) -> int:
        """Where the line begins that is `count` of these lines before `start`."""
        return self[max(0, bisect_left(self, start) - count)] if self else 0

    def at(self, offset: int) -> int:
        """Where the last of these lines begins that does so at `offset` or before it."""
        return self.before(offset + 1, 1)

    def at_or_behind(self, offset: int) -> int:
        """How many of these lines begin at `offset` or behind it."""
        return len(self) - bisect_left(self, offset)

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    def __getitem__(self, index: int) -> int:
        older = len(self._older)
        return self._older[older - 1 - index] if index < older else self._newer[index - older]

    def _step(self) -> None:
        if self._seen < self.size:
            # the last line may have gone on: it is looked at again
            while self._newer and self._newer[-1] >= self._high:
                self._newer.pop()
            self._seen = behind(self.reader, self._high, self.size)
            self._newer.extend(hits(self.reader, self.terms, self._high, self._seen))
            self._high = self.reader.at(self._seen - 1) if self._unfinished() else self._seen
        else:
            start = ahead(self.reader, self._low)
            self._older.extend(reversed(hits(self.reader, self.terms, start, self._low)))
            self._low = start
        if len(self._older) > MOST_HITS:
            self._low = 0
        if len(self._newer) > 2 * MOST_HITS:  # a flood in which every line matches: the oldest million goes
            self._low, self._older = 0, array("q")
            del self._newer[:MOST_HITS]

    def _unfinished(self) -> bool:
        return self._seen == self.size and self.reader.read(self._seen - 1, 1) != b"\n"
