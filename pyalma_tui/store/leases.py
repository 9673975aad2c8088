"""Until when workers on other hosts may live whose runner is gone: one small file in the state directory.

A place lives as long as its lease, which its runner grants again and again. Before a grant is given the file says so,
so whoever starts after a killed runner knows when nothing of it can run any more. A clean end removes the file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec

from pyalma_tui.store import layout
from pyalma_tui.store.disk import high, is_at, open_regular, read_regular, remove, sync_directory

SHORTEST, LONGEST, USUAL = 1.0, 3600.0, 15.0  # seconds of a lease
DRIFT = 1.02  # how much slower than ours another host's clock may run
MARGIN = 0.5  # seconds until all is gone that the kernel has killed
AHEAD = 1.0  # seconds of grants that one write of the file covers
_SIZE = 256  # bytes of the file: it is written in place, and never shorter


class LeaseRecord(msgspec.Struct, frozen=True):
    """`token` is the session's, `seconds` how long a lease is; none was granted later than `at` of CLOCK_BOOTTIME."""

    token: str
    seconds: Annotated[float, msgspec.Meta(ge=SHORTEST, le=LONGEST)]
    boot: str
    at: float


def now() -> float:
    """Seconds on the clock of leases: it goes on while the machine sleeps. macOS's own does without that."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def safe_after(seconds: float) -> float:
    """How long after the last grant of such a lease nothing lives any more that lived on it."""
    return seconds * DRIFT + MARGIN


class Leases:
    """The file of one session; raises OSError where it cannot be written: nothing may be granted then."""

    def __init__(self, state_dir: Path, seconds: float, umask: int | None = None) -> None:
        """Write it down durably."""
        self.seconds = seconds
        self.token = os.urandom(8).hex()
        self._path = layout.leases(state_dir)
        self._umask = umask
        self._until = float("-inf")
        self._fd = self._made()

    def _made(self) -> int:
        """The descriptor of the file, which says that leases are granted from now on."""
        fd = high(open_regular(self._path, os.O_RDWR | os.O_CREAT, self._umask))
        try:
            self._write(fd)
            os.ftruncate(fd, _SIZE)
            os.fsync(fd)
            sync_directory(self._path.parent)
        except OSError:
            os.close(fd)
            raise
        return fd

    def _write(self, fd: int) -> None:
        until = now() + AHEAD
        text = msgspec.json.encode(LeaseRecord(self.token, self.seconds, _boot(), until))
        os.pwrite(fd, text.ljust(_SIZE - 1) + b"\n", 0)
        self._until = until

    @property
    def in_place(self) -> bool:
        """Whether others find the file, as nobody has removed it; true when all is over."""
        return self._fd < 0 or is_at(self._path, self._fd)

    def write_anew(self) -> None:
        """Make the file again that somebody has removed."""
        old, self._fd = self._fd, self._made()
        os.close(old)

    def grant(self) -> None:
        """Before a lease is granted: say so."""
        if now() > self._until:
            self._write(self._fd)

    def close(self, *, over: bool) -> None:
        """Let go; the file goes only if nothing lives any more that has a lease."""
        ours = over and self.in_place  # else it may be that of who has taken our place
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
            if ours:
                with suppress(OSError):  # then the next start waits
                    remove(self._path)


def read_lease(state_dir: Path) -> LeaseRecord | None:
    """What the file says, None if there is none; raises OSError or ValueError where that cannot be told."""
    try:
        text = read_regular(layout.leases(state_dir), _SIZE)
    except FileNotFoundError:
        return None
    return msgspec.json.decode(text, type=LeaseRecord)


def left(state_dir: Path) -> float:
    """Seconds for which workers of a killed session may still live on other hosts; 0.0 if none can."""
    try:
        lease = read_lease(state_dir)
    except (OSError, ValueError):  # of which msgspec's errors are some: as long as the usual one
        return safe_after(USUAL)
    if lease is None:
        return 0.0
    whole = safe_after(lease.seconds)
    if lease.boot != _boot():  # another machine, or another life of this one: its clock tells us nothing
        return whole
    return min(whole + AHEAD, max(0.0, lease.at + whole - now()))


def waited_for(state_dir: Path) -> str:
    """What to tell people of what `wait_out` waits for, "" if that is nothing."""
    if not (seconds := left(state_dir)):
        return ""
    return f"a session was killed that had workers on other hosts; they may live for {seconds:.0f} s more"


def wait_out(state_dir: Path, sleep: Callable[[float], None] = time.sleep) -> float:
    """Wait until nothing of a killed session can live on any host; for how many seconds that was. Hold the lock."""
    seconds = left(state_dir)
    if seconds > 0.0:
        sleep(seconds)
    with suppress(OSError):
        remove(layout.leases(state_dir))
    return seconds


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
