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
BRIEF = 100  # milliseconds below which the first save of an attempt begins no series: too short to be looked at
REST = 30.0  # seconds between two writings of the file
MOMENT = 0.9  # seconds between two looks at the workers' load


class Sampling:
    """Owned by one thread, told of all that happens. What is kept is written by whoever gives a umask."""

    def __init__(self, state_dir: Path, umask: int | None = None) -> None:
        kept = kept_samples(state_dir)
        self._state_dir, self._umask = state_dir, umask
        self._series = kept.series
        self._taken = kept.taken
        self._points = sum(len(series.points) for series in kept.series.values())
        self._told = kept
        self._changed = self._unkept = False
        self._next = time.monotonic() + REST
        self._loads: Mapping[int, Load] = {}

    def learn(self, record: Record, run: Run) -> None:
        """Take in what a record has made of a run; of a streak of saves the last one is enough."""
        if type(record) is Saved:
            if (record.elapsed >= BRIEF or run.id in self._series) and run.state is not None:
                self._grow(run, run.seconds + record.elapsed / 1000, run.state)
        elif type(record) is Reset and (gone := self._series.pop(run.id, None)) is not None:
            self._points -= len(gone.points)
            self._changed = self._unkept = True

    def _grow(self, run: Run, seconds: float, state: bytes) -> None:
        known = self._series.get(run.id) or Series()
        series = grown(known, run.saves, seconds, state)
        if series is known:
            return
        self._series.pop(run.id, None)
        self._series[run.id] = series  # behind all others
        self._points += len(series.points) - len(known.points)
        while self._points > POINTS:
            oldest = next(iter(self._series))
            self._points -= len(self._series.pop(oldest).points)
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
        """What is known, for any thread."""
        if self._changed:
            self._changed = False
            self._told = Samples(dict(self._series), self._taken)
        return self._told

    def keep(self, now: float, *, at_once: bool = False) -> None:
        """Write it down once in a while; where that fails, as on a full disk, plots begin anew at the next start."""
        if self._umask is None or not self._unkept or (now < self._next and not at_once):
            return
        self._next, self._unkept = now + REST, False
        with suppress(OSError):
            keep_samples(self._state_dir, self.samples(), self._umask)
