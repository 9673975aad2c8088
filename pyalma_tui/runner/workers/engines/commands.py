"""Places behind commands: the standard input and output of each is the line, and its end tells the end."""

from __future__ import annotations

import errno
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
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.runner.workers.engines.advice import advice, complaint
from pyalma_tui.runner.workers.engines.engine import Channel
from pyalma_tui.runner.workers.engines.line import Line
from pyalma_tui.runner.workers.engines.on import NOTHING, Site
from pyalma_tui.runner.workers.engines.pacing import Pacing

STUBBORN = 5.0  # seconds after SIGTERM until a command is killed
INSTALL = "install it, or load its environment module"
LIMITS = "`ulimit -n` and `ulimit -u` tell what this machine allows"
SAID = 4096  # bytes of what a command has written last to its standard error


class CommandChannel(Line):
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
        super().__init__(self._process.stdin.fileno(), self._process.stdout.fileno())
        self._ended_at = 0.0  # when it was asked to end, by time.monotonic

    def close(self) -> None:
        """Let go of the line, and let the command end."""
        if self._ended_at:
            return
        self._ended_at = time.monotonic()
        self.let_go()
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
        """What is known of its end, and what to do: exit code, last words."""
        code = self._process.poll()
        how = "it has closed its output" if code is None else f"exit code {code}"
        try:
            end = os.fstat(self._errors.fileno()).st_size
            said = os.pread(self._errors.fileno(), SAID, max(0, end - SAID)).decode("utf-8", "replace")
        except (OSError, ValueError):
            said = ""
        last = complaint(said)
        do = advice(self.site, sys.executable, code, last)
        return f"{how}: {printable(last)}; {do}" if last else f"{how}; {do}"


class CommandEngine:
    """Calls the commands of sites as often as there is need, and again when they have ended."""

    def __init__(self, sites: Iterable[Site], state_dir: Path) -> None:
        """Raises UsageError if a command is not there."""
        self._sites = list(sites)
        self._state_dir = state_dir
        absent = [site.command[0] for site in self._sites if shutil.which(site.command[0]) is None]
        if absent and len(absent) == len(self._sites):  # else the others go on
            raise UsageError(f"--on: {absent[0]}: not found on this machine; {INSTALL}. {NOTHING}")
        self._channels: list[CommandChannel] = []
        self._pacing = Pacing(self._sites)

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
            if not missing or not self._pacing.is_due(site, now):
                continue
            try:
                for _ in range(missing):
                    channel = CommandChannel(site, self._state_dir)
                    self._channels.append(channel)
                    new.append(channel)
            except OSError as error:
                if error.errno == errno.EMFILE or is_shortage(error):  # for all sites alike
                    refused.append(f"no more places can be led to at the moment: {error.strerror}; {LIMITS}")
                    self.ended(site, now, well=False)
                    break
                absent = isinstance(error, FileNotFoundError)
                why = f"{site.command[0]}: not found on this machine; {INSTALL}" if absent else error.strerror or error
                refused.append(f"{site.name} is not used: {why}")
                self.ended(site, now, well=False)
        return new, refused

    def look(self, now: float) -> tuple[list[Channel], list[str]]:
        """One at each site: all are known."""
        return self.open(1, now)

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        """A place has ended, which had come or not: in how many seconds the next one may come."""
        return self._pacing.ended(site, now, well=well)

    def has_let_go(self, now: float) -> bool:
        """Let all commands end, and see to that; whether they have. Asked at each tick until it is so."""
        for channel in self._channels:
            channel.close()
        self._channels = [channel for channel in self._channels if not channel.is_over(now)]
        return not self._channels
