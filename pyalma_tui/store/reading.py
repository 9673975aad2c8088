"""Records out of segments, through one buffer, and which segments had lines that had to be skipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyalma_tui.model.records import Record
from pyalma_tui.store.segment import READ, record_of
from pyalma_tui.store.tail import Tail


class Reading:
    """Owned by the runner thread."""

    def __init__(self) -> None:
        self.buffer = bytearray(READ)
        self._damaged: dict[str, int] = {}  # by segment: lines that had to be skipped, as long as nobody was told

    def of_tail(self, name: str, tail: Tail) -> Iterator[Record]:
        """What was appended to a segment since its tail was read last; the last few of each streak of saves."""
        before = tail.damaged
        yield from tail.read(self.buffer)
        if before == 0 < tail.damaged:
            self._damaged[name] = tail.damaged

    def of_lines(self, name: str, lines: Iterable[str]) -> Iterator[Record]:
        """What these lines of a segment say, which came without their ends."""
        for line in lines:
            if (record := record_of(line.encode())) is None:
                self._damaged[name] = self._damaged.get(name, 0) + 1
            else:
                yield record

    def take_damaged(self) -> dict[str, int]:
        """Segments in which lines had to be skipped, and how many; each once, when the first was."""
        damaged, self._damaged = self._damaged, {}
        return damaged
