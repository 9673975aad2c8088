"""What the last rows of runs hold, for a filter that names a field of rows: read in a thread, as no screen waits."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.query import Query
from pyalma_tui.store.last_rows import UNKNOWN, LastValues, columns_of_some
from pyalma_tui.store.rows import RowReader

AGAIN: Final = 2.0  # seconds until it is looked again for names of columns


class LastRowsBeside:
    """What is not known yet is asked for, and None, or what was true before, until it is there. Owned by one screen."""

    def __init__(self, folder: Callable[[], Path], again: Callable[[Run], Run]) -> None:
        """`folder` is where the files of rows are, `again` as of a RowReader."""
        self._folder, self._again = folder, again
        self._values = LastValues()
        self._asked: dict[tuple[int, str], Run] = {}
        self._arrived: deque[int] = deque()
        self._thread: threading.Thread | None = None
        self._columns: list[str] = []
        self._sample: Iterable[Run] | None = None
        self._sampled = 0.0
        self.guessed = 0  # how often nobody knew, and None was said instead
        self._first = False  # whether what a new query needs is still being read
        self._stopped = False

    @property
    def behind(self) -> bool:
        """Whether something was asked for that is not there yet."""
        return bool(self._asked) or self._reading

    @property
    def pending(self) -> bool:
        """Whether a filter means other runs than before, or may soon."""
        return self.behind or self._first or bool(self._arrived)

    @property
    def _reading(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def value(self, run: Run, name: str) -> Any:
        """What the last row of a run that has this field holds there; None if none has, or nobody knows yet."""
        value = self._values.value(run, name)
        if value is not UNKNOWN:
            return value
        self._asked[run.id, name] = run
        if len(self._asked) == 1:  # else the thread is there, or the next `take` lets it begin
            self._begin()
        if (former := self._values.former(run, name)) is not UNKNOWN:
            return former
        self.guessed += 1
        return None

    def take(self) -> frozenset[int]:
        """The ids of the runs of which something has become known since this was asked before."""
        if self._asked:
            self._begin()
        return frozenset([self._arrived.popleft() for _ in range(len(self._arrived))])

    def looking(self) -> bool:
        """Whether not all is known yet that the last query needed when it was new; to be asked once it was applied."""
        self._first = self._first and self.behind
        return self._first

    def only(self, query: Query) -> None:
        """From now on nobody needs fields that this query does not name."""
        self._asked, self._first = {}, True
        self._values.forget_others(query.fields)

    def columns(self, runs: Iterable[Run]) -> list[str]:
        """The names in the last rows of some of these runs, as far as they are known: they are looked for meanwhile."""
        if not self._reading and time.monotonic() >= self._sampled + AGAIN:
            self._sample = runs
            self._begin()
        return self._columns

    def stop(self) -> None:
        """Nobody wants it any more."""
        self._stopped = True

    def _begin(self) -> None:
        if not self._reading and not self._stopped:
            self._thread = threading.Thread(target=self._read, name="reading last rows", daemon=True)
            self._thread.start()

    def _read(self) -> None:
        """What the thread does, until nothing is asked for any more."""
        with RowReader(self._folder(), self._again) as reader:
            if self._sample is not None:
                self._columns = columns_of_some(reader, self._sample)
                self._sample, self._sampled = None, time.monotonic()
            while not self._stopped:
                asked = self._asked
                if not asked:
                    return
                (_, name), run = asked.popitem()
                value = reader.last_value(run, name)
                if asked is self._asked:  # who filters may want other fields by now
                    self._values.keep(run, name, value)
                    self._arrived.append(run.id)
