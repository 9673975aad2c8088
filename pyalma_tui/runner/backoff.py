"""Trying again later: the wait doubles from one failure to the next."""

from __future__ import annotations


class Backoff:
    """Seconds to wait after each failure in a row, from `first` up to `longest`; times of time.monotonic."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self.failures = 0  # in a row
        self._next = float("-inf")

    def failed(self, now: float) -> None:
        """It has failed once more."""
        self._next = now + min(self._longest, self._first * 2.0**self.failures)
        self.failures += 1

    def is_due(self, now: float) -> bool:
        """Whether the wait is over, or nothing has failed."""
        return now >= self._next

    def over(self) -> None:
        """It has gone well: nothing is waited for."""
        self.failures, self._next = 0, float("-inf")
