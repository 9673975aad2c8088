"""What workers take of the machine: memory and processors, with everything that they have started."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from time import monotonic

import psutil

from pyalma_tui.runner.snapshot import Load

EVERY = 2.0  # seconds between two looks
SHARE = 100  # a look may take a hundredth of the time: there are machines with thousands of processes


class Usage:
    """Owned by the runner thread; times are those of time.monotonic.

    A worker leads a session of its own, so what it has started is found by the session. Processor time of children
    that have ended is their parents', so the sum over a session never shrinks by an end.
    """

    def __init__(self) -> None:
        self._loads: dict[int, Load] = {}
        self._spent: dict[int, float] = {}
        self._looked = 0.0
        self._next = 0.0

    def of(self, worker: int) -> Load | None:
        """The load of this worker, None as long as it is not known."""
        return self._loads.get(worker)

    def look(self, workers: Mapping[int, int], now: float) -> None:
        """Look again if it is time. `workers` are process ids, each with that of its guard, which does not count."""
        if now < self._next or not workers:
            return
        began = monotonic()
        taken = {worker: _taken(pids) for worker, pids in _sessions(workers).items()}
        self._loads = {
            worker: Load(rss, max(0.0, spent - self._spent[worker]) / (now - self._looked))
            for worker, (rss, spent) in taken.items()
            if worker in self._spent
        }
        self._spent = {worker: spent for worker, (_, spent) in taken.items()}
        self._looked = now
        self._next = now + max(EVERY, SHARE * (monotonic() - began))


def _sessions(workers: Mapping[int, int]) -> dict[int, list[int]]:
    """The processes in the session of each worker, without its guard."""
    found: dict[int, list[int]] = {worker: [] for worker in workers}
    guards = set(workers.values())
    for pid in _all_pids():
        try:
            session = os.getsid(pid)
        except OSError:  # it went meanwhile, or is not ours to look at
            continue
        if session in found and pid not in guards:
            found[session].append(pid)
    return found


def _all_pids() -> list[int]:
    try:
        return psutil.pids()
    except OSError:  # no descriptor is free for a look
        return []


def _taken(pids: Iterable[int]) -> tuple[int, float]:
    """Bytes of memory now, and seconds of processor time so far."""
    rss, spent = 0, 0.0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            rss += process.memory_info().rss
            spent += sum(process.cpu_times()[:4])  # user, system, and both of children that have ended
        except (psutil.Error, OSError):  # it went meanwhile, or no descriptor is free for a look
            continue
    return rss, spent
