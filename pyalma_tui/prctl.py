"""What Linux does for processes that must not be outlived, and its C library for memory; elsewhere nothing happens."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_libc = ctypes.CDLL(None)
_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill us when the thread that started us ends; if that already has, end now.

    macOS has no such request; there only the closed channel tells.
    """
    if sys.platform == "linux":
        _libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def stat_of(pid: int) -> list[bytes]:
    """The fields of proc_pid_stat(5) from `state` on, which is its third; the name before it may hold anything.

    Raises OSError if there is no such process, or no /proc.
    """
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return stat.read().rpartition(b")")[2].split()


def give_memory_back() -> None:
    """Let the kernel have the memory that was freed: of much that was built at once the C library keeps a third."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def become_subreaper() -> None:
    """Let orphans of what we have started become our children, so that those who left their group are found."""
    if sys.platform == "linux":
        _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
