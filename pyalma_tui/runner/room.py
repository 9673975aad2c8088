"""Waiting for room on a full disk: what it has interrupted goes on by itself when there is some."""

from __future__ import annotations

from pyalma_tui.runner.backoff import Backoff

FIRST = 2.0  # seconds until the first look
LONGEST = 60.0  # seconds between two looks at the most
PATIENCE = 3600.0  # seconds after which a program without a screen waits no longer
WELL = 60.0  # seconds without a refusal after which the disk counts as having room


class Room:
    """Owned by the runner thread; times of time.monotonic."""

    def __init__(self) -> None:
        self._backoff = Backoff(FIRST, LONGEST)
        self._since = 0.0  # of the first refusal in a row
        self._last = float("-inf")
        self.wanted = False  # whether anything waits for room

    def refused(self, now: float) -> None:
        """The disk has refused something for want of room; of all that it refuses before there is some, one counts."""
        if self.wanted:
            return
        if now - self._last > WELL:
            self._backoff.over()
            self._since = now
        self._backoff.failed(now)
        self.wanted = True

    def is_found(self, now: float, *, stored: bool) -> bool:
        """Whether to go on: `stored` tells that the disk has taken a checkpoint since it refused."""
        if not (self.wanted and stored and self._backoff.is_due(now)):
            return False
        self.wanted, self._last = False, now
        return True

    def is_expected(self, now: float) -> bool:
        """Whether there is still hope, so that nobody should end for want of room."""
        return self.wanted and now - self._since < PATIENCE

    def forget(self) -> None:
        """Nothing waits any more: somebody lets it go on, or wants nothing to go on."""
        self.wanted = False
