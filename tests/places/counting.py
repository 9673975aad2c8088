"""The run module of the nemesis: counts, saves, and tells in a history of its own what happens, a line a write.

A lock of each instance tells who else runs it. `ELSEWHERE` is the name of the place.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HISTORY = "history"
SAVES = int(os.environ.get("SAVES", "60"))


def write(path: Path, history: Path) -> None:
    """Write this module there, with a history in a folder that each host sees as it is."""
    text = Path(__file__).read_text()
    path.write_text(text.replace(f'HISTORY = "{HISTORY}"', f"HISTORY = {str(history)!r}"))


def tell(name: str, line: str) -> None:
    """Append to the history of this name, in one write."""
    fd = os.open(f"{HISTORY}/{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(
        fd,
        f"{time.monotonic():.3f} {os.environ.get('ELSEWHERE') or socket.gethostname()} {os.getpid()} {line}\n".encode(),
    )
    os.close(fd)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the lock of this name; that somebody else does is told, unless that was killed.

    Who was killed in the midst of a call to a file system that hangs keeps it, and runs nothing any more.
    """
    with open(f"{HISTORY}/{name}.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            if not was_killed(lock.read().split()[-1]):
                tell(name, "overlap")
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def was_killed(pid: str) -> bool:
    """Whether this process has nothing to do any more but to end, or has meanwhile."""
    try:
        with open(f"/proc/{pid}/status") as status:
            pending = [int(line.split()[1], 16) for line in status if line.startswith(("SigPnd", "ShdPnd"))]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return any(signals >> signal.SIGKILL - 1 & 1 for signals in pending)


def run(instance: str, save: Callable[[object], None], state: str) -> None:
    """Count to SAVES; i0 saves seldom, and hears of nothing in between."""
    name = os.path.basename(instance)
    pause, every = (0.1, 20) if name == "i0.txt" else (0.02, 1)
    with alone(name):
        tell(name, f"start {state or 0}")
        for number in range(int(state or 0) + 1, SAVES + 1):
            time.sleep(pause)
            if number % every:
                tell(name, f"lives {number}")
                continue
            tell(name, f"call {number}")
            save(str(number))
            tell(name, f"saved {number}")
        tell(name, "return")


def done() -> None:
    """Tell that it was called."""
    tell("done", "done")
