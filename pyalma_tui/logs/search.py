"""Finding a text in a file of any size in small steps, so that whoever waits for keys can go on doing so.

Upper and lower case are the same, colours (SGR) do not come between letters, and a match lies within one line as the
reader cuts them. A step looks at about 32 KiB.
"""

from __future__ import annotations

import re
import time
from array import array
from bisect import bisect_left
from dataclasses import dataclass, replace

from pyalma_tui.logs.reader import CONTINUATION, Line, Reader
from pyalma_tui.model.logtext import SGR

STEP = 32 * 1024
MOST_HITS = 1_000_000

_SGR = re.compile(SGR.encode())


@dataclass(frozen=True, slots=True)
class Needle:
    """What is looked for; `text` is as it was typed."""

    text: str

    @property
    def folded(self) -> bytes:
        """The text as it must appear in what `fold` returns."""
        return self.text.casefold().encode("utf-8", "surrogatepass")

    def fold(self, data: bytes) -> bytes:
        """The bytes with case and colours taken out; newlines stay where they are."""
        if b"\x1b" in data:
            data = _SGR.sub(b"", data)
        if self.text.isascii():
            return data.lower()  # 1 GB/s, and invalid UTF-8 does not matter
        return data.decode("utf-8", "surrogateescape").casefold().encode("utf-8", "surrogateescape")

    def occurs_in(self, data: bytes) -> bool:
        """Whether the line contains it."""
        return self.folded in self.fold(data)


@dataclass(frozen=True, slots=True)
class Search:
    """How far a search has come: lines from `position` on, or before it, are still to be looked at.

    It ends when `found` is the beginning of a line, or `over`. It goes round the end of the file once, back to
    `origin`. `size` is that of the file when it began: what is appended meanwhile is not waited for.
    """

    needle: Needle
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


def begin(text: str, origin: int, size: int, *, forward: bool) -> Search:
    """A search for the next line that begins at `origin` or behind it, or for the last that begins before it."""
    return Search(Needle(text), origin, size, forward, position=origin, over=not text)


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
            there = _behind(reader, here, end)
            return replace(search, position=there, found=min(hits(reader, search.needle, here, there), default=None))
    else:
        end = bound if search.wrapped else 0
        if here > end:
            there = max(end, _ahead(reader, here))
            return replace(search, position=there, found=max(hits(reader, search.needle, there, here), default=None))
    if search.wrapped:
        return replace(search, over=True)
    return replace(search, wrapped=True, position=0 if search.forward else search.size)


def hits(reader: Reader, needle: Needle, start: int, stop: int) -> list[int]:
    """Where the lines begin that contain the text, of those from `start`, which begins one, up to `stop`."""
    data = reader.read(start, stop - start + 3)
    rest = CONTINUATION.match(data, stop - start)  # of a character that a cut splits
    data = data[: rest.end() if rest else stop - start]
    folded, wanted = needle.fold(data), needle.folded
    if wanted not in folded:
        return []
    found = []
    # fold() keeps newlines, so the n-th line of one is the n-th line of the other
    for line, text in zip(data.split(b"\n"), folded.split(b"\n"), strict=True):
        if wanted in text:
            if len(line) < reader.limit:
                found.append(start)
            else:
                pieces = reader.lines(start, len(line) // reader.limit + 1)
                end = min(start + len(line), stop)
                found += [piece.start for piece in pieces if piece.start < end and needle.occurs_in(piece.data)]
        start += len(line) + 1
    return found


class Filtered:
    """The lines of a file that contain a text, as a window of its own.

    Filled from the end of the file backwards, and with what is appended, by `advance`; positions are offsets in the
    file, so turning a filter on and off keeps the place.
    """

    def __init__(self, reader: Reader, text: str) -> None:
        self.needle = Needle(text)
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
        """Up to `count` lines that contain the text, the first of them at `start` or behind it."""
        first = bisect_left(self, start)
        wanted = [self[index] for index in range(first, min(first + count, len(self)))]
        return [line for offset in wanted for line in self.reader.lines(offset, 1)]

    def before(self, start: int, count: int) -> int:
        """Where the line begins that is `count` of these lines before `start`."""
        return self[max(0, bisect_left(self, start) - count)] if self else 0

    def at(self, offset: int) -> int:
        """Where the last of these lines begins that does so at `offset` or before it."""
        return self.before(offset + 1, 1)

    def behind(self, offset: int) -> int:
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
            self._seen = _behind(self.reader, self._high, self.size)
            self._newer.extend(hits(self.reader, self.needle, self._high, self._seen))
            self._high = self.reader.at(self._seen - 1) if self._unfinished() else self._seen
        else:
            start = _ahead(self.reader, self._low)
            self._older.extend(reversed(hits(self.reader, self.needle, start, self._low)))
            self._low = start
        if len(self._older) > MOST_HITS:
            self._low = 0
        if len(self._newer) > 2 * MOST_HITS:  # a flood in which every line matches: the oldest million goes
            self._low, self._older = 0, array("q")
            del self._newer[:MOST_HITS]

    def _unfinished(self) -> bool:
        return self._seen == self.size and self.reader.read(self._seen - 1, 1) != b"\n"


def _behind(reader: Reader, start: int, end: int) -> int:
    """Where the lines begin that a step onwards from `start` leaves for the next."""
    if end - start <= STEP:
        return end
    newline = reader.read(start, STEP).rfind(b"\n")
    return start + newline + 1 if newline >= 0 else min(end, reader.lines(start, 1)[0].next)


def _ahead(reader: Reader, stop: int) -> int:
    """Where the lines begin that a step back from `stop` looks at."""
    low = max(0, stop - STEP)
    if low == 0:
        return 0
    newline = reader.read(low, stop - 1 - low).find(b"\n")
    return low + newline + 1 if newline >= 0 else reader.at(stop - 1)
