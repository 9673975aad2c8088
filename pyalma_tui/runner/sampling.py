"""Numbers that runs save, and what workers take, are sampled for plots while they go by."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.messages import Load
from pyalma_tui.model.records import Record, Reset, Saved
from pyalma_tui.model.series import Consumed, Samples, Series, evened, grown
from pyalma_tui.store.kept_series import keep_samples, kept_samples

POINTS = 50_000  # of all runs: those that saved last have them
BRIEF = 0.1  # seconds: runs that are over sooner are many, and have a quarter of the points among themselves …
AT_ONCE = 20  # … and of more of them between two looks, some
REST = 30.0  # seconds between two writings of the file
MOMENT = 0.9  # seconds between two looks at the workers' load


class Kept:
    """The series of some runs, the one that grew last at the end; the oldest go where all have too many points."""

    def __init__(self, most: int) -> None:
        self.series: dict[int, Series] = {}
        self._most = most
        self._points = 0

    def put(self, run: int, series: Series) -> None:
        """Behind all others."""
        self.series[run] = series
        self._points += len(series.points)
        while self._points > self._most:
            self.take(next(iter(self.series)))

    def take(self, run: int) -> Series | None:
        """Take out the series of a run, None if it has none."""
        if (series := self.series.pop(run, None)) is not None:
            self._points -= len(series.points)
        return series


class Sampling:
    """Owned by one thread, told of all that happens. What is kept is written by whoever gives a umask."""

    def __init__(self, state_dir: Path, umask: int | None = None) -> None:
        kept = kept_samples(state_dir)
        self._state_dir, self._umask = state_dir, umask
        self._brief, self._lasting = Kept(POINTS // 4), Kept(POINTS)
        for run, series in kept.series.items():
            self._of(series.points[-1].seconds if series.points else 0.0).put(run, series)
        self._taken = kept.taken
        self._told = kept
        self._changed = self._unkept = False
        self._next = time.monotonic() + REST
        self._loads: Mapping[int, Load] = {}
        self._begun = 0  # series of brief runs since the last look

    def _of(self, seconds: float) -> Kept:
        return self._brief if seconds < BRIEF else self._lasting

    def learn(self, record: Record, run: Run) -> None:
        """Take in what a record has made of a run; of a streak of saves some are enough."""
        if type(record) is Saved:
            if run.state is not None:
                self._grow(run, run.seconds + record.elapsed / 1000, run.state)
        elif type(record) is Reset and (self._brief.take(run.id) or self._lasting.take(run.id)) is not None:
            self._changed = self._unkept = True

    def _grow(self, run: Run, seconds: float, state: bytes) -> None:
        known = self._brief.take(run.id) or self._lasting.take(run.id)
        if known is None:
            if seconds < BRIEF:
                if self._begun >= AT_ONCE:
                    return
                self._begun += 1
            known = Series()
        series = grown(known, run.saves, seconds, state)
        if series.points:
            self._of(seconds).put(run.id, series)
        if series is not known:
            self._changed = self._unkept = True

    def measure(self, at: float, loads: Mapping[int, Load], busy: int) -> None:
        """What the workers took the last time that it was looked at; nothing if they were not looked at again."""
        if loads is self._loads:
            return
        self._loads = loads
        if not loads or (self._taken and at - self._taken[-1].at < MOMENT):
            return
        cpu, rss = sum(load.cpu for load in loads.values()), sum(load.rss for load in loads.values())
        self._taken = evened((*self._taken, Consumed(at, busy, cpu, rss)))
        self._changed = self._unkept = True

    def samples(self) -> Samples:
        """What is known, for any thread; those who call it look."""
        self._begun = 0
        if self._changed:
            self._changed = False
            self._told = Samples(self._brief.series | self._lasting.series, self._taken)
        return self._told

    def keep(self, now: float, *, at_once: bool = False) -> None:
        """Write it down once in a while; where that fails, as on a full disk, plots begin anew at the next start."""
        if self._umask is None or not self._unkept or (now < self._next and not at_once):
            return
        self._next, self._unkept = now + REST, False
        with suppress(OSError):
            keep_samples(self._state_dir, self.samples(), self._umask)
