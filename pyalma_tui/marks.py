"""The mark by which everything is found that an agent or its workers have started, whoever is its parent by now."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from pyalma_tui.model.messages import WORKER_MARK
from pyalma_tui.prctl import stat_of

_NAME = WORKER_MARK.encode()
_DIGITS = 9  # of a worker's number in the mark: its length must not change
_SETTLES = 1.0  # seconds in which a process that becomes another program has an environment again, as a rule at once
_NONE = 0x00200000 | 0x4  # PF_KTHREAD, PF_EXITING of a process' flags in /proc: those have no environment any more


def mark_of(agent: str, worker: int = 0) -> str:
    """The mark of a worker, or with worker 0 of the agent itself."""
    return f"{agent}.{worker:0{_DIGITS}d}"


def mark_in(pid: int) -> str | None:
    """The mark of a process, None if it has none, or is not ours to look at.

    One that is just becoming another program has no environment for a moment, and is looked at until it has.
    """
    deadline = time.monotonic() + _SETTLES
    settled = 0
    try:
        while not (found := _environment(pid)) and settled < 2 and time.monotonic() < deadline:
            if _is_amid_exec(pid):
                time.sleep(0.0002)
            else:  # it may have become the other program just now
                settled += 1
    except (OSError, ValueError, IndexError):
        return None
    for each in found.split(b"\0"):
        if each.startswith(_NAME + b"="):
            return each[len(_NAME) + 1 :].decode("utf-8", "replace")
    return None


def sweep(agent: str, seconds: float = float("inf")) -> None:
    """Kill every process but this one that carries a mark of this agent, until two looks find none: some fork, and end
    themselves, between being listed and being looked at. Those that do not end, as they wait for a file system that
    hangs, are looked for less and less often.
    """
    deadline = time.monotonic() + seconds
    none, pause, before = 0, 0.0, list[int]()
    while none < 2 and time.monotonic() < deadline:
        found = [pid for pid in _everybody() if pid != os.getpid() and _is_of(mark_in(pid), agent)]
        none = 0 if found else none + 1
        for pid in found:
            kill(pid)
        pause = min(2 * pause + 0.0001, 0.1) if found == before else 0.0
        time.sleep(pause)
        before = found


def kill(pid: int) -> None:
    """Kill one process, if it is there."""
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _environment(pid: int) -> bytes:
    with open(f"/proc/{pid}/environ", "rb") as environment:
        return environment.read()


def _is_amid_exec(pid: int) -> bool:
    """Whether a process without environment is about to have one: `env_end` of proc_pid_stat(5) is not set yet."""
    fields = stat_of(pid)
    state, flags, env_end = fields[0], int(fields[6]), int(fields[48])
    return not env_end and state not in b"ZXx" and not flags & _NONE


def _is_of(mark: str | None, agent: str) -> bool:
    """Whether this mark is of this agent or one of its workers."""
    return mark is not None and mark.rpartition(".")[0] == agent


def _everybody() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()] if sys.platform == "linux" else []
