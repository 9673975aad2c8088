"""The stop protocol: ask, then SIGINT, SIGTERM to the group, SIGKILL to the group and to what it left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence

import msgspec
import psutil

from pyalma_tui.model.messages import CUT_OFF, WORKER_MARK
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.snapshot import Step, Stopping

AFTER_SIGINT = 5.0  # seconds until SIGTERM
AFTER_SIGTERM = 2.0  # seconds until SIGKILL
AFTER_SIGKILL = 5.0  # seconds until it is sent again
NEXT: dict[Step, Step] = {"asked": "SIGINT", "SIGINT": "SIGTERM", "SIGTERM": "SIGKILL"}


class Stop(msgspec.Struct, frozen=True):
    """The stop of one attempt: the step that was taken, and when the next one is due (time.monotonic).

    `error` is the reason for which the attempt counts as failed, "" if it counts as interrupted.
    """

    step: Step
    deadline: float
    error: str = ""

    @property
    def shown(self) -> Stopping:
        """What the screen counts down."""
        return Stopping(self.step, NEXT.get(self.step), self.deadline)


def asked(now: float, grace: float, error: str = "") -> Stop:
    """The first step: the next save() raises Interrupted."""
    return Stop("asked", now + grace, error)


def advanced(stop: Stop, now: float) -> Stop:
    """The step after this one."""
    step = NEXT.get(stop.step, "SIGKILL")
    wait = {"SIGINT": AFTER_SIGINT, "SIGTERM": AFTER_SIGTERM, "SIGKILL": AFTER_SIGKILL}[step]
    return Stop(step, now + wait, stop.error)


def at_once(stop: Stop, now: float) -> Stop:
    """The last step, without waiting."""
    return Stop("SIGKILL", now + AFTER_SIGKILL, stop.error)


def carry_out(stop: Stop, worker: Worker, run: int, attempt: int) -> None:
    """Do to the worker what this step says."""
    match stop.step:
        case "asked":
            worker.interrupt(run, attempt, stop.error)
        case "SIGINT":
            worker.signal(signal.SIGINT)
        case "SIGTERM":
            worker.signal_group(signal.SIGTERM)
        case "SIGKILL":
            worker.signal_group(signal.SIGKILL)


def describe(stop: Stop) -> str:
    """What ended an attempt whose worker we had to end."""
    return {
        "asked": "interrupted",
        "SIGINT": "interrupted by SIGINT",
        "SIGTERM": "ended by SIGTERM: no save() came within the grace",
        "SIGKILL": "killed: no save() came within the grace",
    }[stop.step]


def death(code: int) -> str:
    """What a worker's exit code says when nobody asked it to end."""
    if code == CUT_OFF:
        return "run() closed descriptors that its worker needs: how it ended could not be recorded"
    if code >= 0:
        return f"the process exited with code {code} instead of returning from run()"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        return "killed by SIGKILL, not by pyalma-tui: usually out of memory"
    return f"killed by {name}"


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a debugger: it answers nothing but SIGKILL then."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def orphans(mark: str, workers: Collection[int]) -> list[psutil.Process]:
    """What a worker that is gone left behind outside of its group, found by the mark in its environment.

    `workers` are the process ids of live workers, which are not orphans. Takes leave of orphans that have ended; what
    is of our own session we, or the script that we are part of, have started, and somebody waits for it.
    """
    found = []
    session = os.getsid(0)
    for child in psutil.Process().children():
        try:
            if child.pid in workers:
                continue
            if child.status() == psutil.STATUS_ZOMBIE:
                if os.getsid(child.pid) != session:
                    os.waitpid(child.pid, os.WNOHANG)
            elif child.environ().get(WORKER_MARK) == mark:
                found.append(child)
        except (psutil.Error, ChildProcessError, ProcessLookupError):  # it went meanwhile, or is not ours to look at
            continue
    return found


def sweep(left: Sequence[psutil.Process]) -> None:
    """Kill what was left behind."""
    for process in left:
        try:
            process.kill()
        except psutil.Error:  # it went meanwhile
            continue
