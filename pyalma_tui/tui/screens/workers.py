"""The workers: what each of them does, and what it takes of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from pyalma_tui.model import words
from pyalma_tui.model.ending import HOST_LOST
from pyalma_tui.runner.snapshot import Load, Slot
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import borrowed, closing
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import load_texts, waits_text
from pyalma_tui.tui.widgets.notices import step_text

WIDTHS = (4, 9, 10, 9, 7, 10)  # cells of slot, pid, memory, processor, time, phase; the instance has the rest
LEAST = 12
HOST = 60  # cells of the name of a host
UNKNOWN = ("–", "–")


class WorkersBox(TextBox):
    """One line for each worker."""

    BINDINGS: ClassVar[list[BindingType]] = [*closing("workers"), *borrowed("more_workers", "fewer_workers")]

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment, "workers", "+ - more, fewer · esc closes")

    def subject(self) -> object:
        """The workers, and the clocks that tell how long they have been at it."""
        snapshot = self.snapshot
        return snapshot.slots, snapshot.workers, self.moment.now, self.moment.monotonic

    def text(self, width: int) -> Content:
        """A table as wide as the box."""
        return workers_text(self.moment, width)


def workers_text(moment: Moment, width: int) -> Content:
    """The table, and what all of them take together."""
    slots = moment.snapshot.slots
    if not slots:
        wanted = words.plural(moment.snapshot.workers, "worker")
        return Content.styled(f"none now; up to {wanted} as soon as there is something to run", MUTED)
    room = max(LEAST, width - sum(WIDTHS) - len(WIDTHS))
    titles = ("slot", "pid", "memory", "cpu", "for", "does", "instance")
    lines = [Content.styled(_line(titles, room), MUTED), *(_told(moment, slot, room) for slot in slots)]
    loads = [slot.load for slot in slots if slot.load is not None]
    if len(loads) > 1:
        together = Load(sum(load.rss for load in loads), sum(load.cpu for load in loads))
        lines.append(Content.styled(_line(("all", "", *load_texts(together), "", "", ""), room), MUTED))
    return Content("\n").join(lines)


def _told(moment: Moment, slot: Slot, room: int) -> Content:
    name = ""
    if slot.run is not None:
        name = moment.name(moment.run(slot.run))
    load = load_texts(slot.load) if slot.load is not None else UNKNOWN
    phase, colour = slot.phase, COLOURS["running"] if slot.run is not None else ""
    texts = (str(slot.number), str(slot.pid), *load, words.clock(moment.now - slot.since), phase)
    line = Content.styled(_line((*texts, plain(name, room)), room), colour)
    return Content("\n").join(
        [line, *(Content.styled(f"     {why}", COLOURS["interrupted"]) for why in _hints(moment, slot))]
    )


def _hints(moment: Moment, slot: Slot) -> Iterator[str]:
    if slot.stopping is not None:
        yield step_text(slot.stopping, moment.monotonic)
    if slot.host:
        yield f"on {plain(slot.host, HOST)}"
    if slot.unheard:
        yield f"{HOST_LOST}: {waits_text(slot, moment.now)}"
    if not slot.responding:
        yield f"does not respond: its process is stopped; kill -CONT {slot.pid} lets it go on"


def _line(texts: tuple[str, ...], room: int) -> str:
    slot, pid, memory, cpu, spent, phase, name = texts
    widths = iter(WIDTHS)
    columns = [
        cells.fit(slot, next(widths)),
        cells.fit(pid, next(widths)),
        cells.fit_right(memory, next(widths) - 2) + "  ",
        cells.fit_right(cpu, next(widths) - 2) + "  ",
        cells.fit_right(spent, next(widths)),
        cells.fit(phase, next(widths)),
    ]
    return " ".join([*columns, cells.fit_middle(name, room)]).rstrip()
