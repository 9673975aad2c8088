"""The mark by which everything is found that an agent or its workers have started, whoever is its parent by now."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from pyalma_tui.model.messages import WORKER_MARK

_NAME = WORKER_MARK.encode()
_DIGITS = 9  # of a worker's number in the mark: its length must not change


def mark_of(agent: str, worker: int = 0) -> str:
    """The mark of a worker, or with worker 0 of the agent itself."""
    return f"{agent}.{worker:0{_DIGITS}d}"


def mark_in(pid: int) -> str | None:
    """The mark of a process, None if it has none, or is not ours to look at."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            for each in environment.read().split(b"\0"):
                if each.startswith(_NAME + b"="):
                    return each[len(_NAME) + 1 :].decode("utf-8", "replace")
    except OSError:
        pass
    return None


def sweep(agent: str, seconds: float = float("inf")) -> None:
    """Kill every process but this one that carries a mark of this agent, until there are none: some fork meanwhile."""
    deadline = time.monotonic() + seconds
    while found := [pid for pid in _everybody() if pid != os.getpid() and _is_of(mark_in(pid), agent)]:
        for pid in found:
            kill(pid)
        if time.monotonic() >= deadline:
            return


def kill(pid: int) -> None:
    """Kill one process, if it is there."""
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _is_of(mark: str | None, agent: str) -> bool:
    """Whether this mark is of this agent or one of its workers."""
    return mark is not None and mark.rpartition(".")[0] == agent


def _everybody() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()] if sys.platform == "linux" else []
