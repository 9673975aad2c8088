"""One place on another host, as the runner sees it, and whether it may be one."""

from __future__ import annotations

import platform
import time
from signal import Signals

import msgspec

from pyalma_tui import __version__
from pyalma_tui.model import afar, jsontext
from pyalma_tui.model import messages as m
from pyalma_tui.model.pieces import Incoming, Outgoing
from pyalma_tui.runner.workers.engines.engine import Channel
from pyalma_tui.store.leases import safe_after

KILLED = (-Signals.SIGKILL, -Signals.SIGTERM)  # exit codes of workers
LAST_WORDS = 1.0  # seconds that a command gets to end after its output has
IDLE = 10.0  # seconds without workers after which a place is given back to a scheduler
NO_TIME = "its time is nearly over"
SILENCE = 2 / 3  # of a lease without a word, after which it is told: a place asks six times in one
LONGEST_FIRST = 1 << 16  # bytes of the first line of a place; what goes on longer without an end is none of ours
MUTE = 60.0  # seconds in which a host that was reached says something, also one that is slow
OUTLIVED = 2.0  # seconds after the death of a worker in which a place dies that an engine kills with all that it has
URGENT = afar.Granted, afar.Kill  # what goes before whatever waits
_message = jsontext.decoder(afar.FromPlace)


