"""Finding and ending what user code has started: by its process group, and by a mark that it carries.

The mark is a variable in the environment that every process of an agent has from its beginning. A forked worker puts
its own number into it, in place, so that /proc shows whose each process is, also after setsid.
"""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress

from pyalma_tui.model.messages import WORKER_MARK

_libc = ctypes.CDLL(None)  # made once, in the agent: a fork takes 0.1 ms for it
_libc.getenv.restype = ctypes.c_void_p


def take_mark(mark: str) -> None:
    """Carry this mark from now on, and hand it to what is started."""
    before = os.environ.get(WORKER_MARK, "")
    place = _libc.getenv(WORKER_MARK.encode())
    if place and len(before.encode()) == len(mark.encode()):  # where the kernel reads it for /proc
        ctypes.memmove(place, mark.encode(), len(mark.encode()))
    os.environ[WORKER_MARK] = mark


def group_is_alive(group: int) -> bool:
    """Whether any process of the group lives; those that are ours and have ended are taken leave of."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            continue
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):  # macOS refuses a group of zombies
        return False
    return True


def signal_group(group: int, number: int) -> None:
    """Send a signal to a group, if there is anybody in it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def children() -> list[int]:
    """The process ids of our children, also those that we have inherited; none where the system does not tell."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def has_ended(pid: int) -> bool:
    """Take leave of a child of ours if it has ended; whether it has, or is gone."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def end_group() -> None:
    """Nobody is there to be told anything: end this process and its group. What has left it the agent's guard ends."""
    os.killpg(0, signal.SIGKILL)
