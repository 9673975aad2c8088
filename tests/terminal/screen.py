"""A terminal that a test looks at: the program in a pty, its bytes kept, and what they paint."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pexpect
import psutil
import pyte

from tests.prepared import SCREEN, prepared
from tests.terminal.pty import PtyProcess

KEYS = {"ctrl+c": "\x03", "enter": "\r", "escape": "\x1b", "down": "\x1b[B", "up": "\x1b[A", "end": "\x1b[F"}
HIDDEN = ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES")  # of the terminal that the tests run in
TITLES = {b"\x1b[22;2t": b"push", b"\x1b]2;": b"set", b"\x1b[23;2t": b"pop"}
FULL_SCREEN, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
ON_AT_FIRST = (7, 25)  # lines that wrap, a cursor that is seen; all other modes are off in a new terminal
PATIENCE = 30.0  # seconds: machines that run tests are busy


class Terminal:
    """`pyalma-tui ARGUMENTS` in a terminal of this size; `raw` are all bytes that it has written."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        columns: int = 100,
        lines: int = 30,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (),
        before: Callable[[], None] | None = None,
    ) -> None:
        """`program` is what is started with the arguments, if not ours; `before` is called in the new process."""
        self.raw = bytearray()
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        env = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        env |= {"TERM": "xterm-256color", "TZ": "UTC"} | dict(environment or {})
        loaded = prepared(env, SCREEN) if not program and before is None else None
        self.process: PtyProcess | pexpect.spawn[bytes]
        if loaded is not None:
            self.process = PtyProcess(loaded, arguments, folder, env, (lines, columns))
            return
        name, *words = program or (sys.executable, "-m", "pyalma_tui")
        self.process = pexpect.spawn(
            name,
            [*words, *arguments],
            cwd=folder,
            env=env,
            dimensions=(lines, columns),
            timeout=PATIENCE,
            preexec_fn=before,
            use_poll=True,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self.process.isalive():
            if error is not None:  # an experiment whose terminal goes away goes on
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            self.process.kill(signal.SIGKILL)
        self.process.close(force=True)

    def read(self) -> None:
        """Take in what the program has written since the last time, waiting a moment for more."""
        try:
            data = self.process.read_nonblocking(1 << 16, timeout=0.05)
        except pexpect.TIMEOUT:
            return
        assert isinstance(data, bytes)
        self.raw += data
        self._stream.feed(data)

    @property
    def pid(self) -> int:
        """The process id of the program: of the process that does everything, if the shell's only waits for it."""
        assert self.process.pid is not None
        try:
            children = psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            children = []
        inner = [child.pid for child in children if os.getpgid(child.pid) == self.process.pid]
        return inner[0] if inner else self.process.pid

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, true: Callable[[str], bool], why: str) -> str:
        """The screen as soon as this is true of its text."""
        deadline = time.monotonic() + PATIENCE
        while not true(self.text):
            if time.monotonic() > deadline:
                raise AssertionError(f"never seen: {why}\n{self.text}")
            try:
                self.read()
            except pexpect.EOF:
                if true(self.text):
                    break
                raise AssertionError(f"it ended before this was seen: {why}\n{self.text}") from None
        return self.text

    def see(self, *words: str) -> str:
        """The screen as soon as all of these are on it."""
        return self.wait(lambda text: all(word in text for word in words), " and ".join(words))

    def press(self, *keys: str) -> None:
        """Type keys; a name such as "ctrl+c", or the characters themselves."""
        for key in keys:
            self.process.send(KEYS.get(key, key))

    def resize(self, columns: int, lines: int) -> None:
        """Change the size, as a person does who drags the window."""
        self.screen.resize(lines, columns)
        self.process.setwinsize(lines, columns)

    def hang_up(self) -> None:
        """Drop the line: the terminal is gone, and the kernel sends SIGHUP to the program."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, self.process.child_fd)
        os.close(nowhere)

    def end(self) -> int:
        """Read to the end; the exit code, 128 + n for signal n."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.read()
            except pexpect.EOF:
                break
        if self.process.isalive() and time.monotonic() > deadline:
            raise AssertionError(f"it does not end\n{self.text}")
        self.process.wait()
        if self.process.signalstatus is not None:
            return 128 + int(self.process.signalstatus)
        return int(self.process.exitstatus or 0)

    def end_unseen(self) -> int:
        """Wait until a program has ended whose terminal has gone away; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.isalive():
            assert time.monotonic() < deadline, "it does not end"
            time.sleep(0.02)
        assert self.process.exitstatus is not None, f"it was killed by signal {self.process.signalstatus}"
        return int(self.process.exitstatus)

    def assert_restored(self) -> None:
        """The full screen was shown and is left, the cursor, the mouse, pasting and all other modes are as they were.

        The title is put back as often as it was kept. What has shown no full screen fails: it has nothing to restore.
        """
        modes = {int(mode): state == b"h" for mode, state in re.findall(rb"\x1b\[\?(\d+)([hl])", self.raw)}
        assert modes.get(1049) is False, "the full screen was never shown, or not left"
        changed = [mode for mode, on in modes.items() if on != (mode in ON_AT_FIRST)]
        assert not changed, f"modes {changed} are not as they were"
        titles = re.findall(rb"\x1b\[2[23];2t|\x1b\]2;", self.raw)
        assert re.fullmatch(b"((push)(set)+(pop))*", b"".join(map(TITLES.__getitem__, titles))), titles

    @property
    def titles(self) -> list[str]:
        """All titles that the terminal was given."""
        return [title.decode() for title in re.findall(rb"\x1b\]2;(.*?)(?:\x07|\x1b\\)", self.raw, re.DOTALL)]
