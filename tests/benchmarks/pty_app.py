"""A program in a real terminal of which only the raw bytes are read: an emulator would cost more than the program."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect
import psutil

from .references import HELLO

ROWS, COLUMNS = 40, 120
PATIENCE = 60.0  # seconds until something that must appear counts as broken
CLOSING = 20.0  # seconds to end after SIGTERM


class Terminal:
    """A program in a pty; a thread reads what it writes, as fast as it comes, and notes when."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        environment = dict(os.environ, TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
        environment.pop("NO_COLOR", None)
        self.began = time.perf_counter()
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(folder),
            env=environment,
            dimensions=(ROWS, COLUMNS),
            timeout=None,
            use_poll=True,
        )
        self.process = psutil.Process(self._child.pid)
        self._fd = self._child.child_fd
        self._seen = bytearray()
        self._ends: list[int] = []
        self._times: list[float] = []
        self._news = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError:  # the other end is closed
                data = b""
            now = time.perf_counter()
            with self._news:
                self._over = not data
                self._seen += data
                self._ends.append(len(self._seen))
                self._times.append(now)
                self._news.notify_all()
            if not data:
                return

    @property
    def received(self) -> int:
        """Bytes so far."""
        with self._news:
            return len(self._seen)

    def press(self, keys: str) -> tuple[int, float]:
        """Type; how many bytes had come before, and the time."""
        before, now = self.received, time.perf_counter()
        os.write(self._fd, keys.encode())
        return before, now

    def wait_for(self, text: str, since: int = 0) -> float:
        """The time at which the bytes of this text had come, after the first `since` bytes."""
        wanted = text.encode()
        with self._news:
            self._news.wait_for(lambda: self._over or self._seen.find(wanted, since) >= 0, PATIENCE)
            at = self._seen.find(wanted, since)
            assert at >= 0, f"{text!r} did not appear; the last bytes: {bytes(self._seen[-500:])!r}"
            return self._times[bisect_left(self._ends, at + len(wanted))]

    def quiet(self, seconds: float = 0.5) -> None:
        """Wait until nothing has come for so long."""
        before = -1
        while before != self.received:
            before = self.received
            time.sleep(seconds)

    def _processes(self) -> list[psutil.Process]:
        """The process that was started, and the fork of it in which a program with a screen lives; not its workers."""
        group = self.process.pid
        return [self.process, *(each for each in self.process.children() if os.getpgid(each.pid) == group)]

    def cpu(self) -> float:
        """Seconds of processor time that the program itself has used."""
        return math.fsum(sum(each.cpu_times()[:2]) for each in self._processes())

    def memory(self) -> int:
        """Bytes that the program itself has: resident ones of its last process, and what the one before has alone."""
        *before, last = self._processes()
        return int(last.memory_info().rss + sum(each.memory_full_info().uss for each in before))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals) -> None:
        """End the program; when this returns no process of it is left."""
        try:
            family = [self.process, *self.process.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        for each in family if how == signal.SIGKILL else family[:1]:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(how)
        self._reader.join(CLOSING)
        self._child.close(force=True)
        for each in psutil.wait_procs(family, CLOSING)[1]:
            each.kill()


def hello(folder: Path) -> Terminal:
    """A Textual app of one line, for comparison."""
    (folder / "hello.py").write_text(HELLO)
    return Terminal([sys.executable, "hello.py"], folder)


def hello_paint(folder: Path) -> tuple[float, int]:
    """Seconds until a hello-world app has painted its line, and its memory half a second later."""
    terminal = hello(folder)
    return _painted(terminal, "hello, world")


def first_paint(command: Sequence[str], folder: Path, text: str) -> tuple[float, int]:
    """Seconds until a program has painted this text, and its memory half a second later."""
    return _painted(Terminal(command, folder), text)


def _painted(terminal: Terminal, text: str) -> tuple[float, int]:
    try:
        seconds = terminal.wait_for(text) - terminal.began
        time.sleep(0.5)
        return seconds, terminal.memory()
    finally:
        terminal.end(signal.SIGKILL)
