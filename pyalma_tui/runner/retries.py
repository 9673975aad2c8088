"""Failed runs that are tried again by themselves: how often, and after which wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

CRASHES = 5  # deaths of a worker under the same run after which it is not tried again by itself
LONGEST = 60.0  # seconds: the wait doubles from one second up to this


class Retries:
    """Owned by the runner thread. `limit` is how often a run is tried again; times are those of time.monotonic."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._failures: Counter[int] = Counter()
        self._crashes: Counter[int] = Counter()
        self._waiting: list[tuple[float, int]] = []

    def __bool__(self) -> bool:
        """Whether any run waits to be tried again."""
        return bool(self._waiting)

    @property
    def waiting(self) -> list[int]:
        """The runs that wait to be tried again."""
        return [run for _, run in self._waiting]

    def crashed(self, run: int) -> None:
        """Its worker died under it."""
        self._crashes[run] += 1

    def is_deadly(self, run: int) -> bool:
        """Whether it has ended so many workers that it is not tried again by itself."""
        return self._crashes[run] >= CRASHES

    def failed(self, run: int, now: float) -> bool:
        """It has failed once more: whether it is within the limit. If so it waits, unless it is deadly."""
        self._failures[run] += 1
        times = self._failures[run]
        if times > self.limit:
            return False
        if not self.is_deadly(run):
            self._waiting.append((now + min(LONGEST, 2.0 ** (times - 1)), run))
        return True

    def due(self, now: float, still: Callable[[int], bool]) -> list[int]:
        """The runs whose wait is over, of those that `still` have failed; they wait no more."""
        due = [run for at, run in self._waiting if at <= now]
        if due:
            self._waiting = [(at, run) for at, run in self._waiting if at > now]
        return [run for run in due if still(run)]

    def clear(self) -> None:
        """Nobody waits any more."""
        self._waiting.clear()
