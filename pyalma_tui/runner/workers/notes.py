"""What the user is told of places: one line each, once."""

from __future__ import annotations

import math
import time

from pyalma_tui.model.printable import clip, printable
from pyalma_tui.model.words import plural, span
from pyalma_tui.runner.workers.engines.advice import tried
from pyalma_tui.runner.workers.engines.pacing import AGAIN
from pyalma_tui.runner.workers.place import MUTE, Place
from pyalma_tui.runner.workers.protocol import AgentEvent, Remarked

LATELY = 10.0  # seconds in which the same of a host is no news
STRANGE = 60  # characters of a line that is none of ours


class Notes:
    """Puts what is to be told among the events, in their order."""

    def __init__(self, events: list[AgentEvent]) -> None:
        self._events = events
        self._known: set[str] = set()
        self._lately: dict[str, float] = {}  # what was told of hosts, and when, by time.monotonic

    def tell(self, text: str) -> None:
        """Tell this."""
        self._events.append(Remarked(text))

    def of_host(self, text: str) -> None:
        """Tell what becomes of a host, which may have a place for each of its processors, as one thing."""
        now = time.monotonic()
        if now - self._lately.get(text, float("-inf")) > LATELY:
            self._lately[text] = now
            self.tell(text)

    def once(self, text: str) -> None:
        """Tell what comes again and again only the first time."""
        key = text.partition(AGAIN)[0]
        if key not in self._known:
            self._known.add(key)
            self.tell(text)


def unheard(place: Place, now: float) -> str:
    """That nothing is heard of a place, which the line to it may be the reason of; until when its runs wait."""
    said = f"{place.name} not heard of for {span(now - place.heard)}"
    if place.lost:
        said = f"{place.name} is lost: its command ended, or the line to it"
    if not place.workers:
        return said
    until = time.strftime("%H:%M:%S", time.localtime(safe_until(place, now)))
    return f"{said}; its runs wait until {until}, when nothing of it can live"


def safe_until(place: Place, now: float) -> float:
    """When nothing of it can live, in whole seconds of the epoch, as it is told to people in several places."""
    return math.ceil(time.time() + max(0.0, place.safe_at - now))


def has_come(place: Place) -> str:
    """That a place has come, and with what."""
    assert place.here is not None, "it has said so"
    left = f", for {span(place.here.left)}" if place.here.left else ""
    return f"{place.name} has come, with {plural(place.here.processors, 'processor')}{left}"


def ends(place: Place, now: float, pace: float) -> str:
    """That nothing is begun at a place any more, as its time is nearly over."""
    left = span(max(0.0, place.ends_at - now))
    save = f", and a run takes {span(pace)} to a save" if pace >= 1.0 else ""
    return f"{place.name} has {left} left{save}: nothing is started there any more"


def absent(place: Place, again: float) -> str:
    """That a place has not come, why, and when it is tried again."""
    return f"{place.name} has not come ({place.channel.why()})" + f"{AGAIN} in {again:.0f} s" * bool(again)


def mute(place: Place) -> str:
    """That nothing comes of a place, which may hang."""
    show = tried(place.channel.site)
    return f"{place.name} has said nothing for {span(MUTE)}: it may hang there; `{show}` may show more"


def stranger(place: Place) -> str:
    """That something else answers at the other end."""
    said = clip(printable(place.said.decode("utf-8", "replace").strip()), STRANGE)
    return f"{place.name} is not used: it says {said!r}, which is none of ours; what leads there may print nothing"
