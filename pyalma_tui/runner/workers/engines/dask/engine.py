"""The runner's side of a Dask cluster: channels, and the bridge behind them."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pyalma_tui.errors import UsageError
from pyalma_tui.model import jsontext
from pyalma_tui.model.printable import printable
from pyalma_tui.runner.workers.engines.advice import NO_PACKAGE
from pyalma_tui.runner.workers.engines.dask import words as w
from pyalma_tui.runner.workers.engines.engine import Channel
from pyalma_tui.runner.workers.engines.line import Line
from pyalma_tui.runner.workers.engines.on import NOTHING, Cluster, Site
from pyalma_tui.runner.workers.engines.pacing import AGAIN, Pacing

STUBBORN = 8.0  # seconds after which a bridge is killed that has nothing more to do
EXTRA = "distributed is not installed: pip install 'pyalma-tui[dask]'"
EVERYWHERE = 1 << 30  # more workers than any cluster has room for
_message = jsontext.decoder(w.FromBridge)


class DaskChannel(Line):
    """A socket, of which the bridge has the other end."""

    def __init__(self, site: Site, ours: socket.socket, hear: Callable[[], None], close: Callable[[], None]) -> None:
        self.site = site
        self.ended: w.Ended | None = None
        self.closed = False
        self._sockets = ours, ours.dup()  # as reading and writing are waited for one by one
        self._hear, self._close = hear, close
        super().__init__(*(each.fileno() for each in self._sockets))

    def close(self) -> None:
        """Let go of the line, and let the place end."""
        if not self.closed:
            self.closed = True
            self.let_go()
            for each in self._sockets:
                each.close()
            self._close()

    @property
    def has_ended(self) -> bool:
        """Whether the bridge has said how it ended."""
        self._hear()
        return self.ended is not None

    def why(self) -> str:
        """What is known of its end, and what to do."""
        self._hear()
        if self.ended is None:
            return "the line to it was cut"
        how = ": ".join(printable(part) for part in (self.ended.how, self.ended.said) if part)
        lacks = NO_PACKAGE.search(how.lower())
        return f"{how}; install this version of pyalma-tui for the Python of its dask worker" if lacks else how


class Bridge:
    """The process with the client of the cluster, and what it says; no method waits."""

    def __init__(self, cluster: str, state_dir: Path) -> None:
        """Start it; raises OSError."""
        self._ours, theirs = socket.socketpair()
        with theirs:
            program = [sys.executable, "-P", "-m", f"{__package__}.bridge", cluster, str(state_dir)]
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
            self._process = subprocess.Popen(
                program,
                stdin=theirs.fileno(),
                stdout=self._errors,
                stderr=self._errors,
                start_new_session=True,  # Ctrl+C is ours to handle
            )
        self._ours.setblocking(False)
        self._pending = b""
        self._unsaid: deque[tuple[bytes, socket.socket | None]] = deque()
        self._left_at = 0.0

    def say(self, message: w.ToBridge, given: socket.socket | None = None) -> None:
        """Tell it, and give it a socket with that, which is not ours any more."""
        self._unsaid.append((jsontext.encode(message) + b"\n", given))
        self.flush()

    def flush(self) -> None:
        """Tell what could not be told before, as far as it can be; that it has ended shows elsewhere."""
        with suppress(OSError):
            while self._unsaid:
                line, given = self._unsaid[0]
                sent = socket.send_fds(self._ours, [line], [given.fileno()] if given is not None else [])
                if given is not None:
                    given.close()
                if sent < len(line):
                    self._unsaid[0] = line[sent:], None
                else:
                    self._unsaid.popleft()

    def hear(self) -> tuple[list[w.FromBridge], bool]:
        """What it has said, and whether nothing can come any more."""
        closed = False
        while True:
            try:
                data = self._ours.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if closed := not data:
                break
            self._pending += data
        *lines, self._pending = self._pending.split(b"\n")
        return [_message(line) for line in lines], closed

    @property
    def last_words(self) -> str:
        """What it has written last to its standard error."""
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]

    def is_over(self, now: float) -> bool:
        """Let it end; whether it has, or was given up."""
        self._ours.close()
        self._left_at = self._left_at or now
        if self._process.poll() is None:
            if now < self._left_at + STUBBORN:
                return False
            self._process.kill()
            if now < self._left_at + STUBBORN + 1.0:
                return False
        self._errors.close()
        for _, given in self._unsaid:
            if given is not None:
                given.close()
        self._unsaid.clear()
        return True


class DaskEngine:
    """One place at a dask worker, at as many of them as workers ask for."""

    def __init__(self, cluster: Cluster, state_dir: Path) -> None:
        """Raises UsageError if distributed is not installed."""
        if importlib.util.find_spec("distributed") is None:
            raise UsageError(f"--on {cluster.on}: {EXTRA}. {NOTHING}")
        self._cluster = cluster
        self._state_dir = state_dir
        self._site = Site(cluster.on, ())  # for the pauses between bridges
        self._pacing = Pacing([self._site])
        self._bridge: Bridge | None = None
        self._old: list[Bridge] = []
        self._number = 0
        self._channels: dict[int, DaskChannel] = {}
        self._workers: tuple[str, ...] | None = None
        self._refused: list[str] = []

    def open(self, wanted: int, now: float) -> tuple[list[Channel], list[str]]:
        """Open what so many workers need; the new channels, and why none can be opened."""
        self._tend(now)
        if self._bridge is None and wanted > 0 and self._pacing.is_due(self._site, now):
            self._start(now)
        new: list[Channel] = []
        missing = -(-wanted // self._cluster.slots) - sum(not each.closed for each in self._channels.values())
        taken = {channel.site.name for channel in self._channels.values()}
        for address in self._workers or ():
            site = Site(address, ("dask", address), self._cluster.slots, many=True)
            if missing > 0 and address not in taken and self._pacing.is_due(site, now):
                missing -= 1
                new.append(self._open(site))
        refused, self._refused = self._refused, []
        return new, refused

    def look(self, now: float) -> tuple[list[Channel], list[str]] | None:
        """One at each dask worker, as soon as they are known."""
        new, refused = self.open(EVERYWHERE, now)
        if not self._workers and not refused:
            return None
        return new, [why.partition(AGAIN)[0] for why in refused]

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        """A place has ended, which had come or not: in how many seconds the next one may come, 0.0 for never."""
        if site.name not in (self._workers or ()):
            return 0.0
        return self._pacing.ended(site, now, well=well)

    def has_let_go(self, now: float) -> bool:
        """Let all places end, and the bridge; whether that has."""
        for channel in list(self._channels.values()):
            channel.close()
        if self._bridge is not None:
            self._bridge.flush()
            self._old.append(self._bridge)
            self._bridge = None
        self._old = [each for each in self._old if not each.is_over(now)]
        return not self._old

    def _start(self, now: float) -> None:
        try:
            self._bridge = Bridge(self._cluster.where, self._state_dir)
        except OSError as error:
            self._give_up(f"no process can be started: {error.strerror}", now)

    def _open(self, site: Site) -> DaskChannel:
        assert self._bridge is not None, "it has told of the dask worker"
        bridge, number = self._bridge, self._number + 1
        ours, theirs = socket.socketpair()
        channel = DaskChannel(site, ours, self._hear, lambda: bridge.say(w.Close(number)))
        self._number, self._channels[number] = number, channel
        bridge.say(w.Open(number, site.name), theirs)
        return channel

    def _tend(self, now: float) -> None:
        self._hear()
        if self._bridge is not None:
            self._bridge.flush()
        self._old = [each for each in self._old if not each.is_over(now)]
        for number, channel in list(self._channels.items()):
            if channel.closed and channel.ended is not None:
                del self._channels[number]

    def _hear(self) -> None:
        if self._bridge is None:
            return
        messages, closed = self._bridge.hear()
        for message in messages:
            self._take(message)
        if closed and self._bridge is not None:
            said = self._bridge.last_words
            self._lose("its bridge ended" + f": {printable(said)}" * bool(said))

    def _take(self, message: w.FromBridge) -> None:
        match message:
            case w.Workers(addresses):
                self._pacing.forget(set(self._workers or ()) - set(addresses))
                self._workers = addresses
                if not addresses:
                    self._refused.append(f"{self._cluster.on} has no workers; what is to run waits for some")
            case w.Ended(number):
                self._channels[number].ended = message
            case w.Failed(why):
                self._lose(why)

    def _lose(self, why: str) -> None:
        """The bridge ends, or has; what its channels led to has a lease."""
        assert self._bridge is not None, "it was heard"
        self._old.append(self._bridge)
        self._bridge = None
        for number, channel in self._channels.items():
            channel.ended = channel.ended or w.Ended(number, why)
        self._give_up(why, time.monotonic())

    def _give_up(self, why: str, now: float) -> None:
        again = self._pacing.ended(self._site, now, well=self._workers is not None)
        self._workers = None
        self._refused.append(f"{self._cluster.on} is not used: {why}{AGAIN} in {again:.0f} s")
