"""The workers: what each of them does, and what it takes of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType
from textual.content import Content

from pyalma_tui.model import words
from pyalma_tui.model.ending import HOST_LOST
from pyalma_tui.runner.snapshot import Load, Slot
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import borrowed, closing, key_to
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import load_texts, waits_text
from pyalma_tui.tui.widgets.notices import step_text

WIDTHS = (4, 9, 10, 9, 7, 10)  # cells of slot, pid, memory, processor, time, phase; host and instance have the rest
LEAST = 12
NAME = 20  # cells of an instance that a column of hosts leaves to it, else each host is told in a line of its own
HOST = 60  # cells of the name of a host
TITLES = ("slot", "pid", "memory", "cpu", "for", "does", "instance")
UNKNOWN = ("–", "–")


class Columns(NamedTuple):
    """The cells that hosts, with what is between, and instances have; 0 if hosts are no column."""

    host: int
    name: int

    def line(self, texts: tuple[str, ...], host: str = "") -> str:
        """One line of the table: slot, pid, memory, processor, time, phase, instance."""
        slot, pid, memory, cpu, spent, phase, name = texts
        widths = iter(WIDTHS)
        columns = [
            cells.fit(slot, next(widths)),
            cells.fit(pid, next(widths)),
            cells.fit_right(memory, next(widths) - 2) + "  ",
            cells.fit_right(cpu, next(widths) - 2) + "  ",
            cells.fit_right(spent, next(widths)),
            cells.fit(phase, next(widths)),
            *([cells.fit(host, self.host - 1)] if self.host else ()),
            cells.fit_middle(name, self.name),
        ]
        return " ".join(columns).rstrip()


class WorkersBox(TextBox):
    """One line for each worker."""

    BINDINGS: ClassVar[list[BindingType]] = [*closing("workers"), *borrowed("more_workers", "fewer_workers")]

    def __init__(self, moment: Moment) -> None:
        super().__init__(
            moment, "workers", f"{key_to('more_workers')} {key_to('fewer_workers')} more, fewer · esc closes"
        )

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
    host = max(cell_len(plain(slot.host, HOST)) for slot in slots)
    host = host + 2 if 0 < host <= room - 2 - NAME else 0
    columns = Columns(host, room - host)
    loads = [slot.load for slot in slots if slot.load is not None]
    lines = [Content.styled(columns.line(TITLES, "host"), MUTED), *(_told(moment, slot, columns) for slot in slots)]
    if len(loads) > 1:
        together = Load(sum(load.rss for load in loads), sum(load.cpu for load in loads))
        lines.append(Content.styled(columns.line(("all", "", *load_texts(together), "", "", "")), MUTED))
    return Content("\n").join(lines)


def _told(moment: Moment, slot: Slot, columns: Columns) -> Content:
    name = ""
    if slot.run is not None:
        name = moment.name(moment.run(slot.run))
    load = load_texts(slot.load) if slot.load is not None else UNKNOWN
    phase, colour = slot.phase, COLOURS["running"] if slot.run is not None else ""
    texts = (str(slot.number), str(slot.pid or "–"), *load, words.clock(moment.now - slot.since), phase)
    line = Content.styled(columns.line((*texts, plain(name, columns.name)), plain(slot.host, HOST)), colour)
    hints = _hints(moment, slot, tells_host=not columns.host)
    return Content("\n").join([line, *(Content.styled(f"     {why}", COLOURS["interrupted"]) for why in hints)])


def _hints(moment: Moment, slot: Slot, *, tells_host: bool) -> Iterator[str]:
    if slot.stopping is not None:
        yield step_text(slot.stopping, moment.monotonic)
    if slot.host and tells_host:
        yield f"on {plain(slot.host, HOST)}"
    if slot.unheard:
        yield f"{HOST_LOST}: {waits_text(slot, moment.now)}"
    if not slot.responding:
        yield f"does not respond: its process is stopped; kill -CONT {slot.pid} lets it go on"
