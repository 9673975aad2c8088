"""Places behind commands: the standard input and output of each is the line, and its end tells the end."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pyalma_tui.errors import UsageError
from pyalma_tui.model.printable import printable
from pyalma_tui.runner.workers.engines.on import NOTHING, Site

FIRST, LONGEST = 1.0, 60.0  # seconds until a command that has ended is called again
STUBBORN = 5.0  # seconds after SIGTERM until a command is killed
CHUNK = 1 << 20  # bytes read at a time
SAID = 4096  # bytes of what a command has written last to its standard error


class Channel:
    """One command, and the line through it."""

    def __init__(self, site: Site, state_dir: Path) -> None:
        """Start it; raises OSError."""
        self.site = site
        place = [sys.executable, "-P", "-m", "pyalma_tui.place", str(state_dir)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the command
        try:
            self._process = subprocess.Popen(
                [*site.command, *([shlex.join(place)] if site.joined else place)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl+C is ours to handle
                bufsize=0,
            )
        except BaseException:
            self._errors.close()
            raise
        assert self._process.stdin is not None, "we have asked for it"
        assert self._process.stdout is not None, "we have asked for it"
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        for fd in (self._in, self._out):
            os.set_blocking(fd, False)
        self._unsent = b""
        self._ended_at = 0.0  # when it was asked to end, by time.monotonic

    def fileno(self) -> int:
        """Readable when something has come."""
        return self._out

    def send(self, data: bytes = b"") -> None:
        """Send this, and what could not be sent before, as far as it can be; a closed line shows elsewhere."""
        self._unsent += data
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._in, self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""

    def receive(self) -> bytes | None:
        """All that has come, b"" if nothing has, None once nothing can come any more."""
        chunks: list[bytes] = []
        while True:
            try:
                data = os.read(self._out, CHUNK)
            except BlockingIOError:
                return b"".join(chunks)
            except OSError:
                data = b""
            if not data:
                return b"".join(chunks) if chunks else None
            chunks.append(data)

    def close(self) -> None:
        """Let go of the line, and let the command end."""
        if self._ended_at:
            return
        self._ended_at = time.monotonic()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def is_over(self, now: float) -> bool:
        """Whether the command has ended after `close`; one that does not is made to, and given up if it cannot be."""
        if not self._ended_at:
            return False
        if self.has_ended or now >= self._ended_at + STUBBORN + 1.0:
            self._errors.close()
            return True
        if now >= self._ended_at + STUBBORN:
            self._process.kill()
        elif now >= self._ended_at + 1.0:
            self._process.terminate()
        return False

    @property
    def has_ended(self) -> bool:
        """Whether the command has ended."""
        return self._process.poll() is not None

    def why(self) -> str:
        """What is known of its end: exit code, last words."""
        code = self._process.poll()
        how = "it has closed its output" if code is None else f"exit code {code}"
        try:
            end = os.fstat(self._errors.fileno()).st_size
            said = os.pread(self._errors.fileno(), SAID, max(0, end - SAID)).decode("utf-8", "replace").split("\n")
        except (OSError, ValueError):
            said = []
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return f"{how}: {printable(last)}" if last else how


class Engine:
    """Calls the commands of sites as often as there is need, and again when they have ended."""

    def __init__(self, sites: Iterable[Site], state_dir: Path) -> None:
        """Raises UsageError if a command is not there."""
        self._sites = list(sites)
        self._state_dir = state_dir
        for site in self._sites:
            if shutil.which(site.command[0]) is None:
                raise UsageError(f"--on: {site.command[0]}: not found on this machine. {NOTHING}")
        self._channels: list[Channel] = []
        self._pause = dict.fromkeys([site.name for site in self._sites], FIRST)
        self._next = dict.fromkeys([site.name for site in self._sites], 0.0)  # by site, of time.monotonic

    def open(self, wanted: int, now: float) -> tuple[list[Channel], list[str]]:
        """Open what so many workers need; the new channels, and what could not be opened."""
        for channel in list(self._channels):
            if channel.is_over(now):
                self._channels.remove(channel)
        new: list[Channel] = []
        refused: list[str] = []
        for site in self._sites:
            there = sum(channel.site is site for channel in self._channels)
            missing = max(0, -(-wanted // site.slots) - there) if site.many else int(wanted > 0 and not there)
            if not missing or now < self._next[site.name]:
                continue
            try:
                opened = [Channel(site, self._state_dir) for _ in range(missing)]
            except OSError as error:
                refused.append(f"{site.name}: {error.strerror or error}")
                self.ended(site, now, well=False)
                continue
            self._channels += opened
            new += opened
        return new, refused

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        """A place has ended, which had come or not: in how many seconds the next one may come."""
        pause = self._pause[site.name]
        self._pause[site.name] = FIRST if well else min(LONGEST, pause * 2)
        self._next[site.name] = now + (FIRST if well else pause)
        return FIRST if well else pause

    def has_let_go(self, now: float) -> bool:
        """Let all commands end, and see to that; whether they have. Asked at each tick until it is so."""
        for channel in self._channels:
            channel.close()
        self._channels = [channel for channel in self._channels if not channel.is_over(now)]
        return not self._channels
