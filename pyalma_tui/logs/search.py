"""Finding lines in a file of any size in small steps, so that whoever waits for keys can go on doing so.

A match lies within one line as the reader cuts them. A step looks at about 32 KiB.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from pyalma_tui.logs.needle import Terms, agreeing
from pyalma_tui.logs.reader import CONTINUATION, Reader

STEP = 32 * 1024


@dataclass(frozen=True, slots=True)
class Search:
    """How far a search has come: lines from `position` on, or before it, are still to be looked at.

    It ends when `found` is the beginning of a line, or `over`. It goes round the end of the file once, back to
    `origin`. `size` is that of the file when it began: what is appended meanwhile is not waited for.
    """

    terms: Terms
    origin: int
    size: int
    forward: bool
    position: int
    wrapped: bool = False
    found: int | None = None
    over: bool = False

    @property
    def going(self) -> bool:
        """Whether there is more to look at."""
        return self.found is None and not self.over

    @property
    def share(self) -> float:
        """The part of the file that has been looked at, 0 to 1."""
        done = (self.position - self.origin) * (1 if self.forward else -1) + (self.size if self.wrapped else 0)
        return min(1.0, max(0.0, done / self.size)) if self.size else 1.0


def begin(terms: Terms, origin: int, size: int, *, forward: bool) -> Search:
    """A search for the next line that begins at `origin` or behind it, or for the last that begins before it."""
    return Search(terms, origin, size, forward, position=origin)


def advance(search: Search, reader: Reader, seconds: float) -> Search:
    """Steps until the search ends or the time is up."""
    deadline = time.perf_counter() + seconds
    while search.going:
        search = step(search, reader)
        if time.perf_counter() >= deadline:
            break
    return search


def step(search: Search, reader: Reader) -> Search:
    """The search after one bounded look at the file."""
    here, bound = search.position, search.origin
    if search.forward:
        end = min(bound if search.wrapped else search.size, reader.size)
        if here < end:
            there = behind(reader, here, end)
            return replace(search, position=there, found=min(hits(reader, search.terms, here, there), default=None))
    else:
        end = bound if search.wrapped else 0
        if here > end:
            there = max(end, ahead(reader, here))
            return replace(search, position=there, found=max(hits(reader, search.terms, there, here), default=None))
    if search.wrapped:
        return replace(search, over=True)
    return replace(search, wrapped=True, position=0 if search.forward else search.size)


def hits(reader: Reader, terms: Terms, start: int, stop: int) -> list[int]:
    """Where the lines begin that agree with the terms, of those from `start`, which begins one, up to `stop`."""
    data = reader.read(start, stop - start + 3)
    rest = CONTINUATION.match(data, stop - start)  # of a character that a cut splits
    data = data[: rest.end() if rest else stop - start]
    wanted = set(agreeing(terms, data.removesuffix(b"\n"))) if data else set()
    if not wanted and len(data) < reader.limit:
        return []
    found: list[int] = []
    for number, line in enumerate(data.split(b"\n")):
        if len(line) >= reader.limit:
            pieces = reader.lines(start, len(line) // reader.limit + 1)
            end = min(start + len(line), stop)
            found += [piece.start for piece in pieces if piece.start < end and agreeing(terms, piece.data)]
        elif number in wanted:
            found.append(start)
        start += len(line) + 1
    return found


def behind(reader: Reader, start: int, end: int) -> int:
    """Where the lines begin that a step onwards from `start` leaves for the next."""
    if end - start <= STEP:
        return end
    newline = reader.read(start, STEP).rfind(b"\n")
    return start + newline + 1 if newline >= 0 else min(end, reader.lines(start, 1)[0].next)


def ahead(reader: Reader, stop: int) -> int:
    """Where the lines begin that a step back from `stop` looks at."""
    low = max(0, stop - STEP)
    if low == 0:
        return 0
    newline = reader.read(low, stop - 1 - low).find(b"\n")
    return low + newline + 1 if newline >= 0 else reader.at(stop - 1)
