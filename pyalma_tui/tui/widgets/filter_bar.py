"""Where a filter is typed: a field, and in the line above it what cannot be understood, at its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from pyalma_tui.errors import QueryError
from pyalma_tui.model.lacking import Lack
from pyalma_tui.model.query import Query, understood
from pyalma_tui.tui.lacking import FilterFields
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widgets import Input

PLACE = "▼ "
NONE = Lack("", 0)
MORE = 0.1  # seconds until it is gone on to look for a field that nothing has
AGAIN = 2.0  # seconds until it is looked for anew


class FilterBar(Vertical):
    """There only while something is filtered. What cannot be understood yet filters nothing, what is before it does.

    The field is made when it is first asked for: each screen with a filter would be slower to open by a quarter.
    """

    @dataclass
    class Changed(Message):
        """Another query was typed; an empty one lists everything."""

        query: Query

    class Left(Message):
        """The user goes on in the list."""

    def __init__(
        self,
        query: Query,
        fields: FilterFields,
    ) -> None:
        """`fields` are what may be named."""
        super().__init__()
        self.query_now = query
        self._fields = fields
        self._looking: Iterator[Lack | None] = iter(())
        self._timer: Timer | None = None
        self._field: Input | None = None

    def on_mount(self) -> None:
        """Show a filter that was there before."""
        if self.query_now.text:
            self._made().add_class("-open")
            self.call_after_refresh(self._look)

    def _made(self) -> Input:
        """The field, made at the first time."""
        if self._field is None:
            from pyalma_tui.tui.widgets.filter_field import FilterField

            self._field = FilterField(self.query_now.text, self._fields.names)
            self.mount(Static(id="filter-error"), self._field)
        return self._field

    @property
    def open(self) -> bool:
        """Whether it is shown."""
        return self._field is not None and self._field.has_class("-open")

    def ask(self) -> None:
        """Show it and let the user type: from now on, for the next keys may be waiting already."""
        field = self._made()
        field.add_class("-open")
        self.screen.set_focus(field)
        self._fields.names()  # those of rows are looked for until they are needed

    def clear(self) -> None:
        """Filter nothing, and hide it."""
        if self._field is not None:
            self._field.value = ""
            self._field.remove_class("-open")
        self._read("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self._read(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on in the list; an empty filter is not shown."""
        event.stop()
        event.input.set_class(bool(event.value.strip()), "-open")
        self.post_message(self.Left())

    def _read(self, text: str) -> None:
        query, wrong = understood(text)
        self._tell(wrong, COLOURS["failed"])
        if query != self.query_now:
            self.query_now = query
            self.post_message(self.Changed(query))
        if wrong is None:
            self._look()
        elif self._timer is not None:
            self._timer.stop()

    def _tell(self, wrong: QueryError | None, colour: str) -> None:
        if self._field is not None:
            error = self.query_one("#filter-error", Static)
            error.display = wrong is not None
            if wrong is not None:
                error.update(placed(self._field.value, wrong, self._field.content_size.width, colour))

    def _look(self) -> None:
        """Look for fields that nothing has, unless it cannot be understood what is typed."""
        query = self.query_now
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if query.fields - {""}:
            self._looking = self._fields.lacks(query)
            self._go_on()

    def _go_on(self) -> None:
        """Look at some more; once all is known, tell it, and look again after a while: there may be one by then."""
        lack = next(self._looking, NONE)
        if lack is not None:
            known = self._fields
            told = lack.told(known.nothing, lack.near(known.names())) if lack.field else ""
            self._tell(QueryError(lack.column, told) if told else None, COLOURS["interrupted"])
        self._timer = self.set_timer(MORE, self._go_on) if lack is None else self.set_timer(AGAIN, self._look)


def placed(text: str, error: QueryError, width: int, colour: str) -> Content:
    """One line of `width` cells that points at the column of the text below it, and says what is wrong there."""
    at = min(cell_len(text[: error.column - 1]), max(0, width - 1))
    told = f"{' ' * at}{PLACE}{error.why}"
    if cell_len(told) > width:
        told = f"{error.why} ▼".rjust(at + 1)
    return literal(told, colour)