class Place:
    """Owned by the runner thread; times of time.monotonic, which stands still when we sleep and leases go on."""

    def __init__(self, channel: Channel, lease: float) -> None:
        self.channel = channel
        self.here: afar.Here | None = None
        self.ready = False  # whether its agent has imported the module
        self.going = ""  # why nothing is to be begun there any more
        self.unneeded = False  # whether it has been that since before it came
        self.refused = False  # whether it was never to be one
        self.served = False  # whether it has ever had a worker
        self.told = False  # whether one has ever written anything there
        self.ends_at = float("inf")  # when its engine ends it
        self.ending = False  # whether that is so soon that nothing is begun there any more
        self.heard = time.monotonic()  # when it has said something last
        self.silent = False  # whether that was so long ago that it was told
        self.gone = False  # it has said goodbye: nothing of it runs
        self.lost = 0.0  # since when nothing can be heard of it, 0.0 if it can
        self.workers: set[int] = set()
        self.loads: dict[int, m.Load] = {}
        self.killed: list[tuple[float, m.Gone]] = []  # whose death may be the beginning of its own
        self._lease = lease
        self._idle_since: float | None = None
        self._granted = 0.0
        self._outgoing, self._incoming = Outgoing(), Incoming()
        self.said = b""  # the last line of it

    @property
    def name(self) -> str:
        """What it is called in notes."""
        return self.here.host if self.here is not None else self.channel.site.name

    @property
    def taken(self) -> str:
        """Why its runs stop when it goes."""
        return f"its place on {self.name} was taken away ({self.going})"

    @property
    def room(self) -> int:
        """How many more workers it takes now."""
        return self.channel.site.slots - len(self.workers) if self.is_open else 0

    @property
    def is_open(self) -> bool:
        """Whether something may be begun there."""
        return self.ready and not (self.going or self.gone or self.ending or self.silent or self.lost)

    @property
    def is_late(self) -> bool:
        """Whether it has not asked for its lease for so long that it must have ended."""
        return self.here is not None and not self.gone and time.monotonic() > self._granted + self._lease

    @property
    def safe_at(self) -> float:
        """When nothing of it can run any more."""
        return self._granted + safe_after(self._lease)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it can run any more."""
        return self.gone or bool(self.lost and (self.here is None or time.monotonic() >= self.safe_at))

    @property
    def is_explained(self) -> bool:
        """Whether all is known that can be told of its end: its output ends before its command, but not long before."""
        return self.here is not None or self.channel.has_ended or time.monotonic() >= self.lost + LAST_WORDS

    def is_silent(self, now: float) -> bool:
        """Whether nothing has been heard of it for long."""
        return self.here is not None and not self.gone and now - self.heard > SILENCE * self._lease

    def falls_silent(self, now: float) -> bool:
        """Whether it is silent, and was not yet."""
        begins = self.is_silent(now) and not (self.silent or self.lost)
        self.silent |= begins
        return begins

    def is_mute(self, now: float) -> bool:
        """Whether it was led to long ago by what waits in no queue, and has said nothing at all."""
        reached = self.channel.site.joined and self.here is None and not self.lost
        return reached and now - self.heard > MUTE

    def nears_its_end(self, now: float, pace: float) -> bool:
        """Whether its time is so nearly over that a run would hardly save once, and was not before.

        When nothing runs there any more it is given back.
        """
        begins = self.ready and not (self.ending or self.going) and now + pace >= self.ends_at
        self.ending |= begins
        if self.ending and not (self.workers or self.going):
            self.dismiss(NO_TIME)
        return begins

    def is_idle(self, now: float, *, needed: bool) -> bool:
        """Whether it has long been of no use, and another one comes from its engine when there is need.

        `needed` tells that there are workers for it when it has come.
        """
        comes = self.here is None and not self.lost
        if self.workers or needed or not (self.ready or comes) or self.going or not self.channel.site.many:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        return self._idle_since is not None and now - self._idle_since >= IDLE

    def may_follow(self, code: int) -> bool:
        """Whether a worker was killed by an engine that may be about to kill the place as well."""
        return code in KILLED and not self.going

    def take_blamed(self, now: float) -> list[m.Gone]:
        """Workers that were killed, and that their place has outlived: it has asked for its lease since, and later."""
        blamed = [gone for at, gone in self.killed if now >= at + OUTLIVED and self._granted > at]
        self.killed = [each for each in self.killed if each[1] not in blamed]
        return blamed

    def grant(self) -> None:
        """It may go on from now on, before it is told so: never is it counted from later than the place does."""
        self._granted = time.monotonic()

    def send(self, message: afar.ToPlace) -> None:
        """Tell it; that it is gone shows elsewhere."""
        if not self.lost:
            self._outgoing.put(jsontext.encode(message), urgent=isinstance(message, URGENT))
            self.push()

    def push(self) -> bool:
        """Send what waits, as far as it can be; whether something still does."""
        self.channel.send()
        while not self.channel.waits and (data := self._outgoing.take()):
            self.channel.send(data)
        return self.channel.waits

    def dismiss(self, why: str) -> None:
        """Let it end as soon as nothing runs there; one that has not come hears nothing."""
        self.going = why
        self.send(m.End())

    def receive(self) -> list[afar.FromPlace]:
        """What it has said; that nothing can come any more makes it lost, unless it has said goodbye.

        Raises msgspec.DecodeError for what is none of ours.
        """
        data = self.channel.receive()
        if data is None:
            self.lose()
            return []
        if data:
            self.heard = time.monotonic()
        messages: list[afar.FromPlace] = []
        for line in self._incoming.take(data):
            self.said = line
            messages.append(_message(line))
        if self.here is None and not messages and len(unfinished := self._incoming.unfinished) > LONGEST_FIRST:
            self.said = unfinished
            raise msgspec.DecodeError("no line ends")
        return messages

    def lose(self) -> None:
        """Nothing is heard of it any more."""
        self.lost = self.lost or time.monotonic()


def refusal(here: afar.Here, token: str) -> str:
    """Why this cannot be a place, and what to do, "" if it can; `token` is what our state directory says."""
    python = platform.python_version()
    if here.version != __version__:
        return f"pyalma-tui {here.version} is there, {__version__} here; install the same"
    if here.python.rpartition(".")[0] != python.rpartition(".")[0]:
        return f"Python {here.python} is there, {python} here; use the same"
    if here.why or here.token != token:
        why = here.why or "is another one there"
        return f"the state directory {why}; it has to be the same on all hosts, as over NFS; --state chooses it"
    if not here.locked:
        return "the lock of the state directory is not seen there; use a file system that keeps locks among hosts"
    if here.lacks:
        return f"its system lacks what ends a place in time: {here.lacks}"
    return ""
