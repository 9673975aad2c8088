"""What workers take of the machine, with everything that they have started, and whether they are stopped.

Imported when it is first asked for: psutil is not to be in every process that user code runs in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from time import monotonic

import psutil

from pyalma_tui.model.messages import Load


class Usage:
    """The loads of workers by number; times are those of time.monotonic.

    A worker leads a session of its own, so what it has started is found by the session. Processor time of children
    that have ended is their parents', so the sum over a session never shrinks by an end.
    """

    def __init__(self) -> None:
        self._spent: dict[int, float] = {}
        self._looked = 0.0

    def look(self, workers: Mapping[int, int]) -> dict[int, Load]:
        """The loads of those workers that were looked at before; `workers` are process ids by number."""
        now = monotonic()
        taken = {number: _taken(pids) for number, pids in _sessions(workers).items()}
        loads = {
            number: Load(rss, max(0.0, spent - self._spent[number]) / (now - self._looked))
            for number, (rss, spent) in taken.items()
            if number in self._spent
        }
        self._spent = {number: spent for number, (_, spent) in taken.items()}
        self._looked = now
        return loads


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a debugger: it answers nothing but SIGKILL then."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except (psutil.Error, OSError):
        return False


def _sessions(workers: Mapping[int, int]) -> dict[int, list[int]]:
    """The processes in the session of each worker."""
    numbers = {pid: number for number, pid in workers.items()}
    found: dict[int, list[int]] = {number: [] for number in workers}
    for pid in _all_pids():
        try:
            session = os.getsid(pid)
        except OSError:  # it went meanwhile, or is not ours to look at
            continue
        if session in numbers:
            found[numbers[session]].append(pid)
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
