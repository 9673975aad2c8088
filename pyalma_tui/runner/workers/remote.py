"""Workers on other hosts: all places together are one agent, whose workers wait until a place has room for them."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from signal import Signals

import msgspec
from msgspec.structs import replace

from pyalma_tui.model import afar
from pyalma_tui.model import messages as m
from pyalma_tui.model.ending import HOST_LOST
from pyalma_tui.model.words import plural
from pyalma_tui.runner.workers.engines.engine import Channel, Engine
from pyalma_tui.runner.workers.notes import Notes, absent, ends, mute, safe_until, stranger, unheard
from pyalma_tui.runner.workers.place import Place
from pyalma_tui.runner.workers.placing import Placing
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Assignment, Said, Service, Taken, Unheard
from pyalma_tui.runner.workers.reception import Reception
from pyalma_tui.store.leases import Leases

UNNEEDED = "it was not needed"
NOT_BEGUN = "it was not begun"


class Places:
    """Fulfils `protocol.Agent`. What a place tells of segments comes in the order in which the place has said it."""

    tells = True

    def __init__(
        self, engine: Engine, load: afar.LoadModule, loaded: m.Loaded, leases: Leases, log_of: Callable[[int], Path]
    ) -> None:
        """`load` is what each place is to do, `loaded` what came of it here; `log_of` is the log of the n-th import."""
        self.loaded: m.Loaded | None = loaded
        self._engine = engine
        self._leases = leases
        self._places: list[Place] = []
        self._placing = Placing()
        self._events: list[AgentEvent] = []
        self._notes = Notes(self._events)
        self._reception = Reception(load, loaded, leases, log_of, self._notes)
        self._pace = 0.0  # seconds that a run takes to its first save
        self._ending = self._ended = False
        self._selector = selectors.DefaultSelector()
        self._full: set[Place] = set()  # those whose line takes no more for now

    @property
    def host(self) -> str:
        """This one: those of workers are told with them."""
        return socket.gethostname()

    @property
    def label(self) -> str:
        """How many there are."""
        return plural(len(self._places), "place")

    def serve(self, service: Service) -> None:
        """Each place is told so when it loads the module."""
        self._reception.serve(service)

    def come(self) -> None:
        """Say that the module is loaded, to a runner that has asked for another agent."""
        assert self.loaded is not None, "it was loaded by the first"
        self._events.append(replace(self.loaded, unforkable=""))

    def fileno(self) -> int:
        """Readable when anything has come from a place."""
        return self._selector.fileno()

    # --- workers -----------------------------------------------------------------------------------------------------

    def start(self, worker: int, assignment: Assignment) -> None:
        """Start a worker as soon as a place has room for it."""
        self._placing.wait(worker, assignment)
        self._placing.assign(self._places)

    def order(self, worker: int, order: m.Order) -> None:
        """Let its place pass it on, if that has the time for a run; one that waits and is not needed is gone."""
        if (place := self._placing.of(worker)) is not None:
            if isinstance(order, m.RunOrder) and not place.is_open:
                place.send(afar.Give(worker, m.Exit()))
                self._placing.part(worker)
                self._events.append(Taken(worker, NOT_BEGUN))
            else:
                place.send(afar.Give(worker, order))
        elif isinstance(order, m.Exit) and self._placing.give_up(worker):
            self._events.append(m.Gone(worker, 0))

    def order_ahead(self, worker: int, order: m.RunOrder) -> bool:
        """Never: from another host it could not be taken back at once."""
        return False

    def recall(self, worker: int) -> bool:
        """Nothing lies ready."""
        return True

    def ask(self, worker: int, request: m.Request) -> None:
        """Let its place pass it on."""
        if (place := self._placing.of(worker)) is not None:
            place.send(m.Ask(worker, request))

    def signal(self, worker: int, number: Signals, *, group: bool = False) -> None:
        """Let its place send it."""
        if (place := self._placing.of(worker)) is not None:
            self._placing.signalled(worker)
            place.send(m.Signal(worker, number, group))

    def measure(self) -> None:
        """Ask each place for its loads."""
        for place in self._places:
            if place.workers:
                place.send(m.Measure())

    def expect(self, pace: float) -> None:
        """Begin nothing where less time is left than that."""
        self._pace = pace

    def end(self) -> None:
        """Tell all that there is no more work."""
        self._finish(m.End())

    def kill(self) -> None:
        """Let each place end all that it has at once; of those that do not hear it the lease is waited for."""
        self._finish(afar.Kill())

    def _finish(self, message: m.End | afar.Kill) -> None:
        self._ending = True
        for place in self._places:
            if place.here is None:  # it may come in hours, and has nothing
                self._stop_listening(place)
                place.lose()
            else:
                place.send(message)

    def close(self) -> None:
        """Let go of all places; nothing of them lives any more, or the file of leases tells how long it may."""
        for place in self._places:
            place.channel.close()
        self._selector.close()
        self._leases.close(over=all(place.is_over for place in self._places))

    # --- what happens ------------------------------------------------------------------------------------------------

    def receive(self) -> list[AgentEvent]:
        """What has come, of each place in the order in which it said it."""
        for key, ready in self._selector.select(0):
            if ready & selectors.EVENT_WRITE:
                self._push(key.data)
            else:
                self._listen(key.data)
        if self._ending:
            self._tend()
        events = list(self._events)
        self._events.clear()
        return events

    def tend(self) -> bool:
        """Open places that are wanted, take leave of those that are over, and see which are lost."""
        self._tend()
        return bool(self._events)

    def _tend(self) -> None:
        now = time.monotonic()
        awaited = self._placing.awaited(self._places)
        for place in list(self._places):
            self._push(place)
            if (place.is_late or place.is_silent(now)) and not place.lost:
                self._listen(place)  # what it has told comes before anything is decided about it
                if place.is_late and not place.lost:
                    self._lose(place)
            if place.is_over:
                if self._ending or place.is_explained:
                    self._forget(place, now)
                continue
            if place.is_mute(now):
                self._notes.once(mute(place))
            if place.falls_silent(now):
                self._wait_for(place, now)
            if place.nears_its_end(now, self._pace):
                self._notes.of_host(ends(place, now, self._pace))
            if place.is_idle(now, needed=place in awaited):
                self._give_back(place)
            for gone in place.take_blamed(now):
                self._placing.part(gone.worker)
                self._events.append(gone)
        if not self._ending:
            new, refused = self._engine.open(self._placing.wanted, now)
            for channel in new:
                self._greet(channel)
            for why in refused:
                self._notes.once(why)
        elif not self._places and not self._ended and self._engine.has_let_go(now):
            self._ended = True
            self._events += [m.Gone(worker, 0) for worker in self._placing.give_up_all()]
            self._events.append(AgentGone("has ended", 0))

    def _give_back(self, place: Place) -> None:
        """Let go of a place that is not needed; one that waits in a queue is to wait no more."""
        if place.here is None:
            place.unneeded = True
            self._stop_listening(place)
            place.lose()
        else:
            place.dismiss(UNNEEDED)

    def _greet(self, channel: Channel) -> None:
        place = Place(channel, self._leases.seconds)
        self._places.append(place)
        self._selector.register(channel, selectors.EVENT_READ, place)
        self._reception.greet(place)

    def _listen(self, place: Place) -> None:
        try:
            messages = place.receive()
        except msgspec.DecodeError:
            self._notes.once(stranger(place))
            place.refused = True
            place.lose()
            messages = []
        if messages and place.silent and not place.lost:
            place.silent = False
            self._notes.of_host(f"{place.name} is heard of again")
            self._events += [Unheard(worker, 0.0) for worker in sorted(place.workers)]
        for message in messages:
            self._take(place, message)
        self._placing.assign(self._places)  # there may be room now
        if place.lost and place.gone:
            self._stop_listening(place)
        elif place.lost:
            self._lose(place)

    def _take(self, place: Place, message: afar.FromPlace) -> None:
        match message:
            case afar.Told():
                place.told = True
                self._events.append(message)
            case afar.RenewLease(stamp):
                if self._reception.grant(place):
                    place.send(afar.Granted(stamp))
            case afar.Here():
                self._reception.take_in(place, message, ending=self._ending)
            case m.Loaded():
                self._reception.join(place, message)
            case m.LoadFailed(error):
                self._reception.refuse(place, f"the module could not be imported there: {error.message}")
            case m.TryLater(why):
                self._reception.refuse(place, f"no process can be started there: {why}")
            case afar.Answered(worker, reply):
                if isinstance(reply, m.Serving) or not place.going:  # else its end tells what becomes of it
                    self._events.append(Said(worker, reply))
            case m.Gone(worker) if self._placing.of(worker) is not place:  # it was sent away
                return
            case m.Gone(worker, code) if not self._ending and self._placing.may_follow(worker, code):
                place.killed.append((time.monotonic(), message))
            case m.Gone(worker):
                self._placing.part(worker)
                self._events.append(Taken(worker, place.taken) if place.going else message)
            case m.NotBorn(worker):
                self._placing.part(worker)
                self._events.append(message)
            case m.Born():
                self._events.append(replace(message, host=place.name))
            case m.Measured(loads):
                place.loads = loads
                self._events.append(m.Measured({w: load for each in self._places for w, load in each.loads.items()}))
            case afar.Going(why):
                place.going = why
                for _, gone in place.killed:
                    self._placing.part(gone.worker)
                    self._events.append(Taken(gone.worker, place.taken))
                place.killed.clear()
                if place.workers:
                    self._notes.of_host(f"{place.name} is taken away ({why}): what runs there goes on elsewhere")
            case afar.Tried():  # nobody has asked
                return
            case afar.Bye(why):
                place.gone, place.ready = True, False
                ended = f"its place on {place.name} ended" + f": the process {why}" * bool(why)
                self._take_away(place, ended, fell=bool(why) and not (place.going or self._ending))
            case _:
                self._events.append(message)

    # --- places that are none any more -------------------------------------------------------------------------------

    def _lose(self, place: Place) -> None:
        """Nothing is heard of it: what it runs is handed on when nothing of it can live any more."""
        place.lose()
        self._stop_listening(place)
        if place.here is not None and not place.silent:
            self._wait_for(place, time.monotonic())
        place.channel.close()

    def _wait_for(self, place: Place, now: float) -> None:
        self._notes.of_host(unheard(place, now))
        until = safe_until(place, now)
        self._events += [Unheard(worker, until) for worker in sorted(place.workers)]

    def _forget(self, place: Place, now: float) -> None:
        """Nothing of it lives any more."""
        self._stop_listening(place)
        place.channel.close()
        self._take_away(place, place.taken if place.going else f"{HOST_LOST}: {place.name}")
        self._places.remove(place)
        futile = place.refused or (not place.told and (place.served or place.ending))
        well = place.unneeded or (place.here is not None and not futile)
        again = self._engine.ended(place.channel.site, now, well=well)
        if place.here is None and not (self._ending or place.refused or place.unneeded):
            self._notes.once(absent(place, again))

    def _push(self, place: Place) -> None:
        """Send what waits for it, now and whenever there is room."""
        if place.push() == (place in self._full) or (way_out := place.channel.way_out) < 0:
            return
        if place in self._full:
            self._full.remove(place)
            self._selector.unregister(way_out)
        else:
            self._full.add(place)
            self._selector.register(way_out, selectors.EVENT_WRITE, place)

    def _stop_listening(self, place: Place) -> None:
        if place in self._full:
            self._full.remove(place)
            self._selector.unregister(place.channel.way_out)
        if place.channel.fileno() >= 0 and place.channel in self._selector.get_map():
            self._selector.unregister(place.channel)

    def _take_away(self, place: Place, why: str, *, fell: bool = False) -> None:
        for worker in sorted(place.workers):
            self._placing.part(worker)
            self._events.append(Taken(worker, why, fell))
