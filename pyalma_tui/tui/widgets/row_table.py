"""The rows of results as a table: of any number of rows only the visible ones are ever asked for and painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from pyalma_tui.model.checks import brief, is_number
from pyalma_tui.model.extents import COLUMNS, Row
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.widgets.cursored import Cursored

GAP: Final = 2
LONGEST: Final = 28  # cells of a column
LOST: Final = "–"

Fetch = Callable[[int, int], Sequence[Row | None]]
"""Gives the rows of the lines from the first to before the last; None for one that cannot be read."""


class RowTable(Cursored):
    """A line for each row, a column for each name. The cursor is on a line, and one column is selected."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--text", "table--number", "table--cursor", "table--blurred"}
    BINDINGS: ClassVar[list[BindingType]] = [*strokes("list"), *strokes("table")]

    class Moved(Message):
        """Another line or column is selected, or other columns are in sight."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.names: Sequence[str] = ()
        self.count = 0
        self._fetch: Fetch = lambda first, last: ()
        self._column = 0
        self._leftmost = 0
        self._widths: dict[str, int] = {}
        self._numeric: set[str] = set()
        self._lines: dict[int, Row | None] = {}

    # What it shows

    @property
    def line(self) -> int:
        """The number of the selected line."""
        return self._line

    @property
    def column(self) -> str:
        """The name of the selected column, "" if there is none."""
        return self.names[self._column] if self._column < len(self.names) else ""

    @property
    def row(self) -> Row | None:
        """The selected row."""
        return next(iter(self._fetch(self._line, self._line + 1)), None) if self._line < self.count else None

    @property
    def in_sight(self) -> range:
        """The lines in sight."""
        top = self.scroll_offset.y
        return range(top, min(self.count, top + max(1, self.size.height)))

    def show(self, names: Sequence[str], numeric: Sequence[str], count: int, fetch: Fetch, *, anew: bool) -> None:
        """Take in a table; `anew` if it is arranged otherwise than the one before, so that one begins at its top."""
        selected = self.column
        self.names, self.count, self._fetch = names, count, fetch
        self._column = names.index(selected) if selected in names else 0
        self._numeric = set(numeric)
        self._lines.clear()
        if anew:
            self._widths.clear()
            self._line = 0
            self.scroll_to(y=0, animate=False)
        self._line = min(self._line, max(0, count - 1))
        self.virtual_size = Size(self.size.width, count)
        self._settle()

    def _settle(self) -> None:
        self._measure()
        self._keep_column_in_sight()
        self.refresh()
        self.post_message(self.Moved())

    def _read(self) -> None:
        """Have the visible lines at hand."""
        wanted = self.in_sight
        if any(line not in self._lines for line in wanted):
            self._lines = dict(zip(wanted, self._fetch(wanted.start, wanted.stop), strict=False))

    def _measure(self) -> None:
        """Make columns as wide as what is in sight needs; they only grow, so that nothing jumps."""
        self._read()
        for name in self.names:
            texts = [brief(row.get(name)) for row in self._lines.values() if row is not None]
            widest = max((cell_len(plain(text, LONGEST)) for text in texts), default=0)
            title = cell_len(plain(name, LONGEST)) + 2
            self._widths[name] = min(LONGEST, max(title, widest, self._widths.get(name, 0)))

    def _keep_column_in_sight(self) -> None:
        self._leftmost = min(self._leftmost, self._column)
        while self._leftmost < self._column and self._column not in self._columns():
            self._leftmost += 1

    def _columns(self) -> range:
        """The columns in sight, the last one perhaps in part."""
        room, at = self.size.width - 1, self._leftmost
        while at < len(self.names) and (room >= self._widths.get(self.names[at], 0) or at == self._leftmost):
            room -= self._widths.get(self.names[at], 0) + GAP
            at += 1
        return range(self._leftmost, at)

    def titles(self, sort: str, descending: bool) -> Content:
        """The line above: the names, the selected one bold, the one that it is sorted by with an arrow."""
        parts: list[Content] = [Content(" ")]
        for at in self._columns():
            name, width = self.names[at], self._widths.get(self.names[at], 0)
            arrow = (" ↓" if descending else " ↑") if name == sort else ""
            text = plain(name, LONGEST)[: LONGEST - len(arrow)] + arrow
            fitted = cells.fit_right(text, width) if name in self._numeric else cells.fit(text, width)
            parts.append(Content.styled(fitted, "bold $text-accent" if at == self._column else MUTED))
            parts.append(Content(" " * GAP))
        more = len(self.names) - self._columns().stop
        if more > 0:
            parts.append(Content.styled(f"+{more} ›", MUTED))
        return Content.assemble(*parts)

    # Painting

    def render_line(self, y: int) -> Strip:
        """One visible line, asked for by Textual."""
        line, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if line >= self.count:
            return Strip.blank(width, base)
        if line not in self._lines:
            self._read()
        row = self._lines.get(line)
        over = self._over(line)
        segments = [Segment(" ", base + over)]
        for at in self._columns():
            name = self.names[at]
            value = LOST if row is None else row.get(name)
            wide = self._widths.get(name, 0)
            text = plain(brief(value), wide)
            cut = cells.fit_right if is_number(value) else cells.fit_middle if name == COLUMNS[0] else cells.fit
            full = self.get_component_rich_style("table--number" if name in self._numeric else "table--text")
            style = Style.null() if over.reverse else Style(color=full.color)
            segments.append(Segment(cut(text, wide) + " " * GAP, base + style + over))
        return Strip(segments).adjust_cell_length(width, base + over).crop(0, width)

    def _over(self, line: int) -> Style:
        if line != self._line:
            return Style.null()
        style = self.get_component_rich_style("table--cursor" if self.has_focus else "table--blurred")
        return Style(bgcolor=style.bgcolor, bold=style.bold or None, reverse=style.reverse or None)

    def on_resize(self, _: events.Resize) -> None:
        """Other columns in sight, and the cursor with them."""
        self.virtual_size = Size(self.size.width, self.count)
        self._lines.clear()
        self._scroll_into_view()
        self._settle()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Other lines are in sight, which may be wider."""
        super().watch_scroll_y(old, new)
        if round(old) != round(new):
            self._settle()

    # Moving

    def count_lines(self) -> int:
        """How many lines there are."""
        return self.count

    def go(self, line: int) -> None:
        """Put the cursor on a line."""
        self._line = self._nearest(line)
        self._scroll_into_view()
        self._settle()

    def action_column(self, columns: int) -> None:
        """To the left or right."""
        self._column = min(max(self._column + columns, 0), max(0, len(self.names) - 1))
        self._settle()

    def select_column(self, cell: int) -> bool:
        """Select the column that has this cell of a line; whether one has."""
        end = 1
        for at in self._columns():
            end += self._widths.get(self.names[at], 0) + GAP
            if cell < end:
                self._column = at
                self._settle()
                return True
        return False

    def on_click(self, event: events.Click) -> None:
        """Select the line and the column that were clicked."""
        self.select_column(event.x)
        self.go(event.y + self.scroll_offset.y)
