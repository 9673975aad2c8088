"""What happened in this session, newest last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pyalma_tui.model.records import Note
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.view_moment import Moment

SHOWN = 500


class Notes(ModalScreen[None]):
    """The session log."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,s,enter", "dismiss", "Close")]

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self._moment = moment

    def compose(self) -> ComposeResult:
        """A text that begins at its end."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "session log"
            box.border_subtitle = "esc closes"
            yield Static(notes_text(self._moment.snapshot.notes, self._moment.now), id="notes-text")

    def on_mount(self) -> None:
        """The newest is in sight."""
        self.query_one(VerticalScroll).focus()
        self.query_one(VerticalScroll).scroll_end(animate=False)

    def show(self, moment: Moment) -> None:
        """Take in what is new."""
        if moment.snapshot.notes != self._moment.snapshot.notes:
            self._moment = moment
            self.query_one("#notes-text", Static).update(notes_text(moment.snapshot.notes, moment.now))


def notes_text(notes: Sequence[Note], now: float) -> Content:
    """One line for each note, with its time."""
    if not notes:
        return Content.styled("nothing yet", MUTED)
    lines = [
        Content.assemble((f"{cells.moment(note.at, now)}  ", MUTED), literal(note.text)) for note in notes[-SHOWN:]
    ]
    return Content("\n").join(lines)
