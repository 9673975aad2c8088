"""How lines go over a narrow line to another host: long ones in pieces, between which others get through.

A state may have tens of megabytes, for which a network takes longer than a lease. What keeps a lease goes before
whatever waits, also in the midst of a line. A line of ours is a JSON object: it begins with neither mark.
"""

from __future__ import annotations

from collections import deque

PIECE = 1 << 15  # bytes that go at once
MORE, LAST = b"~", b"."  # what pieces of a line begin with
BEGIN = b"{"  # of a line


class Outgoing:
    """Lines that wait to be sent."""

    def __init__(self) -> None:
        self._urgent: list[bytes] = []
        self._lines: deque[bytes] = deque()
        self._begun = 0  # bytes of the first one that have gone

    def __bool__(self) -> bool:
        return bool(self._urgent or self._lines)

    def put(self, line: bytes, *, urgent: bool = False) -> None:
        """Let this line wait, which has no end yet; an urgent one goes before all that are not."""
        (self._urgent if urgent else self._lines).append(line)

    def take(self) -> bytes:
        """What is to go next, as several short lines at once go sooner than one by one; b"" if nothing waits."""
        taken = [line + b"\n" for line in self._urgent]
        self._urgent.clear()
        room = PIECE
        while self._lines and room > 0:
            piece = self._next_piece()
            taken.append(piece)
            room -= len(piece)
        return b"".join(taken)

    def _next_piece(self) -> bytes:
        line, begun = self._lines[0], self._begun
        self._begun += PIECE
        if self._begun < len(line):
            return MORE + line[begun : self._begun] + b"\n"
        self._lines.popleft()
        self._begun = 0
        return (LAST + line[begun:] if begun else line) + b"\n"


class Incoming:
    """Lines as they were put, out of what has come; what was not put here, as a greeting of a shell, stays a line."""

    def __init__(self) -> None:
        self._end = b""  # of a line, or a piece, that has not come whole
        self._pieces: list[bytes] = []

    def take(self, data: bytes) -> list[bytes]:
        """The lines that have come whole with this."""
        *found, self._end = (self._end + data).split(b"\n")
        lines = []
        for line in found:
            if line.startswith(MORE if self._pieces else MORE + BEGIN):
                self._pieces.append(line[1:])
            elif self._pieces and line.startswith(LAST):
                lines.append(b"".join([*self._pieces, line[1:]]))
                self._pieces.clear()
            else:
                lines.append(line)
        return lines

    @property
    def unfinished(self) -> bytes:
        """What has come of a line without its end."""
        return b"".join([*self._pieces, self._end])
