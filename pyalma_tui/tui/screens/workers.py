"""The workers: what each of them does, and what it takes of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pyalma_tui.runner.snapshot import Load, Slot
from pyalma_tui.tui import cells
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import load_texts
from pyalma_tui.tui.widgets.notices import step_text
from pyalma_tui.tui.widgets.rows import plain

WIDTHS = (4, 9, 10, 9, 7, 10)  # cells of slot, pid, memory, processor, time, phase; the instance has the rest
LEAST = 12
UNKNOWN = ("–", "–")


class Workers(ModalScreen[None]):
    """One line for each worker."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w,enter", "dismiss", "Close"),
        Binding("plus,equals_sign", "app.perform('more_workers')", "More", show=False),
        Binding("minus", "app.perform('fewer_workers')", "Fewer", show=False),
    ]

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self._moment = moment

    def compose(self) -> ComposeResult:
        """A table that is kept up to date."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "workers"
            box.border_subtitle = "+ - more, fewer · esc closes"
            yield Static(id="workers-text")

    def on_mount(self) -> None:
        """Show what is known."""
        self.query_one(VerticalScroll).focus()
        self.call_after_refresh(lambda: self.show(self._moment))

    def show(self, moment: Moment) -> None:
        """Take over what is true now."""
        self._moment = moment
        text = self.query_one("#workers-text", Static)
        text.update(workers_text(moment, text.content_size.width or 80))


def workers_text(moment: Moment, width: int) -> Content:
    """The table, and what all of them take together."""
    slots = moment.snapshot.slots
    if not slots:
        wanted = cells.plural(moment.snapshot.workers, "worker")
        return Content.styled(f"none now; up to {wanted} as soon as there is something to run", MUTED)
    room = max(LEAST, width - sum(WIDTHS) - len(WIDTHS))
    titles = ("slot", "pid", "memory", "cpu", "time", "does", "instance")
    lines = [Content.styled(_line(titles, room), MUTED), *(_told(moment, slot, room) for slot in slots)]
    loads = [slot.load for slot in slots if slot.load is not None]
    if len(loads) > 1:
        together = Load(sum(load.rss for load in loads), sum(load.cpu for load in loads))
        lines.append(Content.styled(_line(("all", "", *load_texts(together), "", "", ""), room), MUTED))
    return Content("\n").join(lines)


def _told(moment: Moment, slot: Slot, room: int) -> Content:
    name = ""
    if slot.run is not None:
        name = moment.snapshot.instances[moment.run(slot.run).instance].label
    load = load_texts(slot.load) if slot.load is not None else UNKNOWN
    phase, colour = slot.phase, COLOURS["running"] if slot.run is not None else ""
    texts = (str(slot.number), str(slot.pid), *load, cells.duration(moment.now - slot.since), phase)
    line = Content.styled(_line((*texts, plain(name, room)), room), colour)
    return Content("\n").join(
        [line, *(Content.styled(f"     {why}", COLOURS["interrupted"]) for why in _hints(moment, slot))]
    )


def _hints(moment: Moment, slot: Slot) -> Iterator[str]:
    if slot.stopping is not None:
        yield step_text(slot.stopping, moment.monotonic)
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
