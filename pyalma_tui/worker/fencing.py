"""Notes what user code writes outside of its copy; only where a run is called in one: it stays for good.

Python says of each file that it opens, moves or removes. What programs write that user code starts, nobody hears of.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pyalma_tui.model.outside import Fence, note

MOST = 1_000  # paths that a process notes
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
DEVICES = ("/dev/", "/proc/", "/sys/")
FOLLOWED = frozenset({"os.truncate", "os.chmod", "sqlite3.connect"})  # whose path may be a link to what is meant
TAKEN = frozenset({"os.remove", "os.rename"})  # whose first path is gone then
MADE = frozenset({"os.rename", "os.link", "os.symlink"})  # whose second path is there then


def put_up(fence: Fence) -> None:
    """From now on note what this process and its forks write outside of the fence."""
    seen: set[str] = set()
    inside = tuple(os.path.join(folder, "") for folder in fence.inside)

    def hear(event: str, args: tuple[Any, ...]) -> None:
        for path in _written(event, args):
            if path in seen or len(seen) >= MOST or path == fence.notes or "/__pycache__/" in path:
                continue
            if not path.startswith((*inside, *DEVICES)):
                seen.add(path)
                _add(fence.notes, note(path, existed=os.path.lexists(path)))

    sys.addaudithook(hear)


def _written(event: str, args: tuple[Any, ...]) -> Iterator[str]:
    """The real paths that this writes to, makes or removes."""
    if event == "open":
        path, _, flags = args
        if isinstance(flags, int) and flags & WRITES:  # of a folder: a file in it that has no name
            yield from (file for file in _real(path, followed=True) if not os.path.isdir(file))
    elif event in FOLLOWED:
        yield from _real(args[0], followed=True)
    else:
        if event in TAKEN:
            yield from _real(args[0], followed=False)
        if event in MADE:
            yield from _real(args[1], followed=False)


def _real(path: object, *, followed: bool) -> Iterator[str]:
    if not isinstance(path, str | bytes | os.PathLike):  # a descriptor: of a file that was opened before
        return
    with suppress(OSError, ValueError):  # no path: what follows fails by itself
        name = os.path.abspath(os.fsdecode(path))
        folder, last = os.path.split(name)
        yield os.path.realpath(name) if followed else os.path.join(os.path.realpath(folder), last)


def _add(notes: str, text: bytes) -> None:
    with suppress(OSError):  # without a descriptor or room the run fails by itself, or it is not told of this path
        fd = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, text)
        finally:
            os.close(fd)
