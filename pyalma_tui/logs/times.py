"""When the lines of a log arrived: kept beside it as pairs of a size and the time at which it had that size.

A pair takes 16 bytes, little-endian: a size in bytes (64 bits) and seconds of the epoch (a double). Both only grow.
There is no file for what is over before anybody looks: then all of it arrived when that ended.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

PAIR: Final = struct.Struct("<qd")
AT_ONCE: Final = 4096  # pairs


class Times:
    """The times of one log, read where they are asked for. `end` is when all of it arrived if nobody has noted more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end: float | None = None
        self._fd = -1
        self._count = 0

    def refresh(self) -> None:
        """Look at the file again."""
        try:
            if self._fd < 0:
                self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
            self._count = os.fstat(self._fd).st_size // PAIR.size
        except OSError:  # there is none
            self._count = 0

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._count = -1, 0

    def of(self, offsets: Sequence[int]) -> list[float | None]:
        """When the bytes at these offsets, which grow, had arrived; None for what has no time."""
        if not offsets or not self._count:
            return [self.end] * len(offsets)
        first = self._first(lambda size, _: size > offsets[0])
        pairs = self._pairs(first, min(AT_ONCE, self._count - first))
        sizes = [size for size, _ in pairs]
        found: list[float | None] = []
        for offset in offsets:
            at = bisect_right(sizes, offset)
            if at == len(pairs) and first + at < self._count:
                at = self._first(lambda size, _, offset=offset: size > offset)  # type: ignore[misc]
                rest = self._pairs(at, 1)
                found.append(rest[0][1] if rest else None)
            else:
                found.append(pairs[at][1] if at < len(pairs) else None)
        return found

    def last(self) -> float | None:
        """When the last bytes that have a time had arrived."""
        pairs = self._pairs(self._count - 1, 1) if self._count else []
        return pairs[0][1] if pairs else self.end

    def offset(self, moment: float) -> int | None:
        """Where begins what had arrived at this moment or later; None if nothing had a time then."""
        if not self._count:
            return None if self.end is None else 0
        at = self._first(lambda _, time: time >= moment)
        return self._pairs(at - 1, 1)[0][0] if at else 0

    def _first(self, test: Callable[[int, float], bool]) -> int:
        """The first pair that passes a test which all behind it pass as well."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            pairs = self._pairs(middle, 1)
            if not pairs or test(*pairs[0]):
                high = middle
            else:
                low = middle + 1
        return low

    def _pairs(self, first: int, count: int) -> list[tuple[int, float]]:
        data = b""
        with suppress(OSError):
            data = os.pread(self._fd, count * PAIR.size, first * PAIR.size)
        return list(PAIR.iter_unpack(data[: len(data) // PAIR.size * PAIR.size]))
