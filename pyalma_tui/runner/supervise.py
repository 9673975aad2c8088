"""The stop protocol: ask, then SIGINT, SIGTERM to the group, SIGKILL to the group and to what it left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence

import msgspec
import psutil

from pyalma_tui.model.messages import WORKER_MARK
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.snapshot import Step, Stopping

AFTER_SIGINT = 5.0  # seconds until SIGTERM
AFTER_SIGTERM = 2.0  # seconds until SIGKILL
AFTER_SIGKILL = 5.0  # seconds until it is sent again
NEXT: dict[Step, Step] = {"asked": "SIGINT", "SIGINT": "SIGTERM", "SIGTERM": "SIGKILL"}


class Stop(msgspec.Struct, frozen=True):
    """The stop of one attempt: the step that was taken, and when the next one is due (time.monotonic).

    `timeout` are the seconds that the attempt had and has used up, None if somebody wishes it to stop; `hurried` tells
    that the steps between were left out.
    """

    step: Step
    deadline: float
    timeout: float | None = None
    hurried: bool = False

    @property
    def shown(self) -> Stopping:
        """What the screen counts down."""
        return Stopping(self.step, NEXT.get(self.step), self.deadline)

    @property
    def wished(self) -> bool:
        """Whether somebody wishes it to stop, rather than its time being over."""
        return self.timeout is None


def asked(now: float, grace: float, timeout: float | None = None) -> Stop:
    """The first step: the next save() raises Interrupted."""
    return Stop("asked", now + grace, timeout)


def advanced(stop: Stop, now: float) -> Stop:
    """The step after this one."""
    step = NEXT.get(stop.step, "SIGKILL")
    wait = {"SIGINT": AFTER_SIGINT, "SIGTERM": AFTER_SIGTERM, "SIGKILL": AFTER_SIGKILL}[step]
    return Stop(step, now + wait, stop.timeout, stop.hurried)


def at_once(stop: Stop, now: float) -> Stop:
    """The last step, without waiting."""
    return Stop("SIGKILL", now + AFTER_SIGKILL, stop.timeout, hurried=True)


def carry_out(stop: Stop, worker: Worker, run: int, attempt: int) -> None:
    """Do to the worker what this step says."""
    match stop.step:
        case "asked":
            worker.interrupt(run, attempt, stop.timeout)
        case "SIGINT":
            worker.announce_signal(run, attempt)
            worker.signal(signal.SIGINT)
        case "SIGTERM":
            worker.announce_signal(run, attempt)
            worker.signal_group(signal.SIGTERM)
        case "SIGKILL":
            worker.signal_group(signal.SIGKILL)


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a debugger: it answers nothing but SIGKILL then."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except (psutil.Error, OSError):
        return False


def has_members(group: int, *, but: int) -> bool:
    """Whether a process group has a member beside this one."""
    for pid in psutil.pids():
        try:
            if pid != but and os.getpgid(pid) == group:
                return True
        except OSError:  # it went meanwhile
            continue
    return False


class Orphans:
    """What workers that are gone left behind outside of their groups, reparented to us; owned by the runner thread.

    `alone` says that nobody else in this process starts processes; in a script that imports us the others are its own.
    """

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._seen: set[int] = set()

    def of(self, mark: str, workers: Collection[int]) -> list[psutil.Process]:
        """Those of the worker with this mark in its environment; with the last worker all, if we are alone.

        `workers` are the process ids of live workers. Takes leave of orphans that have ended.
        """
        found = []
        spared = {os.getsid(0), *workers}  # what is of our own session we, or the script, have started
        for child in _children():
            try:
                if os.getsid(child.pid) in spared:
                    continue
                if child.status() == psutil.STATUS_ZOMBIE:
                    if self._alone or child.pid in self._seen:
                        os.waitpid(child.pid, os.WNOHANG)
                        self._seen.discard(child.pid)
                elif self._is_meant(child.environ().get(WORKER_MARK), mark, workers):
                    self._seen.add(child.pid)
                    found.append(child)
            except (psutil.Error, OSError):  # it went meanwhile, or is not ours to look at
                continue
        return found

    def _is_meant(self, theirs: str | None, mark: str, workers: Collection[int]) -> bool:
        return theirs == mark or (theirs is None and self._alone and not workers)


def _children() -> list[psutil.Process]:
    try:
        return psutil.Process().children()
    except (psutil.Error, OSError):  # no descriptor is free for a look
        return []


def sweep(left: Sequence[psutil.Process]) -> None:
    """Kill what was left behind."""
    for process in left:
        try:
            process.kill()
        except psutil.Error:  # it went meanwhile
            continue
