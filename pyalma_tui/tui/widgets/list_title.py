"""What stands above a list: how much of what is listed on its border, and the titles of its columns."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message

from pyalma_tui.model.query import Query
from pyalma_tui.model.words import plural
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.widgets.header import Fitted

SHOWN_FILTER = 40


def list_title(what: str, total: int, shown: int, query: Query, marks: int, *, looking: bool) -> Content:
    """How many there are, how many the filter means, others perhaps while it is `looking`, and how many are marked."""
    parts = [Content.assemble((what, "bold"), f" {cells.count(total)}")]
    if query.terms:
        text = literal(query.text[:SHOWN_FILTER]).plain
        counted = f"{cells.count(shown)}{'…' if looking else ''}"
        parts.append(Content.styled(f"{counted} match /{text}", COLOURS["interrupted"]))
    if marks:
        parts.append(Content.styled(f"{cells.count(marks)} marked", "$text-accent"))
    return Content(" · ").join(parts)


def nothing_listed(snapshot: Snapshot, total: int) -> Content:
    """Why the list is empty."""
    if snapshot.failure:
        return literal(snapshot.failure.message, COLOURS["failed"])
    if not total:
        return Content.styled("opening…" if snapshot.phase == "opening" else "no instances", MUTED)
    return Content.styled(f"none of {plural(total, 'instance')} matches. Escape clears the filter.", MUTED)


class Titles(Fitted):
    """The titles of the columns; a click on one asks for an order."""

    @dataclass
    class Clicked(Message):
        """This cell of the line was clicked."""

        cell: int

    def on_click(self, event: events.Click) -> None:
        """Somebody else knows which column that is."""
        self.post_message(self.Clicked(event.x))
