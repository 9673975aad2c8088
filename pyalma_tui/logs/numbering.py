"""The numbers of lines: found for a line, and a line for a number."""

from __future__ import annotations

from pyalma_tui.logs.reader import Reader
from pyalma_tui.logs.tally import LineTally


class Numbering:
    """Counts the newlines of a file; all pieces of a line that was cut have its number."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.tally = LineTally(reader, self._newlines)

    def _newlines(self, start: int, stop: int) -> int:
        return self._reader.read(start, stop - start).count(b"\n")

    def number(self, start: int) -> int | None:
        """The number of the line that begins there, from 1; None where that is not counted yet."""
        before = self.tally.before(start)
        return None if before is None else before + 1

    def start(self, number: int) -> int | None:
        """Where the line with this number begins, the last one if there are fewer; None while that is counted."""
        newlines = number - 1
        if newlines <= 0:
            return 0
        found = self.tally.stretch(newlines - 1)
        if found is None:
            return None if self.tally.going else self._reader.before(self._reader.size, 1)
        low, high, known = found
        data = self._reader.read(low, high - low)
        at = -1
        for _ in range(newlines - known):
            at = data.find(b"\n", at + 1)
        return low + at + 1
