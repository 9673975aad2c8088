"""Who holds an experiment: a flock whose descriptor the workers share, so it is free when the last of them is gone."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from time import localtime, strftime
from types import TracebackType
from typing import Annotated, Self
from weakref import WeakSet

import msgspec

from pyalma_tui.errors import InUseError, StoreError
from pyalma_tui.model import jsontext
from pyalma_tui.model.bounds import Moment
from pyalma_tui.store import layout
from pyalma_tui.store.disk import high, is_at, open_regular, read_regular

LONGEST = 4096  # bytes of a lock file that are looked at
LOOK = 0.05  # seconds, much longer than a look at the lock takes
ENDS = 5.0  # seconds in which what a killed program has left is ended, and the lock free


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the lock file says of who took it last: process id, seconds of the epoch and host, "" if it does not say."""

    pid: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    since: Moment
    host: Annotated[str, msgspec.Meta(max_length=255)] = ""

    @property
    def elsewhere(self) -> str:
        """The host that it named, if that is not what this one is called now, else ""."""
        return elsewhere_of(self.host)

    @property
    def name(self) -> str:
        """What to call it on this machine."""
        return f"process {self.pid}" + f" on {self.elsewhere}" * bool(self.elsewhere)


def elsewhere_of(host: str) -> str:
    """The name of a host, "" if that is what this one is called now."""
    return "" if host == _host() else host


def _host() -> str:
    return os.uname().nodename[:255]


UNKNOWN = Holder(0, 0.0)  # somebody who could not write down who it is


class Lock:
    """The lock of one state directory, held until `close`; raises InUseError, StoreError."""

    def __init__(self, state_dir: Path, now: float, umask: int | None = None) -> None:
        """`now` is told to others as the time it was taken; `umask` decides its mode, None for that of the process."""
        self._path = layout.lock(state_dir)
        self._umask = umask
        self.fd, self._ours = _locked(self._path, now, umask)
        _held.add(self)

    @property
    def in_place(self) -> bool:
        """Whether others find it: nobody has removed its file."""
        return is_at(self._path, self.fd)

    def refuse_another(self) -> None:
        """Raise InUseError if another process has held it since, or still does.

        A file server forgets the locks of a host that it does not hear of, as of one that sleeps, and gives them away.
        """
        try:
            who = _said(os.pread(self.fd, LONGEST, 0))
        except OSError:  # which is how NFS tells that ours is lost
            who = read_holder(self._path)
        if who not in (None, self._ours):
            raise InUseError(_in_use(self._path, who))

    def take_anew(self, now: float) -> None:
        """Hold the file that has its name now, as after somebody has removed ours.

        Raises InUseError, StoreError; then it holds what it held.
        """
        old, (self.fd, self._ours) = self.fd, _locked(self._path, now, self._umask)
        os.close(old)

    def close(self) -> None:
        """Let go, as far as this process is concerned: workers that live hold it on."""
        fd, self.fd = self.fd, -1  # a close that fails has closed
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


_held: WeakSet[Lock] = WeakSet()


def _let_go_in_child() -> None:
    """A script may fork while its experiment runs: its children hold nobody up."""
    for lock in _held:
        lock.close()


os.register_at_fork(after_in_child=_let_go_in_child)


def _locked(path: Path, now: float, umask: int | None) -> tuple[int, Holder]:
    """A descriptor of the locked file, and what that says of us; raises InUseError, StoreError."""
    try:
        low = open_regular(path, os.O_RDWR | os.O_CREAT, umask)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _take(low)
    except BlockingIOError:
        os.close(low)
        raise InUseError(_in_use(path, read_holder(path))) from None
    except OSError as error:
        os.close(low)
        raise _unusable(path, error) from error
    fd, ours = high(low), Holder(os.getpid(), now, _host())
    with suppress(OSError):  # a full disk: it holds all the same, and who holds it is only shown
        os.ftruncate(fd, 0)
        os.pwrite(fd, jsontext.encode(ours) + b"\n", 0)
    return fd, ours


def _take(fd: int) -> None:
    """Lock it; one that only looks who holds it holds it shared for an instant, so a refusal is asked for twice."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(LOOK)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder(state_dir: Path) -> Holder | None:
    """Who holds the lock now, None if nobody does; raises StoreError if nobody can tell."""
    try:
        fd = open_regular(layout.lock(state_dir), os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(layout.lock(state_dir), error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(layout.lock(state_dir)) or UNKNOWN
    finally:
        os.close(fd)
    return None


def read_holder(path: Path) -> Holder | None:
    """What the lock file says, whether or not it still holds."""
    try:
        return _said(read_regular(path, LONGEST))
    except OSError:
        return None


def _said(text: bytes) -> Holder | None:
    try:
        return jsontext.decode_as(text, Holder)
    except ValueError:  # of which msgspec's errors are some
        return None


def is_of_a_lock(path: Path) -> bool:
    """Whether a lock of ours was held there once."""
    return read_holder(path) is not None


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"lock: {path}: {error.strerror}. Nothing was changed")


def living_holder(state_dir: Path) -> Holder | None:
    """Who holds the lock now, None if nobody does; raises StoreError if nobody can tell.

    Where the process that took it is gone, its guard is about to end what it has left: that is waited for.
    """
    deadline = time.monotonic() + ENDS
    while (who := holder(state_dir)) is not None and _is_gone(who) and time.monotonic() < deadline:
        time.sleep(LOOK)
    return who


def in_use(state_dir: Path) -> str:
    """Who holds the lock now, as a message; "" if nobody does. Raises StoreError if nobody can tell."""
    who = living_holder(state_dir)
    return _in_use(layout.lock(state_dir), who) if who else ""


def _is_gone(who: Holder) -> bool:
    """Whether a process has ended, taken leave of or not, as far as this machine can tell."""
    from pyalma_tui.prctl import stat_of  # ctypes, which a start does not need when nobody holds it

    try:
        os.kill(who.pid, 0)
        return stat_of(who.pid)[0] == b"Z"
    except ProcessLookupError:
        return who.pid > 0 and not who.elsewhere
    except (OSError, IndexError):
        return False


def _in_use(path: Path, who: Holder | None) -> str:
    by = (
        f"by {who.name} since {strftime('%Y-%m-%d %H:%M', localtime(who.since))}"
        if who and who.pid
        else "by another process"
    )
    return (
        f"{path.parent}: the experiment is in use {by}. "
        f"Nothing was changed; `pyalma-tui status` shows it, or wait until it ends"
    )
