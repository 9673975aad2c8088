"""Descriptors 0, 1 and 2 of a worker: nothing in, and everything out into the log of the attempt."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from pyalma_tui.store.disk import make_folder, open_regular

_libc = ctypes.CDLL(None)


def prepare() -> None:
    """Make Python's own streams write each line at once, and never fail on a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def flush() -> None:
    """Write out what Python and the C library still hold, so that it lands in the right log."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # closed or replaced by the user: nothing of ours is in it
            continue
    _libc.fflush(None)


def add(text: str) -> None:
    """Put text of ours into the log, as far as it can be written: a log is no reason to fail."""
    with contextlib.suppress(OSError):
        os.write(2, text.encode("utf-8", "backslashreplace"))


def lead_into(log: str, umask: int) -> None:
    """Let all that is printed go into this log, which belongs to no run; where it cannot be written, into nothing."""
    try:
        make_folder(os.path.dirname(log), umask)
        _lead_to(open_regular(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, umask))
    except OSError:  # nothing of a run is lost
        _lead_to(_nowhere())


class Output:
    """Where descriptors 1 and 2 lead: into the log of one attempt after the other.

    The log of a run that printed nothing is not removed but moved on to the next run, with its folder: 9 µs instead of
    350 µs for making and removing both.
    """

    def __init__(self, logs: Path, umask: int, tell: Callable[[str], object]) -> None:
        """`umask` decides the modes of logs; `tell` gets a line for the user."""
        self._logs = str(logs)  # paths are put together as text: pathlib would take longer than the system calls
        self._umask = umask
        self._tell = tell
        self._told = ""
        self._folder = self._name = ""  # of the current log
        self._spare = False  # whether it is empty
        self._children = _ended_children()  # before its run began
        self._alone = False  # whether its folder is of our own making, with no other log in it

    def redirect(self, folder: str, name: str) -> None:
        """Send descriptors 1 and 2 into this log from now on; without the file, as on a full disk, into nothing."""
        flush()
        if self._spare:
            self._spare = False
            if name == self._name and not self._is_shared() and self._is_move(folder):
                return
            self._remove()
        self._children = _ended_children()
        self._folder, self._name = folder, name
        try:
            self._alone = make_folder(f"{self._logs}/{folder}", self._umask)
            _lead_to(self._open(self._path))
        except OSError as error:  # a run must not fail for its log
            self._complain(error)
            _lead_to(_nowhere())

    def _open(self, path: str) -> int:
        return open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, self._umask)

    def _complain(self, error: OSError) -> None:
        """Tell the user that a log cannot be written, once for each reason."""
        why = error.strerror or str(error)
        if why != self._told:
            self._told = why
            self._tell(f"what run() prints is lost: {error.filename or self._path}: {why}")

    @property
    def _path(self) -> str:
        return f"{self._logs}/{self._folder}/{self._name}"

    def _is_shared(self) -> bool:
        """Whether processes may still write into the log: the run has started some, and they others."""
        return _has_children() or _ended_children() != self._children

    def _is_move(self, folder: str) -> bool:
        """Whether the spare log could be made the new one by moving its folder, which has no other log."""
        try:
            os.rename(f"{self._logs}/{self._folder}", f"{self._logs}/{folder}")  # refused if it has logs already
        except OSError:
            return False
        self._folder = folder
        return True

    def finish(self) -> None:
        """End the log: what is buffered goes in."""
        flush()
        try:
            ours, there = os.fstat(1), os.lstat(self._path)
        except OSError:  # user code closed the descriptor, or removed the log
            return
        if there.st_size > 0 or (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            return
        if self._alone:
            self._spare = True
        else:
            self._remove()

    def leave(self, log: str) -> None:
        """Leave no empty log behind; what is printed from now on is that of no run and goes into this one."""
        flush()
        if self._spare and self._becomes(log):
            return
        if self._spare:
            self._remove()
        lead_into(log, self._umask)

    def _becomes(self, log: str) -> bool:
        """Whether the spare log could be made this one: to let go of a file takes the disk milliseconds."""
        try:
            if self._is_shared() or os.path.lexists(log) or os.lstat(self._path).st_size > 0:
                return False
            make_folder(os.path.dirname(log), self._umask)
            os.rename(self._path, log)
        except OSError:
            return False
        with contextlib.suppress(OSError):  # it has logs of other attempts
            os.rmdir(f"{self._logs}/{self._folder}")
        return True

    def _remove(self) -> None:
        try:
            if os.lstat(self._path).st_size > 0:  # what the run has started has written meanwhile
                return
            os.unlink(self._path)
            os.rmdir(f"{self._logs}/{self._folder}")
        except OSError:  # it is gone, or the folder has logs of other attempts
            return


def _ended_children() -> int:
    """A number that grows with each child that was waited for: the pages that they have used."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def _has_children() -> bool:
    """Whether there are children, living or not waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except AttributeError:  # not on every macOS: then nobody knows
        return True
    return True


def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _lead_to(fd: int) -> None:
    """Send descriptors 1 and 2 there."""
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    if fd > 2:
        os.close(fd)
