"""Segments of writers on other hosts: we are told what is appended, and read what nobody could tell any more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyalma_tui.model.records import Record
from pyalma_tui.store.closed import Closed
from pyalma_tui.store.disk import is_absent, remove
from pyalma_tui.store.layout import next_segment, number_of
from pyalma_tui.store.reading import Reading
from pyalma_tui.store.tail import Tail


class HeardSegment:
    """A segment on another host, and how far we know what was appended to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.position = 0


class Heard:
    """Owned by the runner thread: by writer, the segment that we are told of now."""

    def __init__(self, directory: Path, closed: Closed, reading: Reading) -> None:
        self._directory = directory
        self._closed = closed
        self._reading = reading
        self._segments: dict[str, HeardSegment] = {}

    def listen(self, writer: str, name: str) -> None:
        """What this writer appends is told us, first of this segment."""
        self._segments[writer] = HeardSegment(name)

    def take(self, writer: str, name: str, position: int, lines: Iterable[str]) -> Iterator[Record]:
        """What it has appended, up to a position of a segment; what was told or read before counts once."""
        heard = self._segments.get(writer)
        if heard is None or (name == heard.name and position <= heard.position):
            return
        if number_of(name) < number_of(heard.name):
            return
        if name != heard.name:
            self._leave(heard)
            heard = self._segments[writer] = HeardSegment(name)
        yield from self._reading.of_lines(name, lines)
        heard.position = position

    def end(self, writer: str) -> Iterator[Record]:
        """What it has appended and nobody could tell any more; opening a file makes NFS ask for what is new."""
        heard = self._segments.pop(writer, None)
        while heard is not None:
            try:
                tail = Tail(self._directory / heard.name, heard.position)
            except FileNotFoundError:  # it never came so far, or was removed, and there may be one that follows
                pass
            else:
                try:
                    yield from self._reading.of_tail(heard.name, tail)
                    heard.position = tail.position
                finally:
                    tail.close()
                self._leave(heard)
            following = next_segment(heard.name)
            heard = HeardSegment(following) if os.path.exists(self._directory / following) else None

    def _leave(self, heard: HeardSegment) -> None:
        """Nothing more comes in this segment."""
        if heard.position:
            self._closed.add(heard.name, heard.position)
        else:
            remove(self._directory / heard.name)

    @property
    def names(self) -> dict[str, str]:
        """Writer → the segment that it writes now, of those that we were told of."""
        return {writer: heard.name for writer, heard in self._segments.items() if heard.position}

    @property
    def removed(self) -> dict[str, str]:
        """Those that are not there any more."""
        return {writer: name for writer, name in self.names.items() if is_absent(self._directory / name)}

    @property
    def positions(self) -> dict[str, int]:
        """How far each segment is known; none of which nothing was told."""
        return {heard.name: heard.position for heard in self._segments.values() if heard.position}
