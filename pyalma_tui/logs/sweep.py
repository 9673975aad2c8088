"""Looking for something in many logs, in a thread of its own that leaves half of a processor to others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyalma_tui.logs.needle import Terms
from pyalma_tui.logs.reader import Reader
from pyalma_tui.logs.search import behind, hits

MOST: Final = 10_000  # logs that are told of
SHOWN: Final = 240  # bytes of a line
OVER: Final = 1_000  # … and of one that was written over and over, as by a progress bar: its end is what is seen of it
SPELL: Final = 0.002  # seconds of work between two rests


@dataclass(frozen=True, slots=True)
class Log:
    """A log to look at: the attempt of a run."""

    run: int
    attempt: int
    path: Path


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log that has it: how many lines do, and in `data` as much of the first one as tells how it begins."""

    log: Log
    lines: int
    data: bytes


def _telling(line: bytes) -> bytes:
    """As much of a line as tells how it begins on a terminal."""
    line = line.rstrip(b"\r\n")
    if b"\r" not in line:
        return line[:SHOWN]
    return line[max(line.find(b"\r", -OVER), 0) if len(line) > OVER else 0 :]


class Sweep:
    """Looks at logs one after the other, in pieces of 32 KiB. `found` only grows, in the order of the logs.

    `looked` counts the logs looked at; `over` tells that no more are; `cut` that there are more than are told of.
    """

    def __init__(self, logs: Iterable[Log], terms: Terms) -> None:
        self._logs = logs
        self._terms = terms
        self._found: list[FoundLog] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._worked = 0.0
        self.looked = 0
        self.over = self.cut = False

    @property
    def found(self) -> Sequence[FoundLog]:
        """The logs that have it, as far as they are known."""
        return self._found

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look no further; the thread ends with the piece that it is at."""
        self._stopped.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        for log in self._logs:
            if self._stopped.is_set() or self.cut:
                break
            self._look_at(log)
            self.looked += 1
            self.cut = len(self._found) >= MOST
        self.over = True

    def _look_at(self, log: Log) -> None:
        reader = Reader(log.path)
        began = time.perf_counter()
        reader.refresh()  # what cannot be read is a log that has nothing
        place, lines, first = 0, 0, b""
        while place < reader.size and not self._stopped.is_set():
            there = behind(reader, place, reader.size)
            here = hits(reader, self._terms, place, there)
            if here and not lines:
                first = _telling(reader.lines(here[0], 1)[0].data)
            lines += len(here)
            place = there
            began = self._rest(began)
        reader.close()
        self._rest(began)
        if lines:
            self._found.append(FoundLog(log, lines, first))

    def _rest(self, began: float) -> float:
        """Rest for as long as was worked, now and then; when work begins again."""
        now = time.perf_counter()
        self._worked += now - began
        if self._worked < SPELL:
            return now
        self._stopped.wait(self._worked)
        self._worked = 0.0
        return time.perf_counter()
