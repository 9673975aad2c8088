"""When a site is asked for a place again after one has ended."""

from __future__ import annotations

from collections.abc import Iterable

from pyalma_tui.runner.workers.engines.on import Site

AGAIN = "; it is tried again"  # how that is told, before in how many seconds
FIRST, LONGEST = 1.0, 60.0  # seconds until a site is asked again


class Pacing:
    """A second after a place that was of use, else twice as long each time; times of time.monotonic."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self._pause = {site.name: FIRST for site in sites}
        self._next = dict.fromkeys(self._pause, 0.0)

    def forget(self, names: Iterable[str]) -> None:
        """Sites of these names are there no more."""
        for name in names:
            self._pause.pop(name, None)
            self._next.pop(name, None)

    def is_due(self, site: Site, now: float) -> bool:
        """Whether it may be asked for a place."""
        return now >= self._next.get(site.name, 0.0)

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        """One has ended, `well` if it was of use: in how many seconds the next one may come."""
        if not self.is_due(site, now):  # others of the same site have ended just before
            return self._next[site.name] - now
        pause = FIRST if well else self._pause.get(site.name, FIRST)
        self._pause[site.name] = FIRST if well else min(LONGEST, pause * 2)
        self._next[site.name] = now + pause
        return pause
