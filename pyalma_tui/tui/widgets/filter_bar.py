"""Where a filter is typed: a field, and in the line above it what cannot be understood, at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from pyalma_tui.errors import QueryError
from pyalma_tui.model.query import Query, understood
from pyalma_tui.model.run_fields import completed
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS
from pyalma_tui.tui.widgets.field import Field

HINT = 'text, status:failed, error:Key, state<7, time>60s, iteration:7, !not, "a phrase", /regex/'
PLACE = "▼ "


class FilterBar(Vertical):
    """There only while something is filtered. What cannot be understood yet filters nothing, what is before it does."""

    @dataclass
    class Changed(Message):
        """Another query was typed; an empty one lists everything."""

        query: Query

    class Left(Message):
        """The user goes on in the list."""

    def __init__(self, query: Query, names: Callable[[], Iterable[str]]) -> None:
        """`names` are those of fields, for completion."""
        super().__init__()
        self.query_now = query
        self._names = names
        self._asked = False

    def compose(self) -> ComposeResult:
        """What is wrong, over the field."""
        yield Static(id="filter-error")
        text, suggester = self.query_now.text, Completion(self._names)
        shown = "-open" if text else ""  # one that was there before
        yield Field(text, placeholder=HINT, suggester=suggester, id="filter", classes=shown, compact=True)

    @property
    def field(self) -> Input:
        """Where it is typed."""
        return self.query_one("#filter", Input)

    @property
    def open(self) -> bool:
        """Whether it is shown."""
        return self.field.has_class("-open")

    def on_mount(self) -> None:
        """Let the user type who has asked for it."""
        if self._asked:
            self.ask()

    def ask(self) -> None:
        """Show it and let the user type, as soon as it is there."""
        self._asked = True
        if not self.children:
            return
        self.field.add_class("-open")
        self.field.focus()

    def clear(self) -> None:
        """Filter nothing, and hide it."""
        self.field.value = ""
        self.field.remove_class("-open")
        self._read("")

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._read(event.value)

    @on(Input.Submitted, "#filter")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.field.set_class(bool(event.value.strip()), "-open")
        self.post_message(self.Left())

    def _read(self, text: str) -> None:
        error = self.query_one("#filter-error", Static)
        query, wrong = understood(text)
        error.display = wrong is not None
        if wrong is not None:
            error.update(placed(text, wrong, self.field.content_size.width))
        if query != self.query_now:
            self.query_now = query
            self.post_message(self.Changed(query))


def placed(text: str, error: QueryError, width: int) -> Content:
    """One line of `width` cells that points at the column of the text below it, and says what is wrong there."""
    at = min(cell_len(text[: error.column - 1]), max(0, width - 1))
    told = f"{' ' * at}{PLACE}{error.why}"
    if cell_len(told) > width:
        told = f"{error.why} ▼".rjust(at + 1)
    return literal(told, COLOURS["failed"])


class Completion(Suggester):
    """Makes a word whole that begins the name of a field or of a status."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The text as it may go on."""
        return completed(value, self._names())
