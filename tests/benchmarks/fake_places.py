"""Places that call nothing: one process says, over a line to each, all that real ones with busy runs would say."""

from __future__ import annotations

import heapq
import os
import platform
import selectors
import signal
import socket
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import msgspec

from pyalma_tui import __version__
from pyalma_tui.model import afar, jsontext
from pyalma_tui.model import messages as m
from pyalma_tui.model.records import Record, Saved, Started, Stopped
from pyalma_tui.place.relay import ASKS
from pyalma_tui.runner.workers.engines.engine import Channel
from pyalma_tui.runner.workers.engines.line import Line
from pyalma_tui.runner.workers.engines.on import Site
from pyalma_tui.store.leases import now, read_lease
from pyalma_tui.store.segment import line_of

LOAD = m.Load(24_000_000, 0.99)
_message = jsontext.decoder(afar.ToPlace)


class SocketLine(Line):
    """Fulfils `engine.Channel` by one end of a pair of sockets."""

    has_ended = True

    def __init__(self, site: Site, end: socket.socket) -> None:
        self._ends = end, end.dup()  # as reading and writing are waited for one by one
        super().__init__(*(each.fileno() for each in self._ends))
        self.site = site

    def why(self) -> str:
        """Nothing is known."""
        return "it has ended"

    def close(self) -> None:
        """Let go of it."""
        for each in self._ends:
            each.close()


class FakeEngine:
    """Fulfils `engine.Engine`: a place of one worker at the other end of each pair."""

    def __init__(self, ends: Sequence[socket.socket]) -> None:
        self._lines = [SocketLine(Site(f"node{number}", ("fake",)), end) for number, end in enumerate(ends, 1)]
        self._opened = 0

    def open(self, wanted: int, now: float) -> tuple[list[Channel], list[str]]:
        """As many as are wanted, each once."""
        before, self._opened = self._opened, max(self._opened, min(wanted, len(self._lines)))
        return list[Channel](self._lines[before : self._opened]), []

    def look(self, now: float) -> tuple[list[Channel], list[str]]:
        """All."""
        return self.open(len(self._lines), now)

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        """It does not come again."""
        return 60.0

    def has_let_go(self, now: float) -> bool:
        """They have."""
        for line in self._lines:
            line.close()
        return True


class FakePlace:
    """What one place has said, and has been told."""

    def __init__(self, number: int, end: socket.socket, server: Server) -> None:
        self.end = end
        self.renewal = 0.0  # seconds between two of its lease
        self.is_over = False
        self._number = number
        self._server = server
        self._pending = b""
        self._code = ""
        self._segment, self._position = "", 0
        self._worker = 0
        self._active: tuple[int, int] | None = None
        self._saves = 0
        self._began = 0.0

    def listen(self) -> bool:
        """Carry out what has come; whether more may come."""
        data = self.end.recv(1 << 16)
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._carry_out(_message(line))
        return bool(data)

    def renew(self) -> None:
        """Ask for another lease."""
        self._say(afar.RenewLease(now()))

    def save(self) -> None:
        """Tell that the run has saved, if there is one."""
        if self._active is not None:
            self._saves += 1
            elapsed = int((time.monotonic() - self._began) * 1000)
            self._tell(Saved(*self._active, self._saves, elapsed, msgspec.Raw(b'"%d"' % self._saves)))

    def _carry_out(self, message: afar.ToPlace) -> None:
        match message:
            case afar.Hello(state_dir, lease):
                kept = read_lease(Path(state_dir))
                assert kept is not None, "its runner has written it"
                python = platform.python_version()
                self._say(afar.Here(f"node{self._number}", 1, 1, python, __version__, kept.token, locked=True))
                self.renewal = lease / ASKS
                self._server.comes(self)
            case afar.LoadModule(code=code):
                self._code = Path(code).stem  # a copy is named by its hash
                self._say(m.Loaded(self._code, has_done=False, instances=None))
            case afar.Hire(worker, segment=segment):
                self._worker, self._segment, self._position = worker, segment, 0
                self._say(m.Born(worker, os.getpid()), afar.Answered(worker, m.Serving()))
            case afar.Give(order=m.RunOrder(run, attempt)):
                self._active, self._saves, self._began = (run, attempt), 0, time.monotonic()
                self._tell(Started(run, attempt, 0, time.time(), self._code, os.getpid(), f"node{self._number}"))
            case afar.Give(worker, m.Exit()):
                self._worker = 0
                self._say(m.Gone(worker, 0))
            case m.Ask(worker, m.InterruptAttempt(run, attempt)) if self._active == (run, attempt):
                self._server.told.send(f"{time.monotonic()}\n".encode())
                self.save()
                self._tell(Stopped(run, attempt, time.monotonic() - self._began, time.time(), "interrupted"))
                self._active = None
                self._say(afar.Answered(worker, m.Ended(run, attempt)))
            case m.Measure():
                self._say(m.Measured({self._worker: LOAD}))
            case m.End() | afar.Kill():
                self.is_over = True
                self._say(*[m.Gone(self._worker, 0)] * bool(self._worker), afar.Bye())

    def _tell(self, record: Record) -> None:
        line = line_of(record)
        self._position += len(line)
        self._say(afar.Told(self._worker, self._segment, self._position, [line[:-1].decode()]))

    def _say(self, *messages: afar.FromPlace) -> None:
        self.end.sendall(b"".join(jsontext.encode(each) + b"\n" for each in messages))


class Server:
    """All places, in one thread. `told` is where it says when an interrupt has come, and hears how often runs save."""

    def __init__(self, ends: Sequence[socket.socket], told: socket.socket) -> None:
        self.told = told
        self._every = 1.0  # seconds between two saves of a run
        self._places = [FakePlace(number, end, self) for number, end in enumerate(ends, 1)]
        self._due: list[tuple[float, int, FakePlace, bool]] = []  # when who renews its lease, or saves
        self._serial = count()

    def comes(self, place: FakePlace) -> None:
        """It is there: from now on it renews its lease, and saves."""
        self._plan(time.monotonic(), place, renews=True)
        self._plan(time.monotonic(), place, renews=False)

    def _plan(self, at: float, place: FakePlace, *, renews: bool) -> None:
        heapq.heappush(self._due, (at, next(self._serial), place, renews))

    def serve(self) -> None:
        """Until the runner is gone."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        selector = selectors.DefaultSelector()
        selector.register(self.told, selectors.EVENT_READ)
        for place in self._places:
            selector.register(place.end, selectors.EVENT_READ, place)
        while True:
            pause = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, _ in selector.select(pause):
                if key.data is not None and not key.data.listen():
                    selector.unregister(key.fileobj)
                elif key.data is None and not self._hear():
                    return
            self._do_what_is_due(time.monotonic())

    def _hear(self) -> bool:
        try:
            said = self.told.recv(100)
        except ConnectionResetError:  # it has not read all that it was told
            said = b""
        if not said:
            return False
        self._every = float(said)
        renewals = [each for each in self._due if each[3]]
        self._due.clear()
        for each in renewals:
            self._plan(each[0], each[2], renews=True)
        start, share = time.monotonic(), self._every / len(self._places)
        for number, place in enumerate(self._places):  # never all at once
            self._plan(start + number * share, place, renews=False)
        return True

    def _do_what_is_due(self, moment: float) -> None:
        while self._due and self._due[0][0] <= moment:
            at, _, place, renews = heapq.heappop(self._due)
            if place.is_over:
                continue
            if renews:
                place.renew()
            else:
                place.save()
            self._plan(at + (place.renewal if renews else self._every), place, renews=renews)
