"""A program that has loaded itself once, and is forked for each start: that takes it longer than most runs.

It is `pyalma-tui` as its entry point begins it, in an interpreter of its own with one thread. What an interpreter reads
when it begins (its environment, its limits) is what it was prepared in: only a start that has the same comes from it.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("pyalma-tui"))
HEADLESS = ("pyalma_tui.cli.main", "pyalma_tui.cli.launch", "pyalma_tui.cli.headless")
SCREEN = ("pyalma_tui.cli.main", "pyalma_tui.cli.launch", "pyalma_tui.cli.screen", "pyalma_tui.tui.app")
OWNER = "CATALOGUE_FOLDER"  # in the environment of every process that an experiment starts
READ_AT_FIRST = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC", "TEXTUAL")  # variables that are read before main() is called
MESSAGE = 4096  # bytes
ROOM = 1000  # bytes for what OWNER says


class Forked:
    """A program that was forked; to be used as a `subprocess.Popen` is."""

    def __init__(self, prepared: Prepared, pid: int) -> None:
        self._prepared = prepared
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, minus the number of the signal that has ended it, None while it lives."""
        if self.returncode is None:
            self.returncode = self._prepared.ended(self.pid, 0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if until is None else max(0.0, until - time.monotonic())
            self.returncode = self._prepared.ended(self.pid, left)
            if self.returncode is None and left == 0.0:
                raise subprocess.TimeoutExpired(PROGRAM, timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it this, unless it has ended: the process that it was forked from takes it away then."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Prepared:
    """The process that the program is forked from; it ends with whoever has started it."""

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str]) -> None:
        """It has these modules of the program loaded."""
        self._first = _read_at_first(environment)
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), *modules],
                env={**environment, OWNER: " " * ROOM},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        self._codes: dict[int, int] = {}

    def may_start(self, environment: Mapping[str, str]) -> bool:
        """Whether a program that was started in this environment would be no other."""
        return _read_at_first(environment) == self._first

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Sequence[int],
        *,
        session: bool = False,
    ) -> Forked:
        """The program with these arguments in this folder; the descriptors become its standard ones, of which the first
        is the terminal of a session of its own if it is to have one.
        """
        with tempfile.TemporaryFile() as start:  # arguments may be longer than any message
            start.write(json.dumps([session, list(arguments), str(folder), dict(environment)]).encode())
            start.seek(0)
            socket.send_fds(self._ours, [b"start"], [*streams, start.fileno()])
        while (told := self._told())[0] != "started":
            self._codes[told[1]] = told[2]
        self._codes.pop(told[1], None)  # of another one that had its number
        return Forked(self, told[1])

    def ended(self, pid: int, seconds: float | None) -> int | None:
        """The exit code of what was forked, None if it has none within these seconds."""
        while pid not in self._codes and select.select([self._ours], [], [], seconds)[0]:
            _, other, code = self._told()
            self._codes[other] = code
            if seconds is not None and other != pid:
                seconds = min(seconds, 0.1)  # whoever waits asks again
        return self._codes.pop(pid, None)

    def close(self) -> None:
        """Let it end."""
        self._ours.close()
        self._process.wait()

    def _told(self) -> tuple[str, int, int]:
        word, pid, code = json.loads(self._ours.recv(MESSAGE))
        return word, pid, code


_all: dict[tuple[str, ...], Prepared] = {}


def prepared(environment: Mapping[str, str], modules: Sequence[str]) -> Prepared | None:
    """The one of this process with these modules, if a start in such an environment may come from it."""
    if (key := tuple(modules)) not in _all:
        _all[key] = Prepared(environment, modules)
    return _all[key] if _all[key].may_start(environment) else None


def close_all() -> None:
    """Let all of this process end."""
    while _all:
        _all.popitem()[1].close()


def _read_at_first(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_FIRST)}


# --- in the process that is forked ---------------------------------------------------------------------------------


def _serve(channel: socket.socket) -> None:
    """Fork for each start that is asked for, and tell how each has ended, until nobody asks any more."""

    def tell(*words: object) -> None:
        channel.send(json.dumps(words).encode())

    def reap(*_: object) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            tell("ended", pid, os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, reap)
    while True:
        asked, descriptors, _, _ = socket.recv_fds(channel, MESSAGE, 4)
        if not asked:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # it is told of the start before the end
        pid = os.fork()
        if not pid:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            _begin(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        tell("started", pid, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def _begin(*descriptors: int) -> None:
    """Be the program that was just started."""
    *streams, start = descriptors
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    with os.fdopen(start) as file:
        session, arguments, folder, environment = json.load(file)
    if session:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=stream is sys.stderr or os.isatty(1))  # type: ignore[union-attr]
    _own(environment.get(OWNER, ""))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = [PROGRAM, *arguments]
    _main()


def _own(folder: str) -> None:
    """Let `/proc` show whose this process is, as if it had begun with it."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    text = folder.encode()
    assert len(text) < ROOM, folder
    ctypes.memmove(libc.getenv(OWNER.encode()), text.ljust(ROOM, b"\0"), ROOM)


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(PROGRAM)  # as in the script that was installed
    from pyalma_tui import collecting

    collecting.pause()
    from pyalma_tui.__main__ import main as _main

    for module in ("pyalma_tui.cli.streams", *sys.argv[2:]):
        importlib.import_module(module)
    _serve(socket.socket(fileno=int(sys.argv[1])))
