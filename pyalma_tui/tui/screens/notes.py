"""What happened in this session, newest last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from pyalma_tui.model.records import Note
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import closing
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment

SHOWN = 500


class NotesBox(TextBox):
    """The session log."""

    BINDINGS: ClassVar[list[BindingType]] = closing("notes")

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment, "session log")

    def on_mount(self) -> None:
        """The newest is in sight."""
        self.query_one(VerticalScroll).anchor()

    def subject(self) -> object:
        """The notes."""
        return self.snapshot.notes

    def text(self, width: int) -> Content:
        """The notes, wrapped by the box."""
        return notes_text(self.snapshot.notes, self.moment.now)


def notes_text(notes: Sequence[Note], now: float) -> Content:
    """One line for each note, with its time."""
    if not notes:
        return Content.styled("nothing yet", MUTED)
    lines = [
        Content.assemble((f"{cells.moment(note.at, now)}  ", MUTED), literal(note.text)) for note in notes[-SHOWN:]
    ]
    return Content("\n").join(lines)
