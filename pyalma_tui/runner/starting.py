"""Workers that cannot be started, or die before they are ready: when another one is tried, and when no more."""

from __future__ import annotations

from pyalma_tui.runner.backoff import Backoff

TRIES = 3  # workers in a row that do not come to load the module, after which no other is started
FIRST, LONGEST = 0.5, 60.0  # seconds until the next one is tried


class Starting:
    """Owned by the runner thread; times of time.monotonic."""

    def __init__(self) -> None:
        self._shortage = Backoff(FIRST, LONGEST)
        self._deaths = Backoff(FIRST, LONGEST)

    def may(self, now: float, *, others: bool) -> bool:
        """Whether a worker may be started now; `others` tells that some have loaded the module and go on."""
        if others and self._deaths.failures >= TRIES:
            return False
        return self._shortage.is_due(now) and self._deaths.is_due(now)

    @property
    def waits(self) -> bool:
        """Whether a start has failed since the last one that went well, so that the next is a matter of time."""
        return bool(self._shortage.failures or self._deaths.failures)

    def short(self, now: float) -> bool:
        """No thread or process could be started: whether that is news."""
        self._shortage.failed(now)
        return self._shortage.failures == 1

    def died(self, now: float) -> bool:
        """A worker did not come to load the module: whether it was the last in a row that is tried."""
        self._shortage.over()
        self._deaths.failed(now)
        return self._deaths.failures >= TRIES

    def loaded(self) -> None:
        """A worker has loaded the module."""
        self._shortage.over()
        self._deaths.over()

    def anew(self) -> None:
        """Somebody wants it to be tried at once."""
        self.loaded()
