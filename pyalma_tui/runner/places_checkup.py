"""Looking at places without an experiment: each is led to, asked what is there and how quick it is, and let go."""

from __future__ import annotations

import select
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model import afar
from pyalma_tui.model import messages as m
from pyalma_tui.model.words import plural, span
from pyalma_tui.runner.checkup import Finding
from pyalma_tui.runner.workers.engines.choosing import engine_of
from pyalma_tui.runner.workers.engines.engine import Engine
from pyalma_tui.runner.workers.engines.on import Site
from pyalma_tui.runner.workers.notes import stranger
from pyalma_tui.runner.workers.place import Place, refusal
from pyalma_tui.store import layout
from pyalma_tui.store.leases import USUAL, Leases
from pyalma_tui.store.lock import Lock

TOPIC = "place"
PATIENCE = 60.0  # seconds in which a place comes, or is not waited for
ASKED = 5  # round trips, of which the shortest counts
SAVING = 0.3  # seconds of saves in each way
OFF = 1.0  # seconds that clocks may differ by before times in reports look wrong


def look_at_places(on: str, folder: Path, patience: float = PATIENCE) -> Iterator[Finding]:
    """What each place that `on` names is like, in the order in which they come.

    For it a directory is made in the folder, or the nearest that exists, and removed.
    """
    while not folder.is_dir():
        folder = folder.parent
    try:
        with _a_state(folder) as (state_dir, leases):
            engine = engine_of(on, state_dir)
            try:
                yield from _Visit(engine, state_dir, leases).findings(time.monotonic() + patience)
            finally:
                while not engine.has_let_go(time.monotonic()):
                    time.sleep(0.02)
                leases.close(over=True)
    except PyalmaError as error:
        yield Finding(TOPIC, error.message, code=error.exit_code)
    except OSError as error:
        yield Finding(TOPIC, f"{error.filename or folder}: {error.strerror}", "let us write there, or --state DIR", 3)


@contextmanager
def _a_state(folder: Path) -> Iterator[tuple[Path, Leases]]:
    """A state directory with a lock that is held, and no experiment in it."""
    state_dir = Path(tempfile.mkdtemp(prefix=".pyalma-tui-doctor-", dir=folder)).absolute()
    try:
        layout.journal(state_dir).mkdir()
        lock = Lock(state_dir, time.time())
        try:
            yield state_dir, Leases(state_dir, USUAL)
        finally:
            lock.close()
    finally:
        shutil.rmtree(state_dir, ignore_errors=True)


class _Visit:
    """One look at each place."""

    def __init__(self, engine: Engine, state_dir: Path, leases: Leases) -> None:
        self._engine, self._state_dir, self._leases = engine, state_dir, leases
        self._asked: dict[Place, float] = {}  # when it was asked last what time it is
        self._trips: dict[Place, list[tuple[float, float]]] = {}  # seconds there and back, and how far its clock is off

    def findings(self, deadline: float) -> Iterator[Finding]:
        """One for each place, when it is known."""
        while (opened := self._engine.look(time.monotonic())) is None:
            if time.monotonic() >= deadline:
                yield Finding(TOPIC, f"no place is known after {span(PATIENCE)}", "its cluster may have none now", 2)
                return
            time.sleep(0.05)
        channels, refused = opened
        yield from (Finding(TOPIC, why, code=2) for why in refused)
        places = [Place(channel, self._leases.seconds) for channel in channels]
        poll = select.poll()
        for place in places:
            self._trips[place] = []
            poll.register(place.channel, select.POLLIN)
            place.send(afar.Hello(str(self._state_dir), self._leases.seconds))
        while places and (left := deadline - time.monotonic()) > 0:
            poll.poll(min(left, 0.1) * 1000)
            for place in list(places):
                place.push()
                if (found := self._listen(place)) is not None:
                    places.remove(place)
                    poll.unregister(place.channel)
                    place.dismiss("it was looked at")
                    yield found
        for place in places:
            where = place.name if place.here is not None else _waited_for(place.channel.site)
            yield Finding(TOPIC, f"{where}: nothing has come of it for {span(PATIENCE)}", "it may wait in a queue")

    def _listen(self, place: Place) -> Finding | None:
        try:
            messages = place.receive()
        except msgspec.DecodeError:
            return Finding(TOPIC, stranger(place), code=2)
        for message in messages:
            if (found := self._take(place, message)) is not None:
                return found
        if place.lost and place.is_explained:
            return Finding(TOPIC, f"{place.name} has not come ({place.channel.why()})", code=2)
        return None

    def _take(self, place: Place, message: afar.FromPlace) -> Finding | None:
        match message:
            case afar.RenewLease(stamp):
                self._leases.grant()
                place.send(afar.Granted(stamp))
            case afar.Here():
                place.here = message
                if why := refusal(message, self._leases.token):
                    return Finding(TOPIC, f"{place.name} cannot be used: {why}", code=2)
                self._ask(place, 0.0)
            case afar.Tried(why=why) if why:
                return Finding(TOPIC, f"{place.name}: {why}", "let us write there", 3)
            case afar.Tried(saves=saves) if saves:
                return self._told(place, message)
            case afar.Tried(at):
                trip = time.monotonic() - self._asked[place]
                self._trips[place].append((trip, at - (time.time() - trip / 2)))
                self._ask(place, SAVING if len(self._trips[place]) >= ASKED else 0.0)
            case afar.Bye() | afar.Going() | m.LoadFailed():
                return Finding(TOPIC, f"{place.name} has ended before it was looked at", "try it again", 2)
        return None

    def _ask(self, place: Place, seconds: float) -> None:
        self._asked[place] = time.monotonic()
        place.send(afar.Try(seconds))

    def _told(self, place: Place, tried: afar.Tried) -> Finding:
        here = place.here
        assert here is not None, "it was asked after it had said so"
        trip, off = min(self._trips[place])
        facts = (
            f"pyalma-tui {here.version}, Python {here.python}",
            plural(here.processors, "processor"),
            "sees the directory and its lock",
            f"clock {abs(off):.1f} s {'ahead' if off > 0 else 'behind'}",
            f"round trip {trip * 1000:.1f} ms",
            f"{tried.saves:,.0f} saves/s, {tried.synced:,.0f} with --sync fsync",
            *([f"ends in {span(here.left)}"] if here.left else []),
        )
        advice = "times in logs and reports differ by that; let NTP set it" if abs(off) > OFF else ""
        return Finding(TOPIC, f"{place.name}: {', '.join(facts)}", advice)


def _waited_for(site: Site) -> str:
    return f"{site.name} ({' '.join(site.command)})" if site.many else site.name
