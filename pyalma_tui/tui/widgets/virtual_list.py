"""A list of any length, of which only the visible lines are ever asked for and painted. It knows no kind of line."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final, Generic, Protocol, TypeAlias, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from pyalma_tui.model import status as s
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.look import COLOURS
from pyalma_tui.tui.requests import MarksChanged
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.cursored import Cursored
from pyalma_tui.tui.widgets.rows import Piece

QUIET: Final = ("quiet", "gone", "time", "pending")
"""What is muted, and could hardly be read on a ground of another colour, that of the cursor or a mark."""
CALM: Final = 1.0  # seconds between two repaints of a line whose status is the same: nobody reads 8 states a second
KEPT: Final = 1000  # painted lines
Look: TypeAlias = tuple[object, object]
"""What a line depends on: what is repainted at once, and what may wait a moment."""


class Titled(Protocol):
    """The columns of a list, which make the line above it."""

    @property
    def titles(self) -> str:
        """What stands above each column."""


C = TypeVar("C", bound=Titled)


class VirtualList(Cursored, Generic[C]):
    """One line for each key of an order; a list of its own kind says which columns, what its lines tell, and how.

    The cursor is a key, not a line: when the order changes it stays on its key and, if that was visible, on its line of
    the terminal. A cursor that was never moved stays at the top. `marks` are keys.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"row--{name}"
        for name in (*s.WORDS, "state", "gone", "quiet", "rest", "bar", "time", "mark", "marked", "cursor", "blurred")
    }
    DEFAULT_CSS = "\n".join(f"VirtualList .row--{word} {{ color: {COLOURS[word]}; }}" for word in s.WORDS)
    BINDINGS: ClassVar[list[BindingType]] = strokes("list")

    clock: Callable[[], float] = staticmethod(time.monotonic)

    class Moved(Message):
        """The cursor is on another key, or on none."""

    class Marked(Message):
        """Marks were set by moving."""

    class Replanned(Message):
        """The columns have other widths."""

    class Opened(Message):
        """A line was double-clicked."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.moment = Moment()
        self.order: Sequence[int] = range(0)
        self.marks: set[int] = set()
        self.pending = False
        self._cursor: int | None = None
        self._moved = False
        self._range: tuple[int, frozenset[int]] | None = None  # the key that it began at, and what was marked before
        self._fitted: tuple[int, C] | None = None  # the width, and the columns at it
        self._planned: C | None = None
        self._painted: dict[int, Look] = {}  # by line
        self._strips: dict[int, tuple[object, Strip]] = {}  # by key: what each was made of, and the line
        self._ground: Style | None = None
        self._beat = 0

    # What each kind of list says

    @abstractmethod
    def fitted(self, width: int) -> C:
        """The columns at this width."""

    @abstractmethod
    def look(self, key: int) -> Look:
        """What the line of a key depends on, but for cursor and marks: what is repainted at once, what may wait."""

    @abstractmethod
    def pieces(self, key: int) -> list[Piece]:
        """The line of a key."""

    # What it shows

    @property
    def cursor(self) -> int | None:
        """The selected key."""
        return self._cursor

    def show(self, moment: Moment, order: Sequence[int]) -> None:
        """Take in what is true now and repaint the lines that look different."""
        self.moment = moment
        if order is not self.order:
            self._reorder(order)
        self._repaint_changed()

    def _reorder(self, order: Sequence[int]) -> None:
        above = self._line - self.scroll_offset.y
        visible = 0 <= above < max(1, self.size.height)
        self.order = order
        self.virtual_size = Size(self.size.width, len(order))
        if not self.size:  # what is sure to have a scrollbar is laid out with it, not once more for it
            self.show_vertical_scrollbar = len(order) > self.app.size.height
        if self._moved and self._cursor is not None:
            found = _index(order, self._cursor)
            self._line = found if found is not None else min(self._line, max(0, len(order) - 1))
            if visible:
                self.scroll_to(y=max(0, self._line - above), animate=False)
        else:
            self._line = 0
        self._settle()

    def _settle(self) -> None:
        cursor = self.order[self._line] if self._line < len(self.order) else None
        if cursor != self._cursor:
            self._cursor = cursor
            self.post_message(self.Moved())

    @property
    def columns(self) -> C:
        """The columns at the width that the list has; it is painted for the first time before it is told its size."""
        width = self.size.width
        if self._fitted is None or self._fitted[0] != width:
            self._fitted = width, self.fitted(width)
        return self._fitted[1]

    def replan(self) -> None:
        """Fit the columns anew, and paint all if that makes others."""
        self._fitted = None
        if self.columns != self._planned:
            self._planned = self.columns
            self.post_message(self.Replanned())
            self.refresh()

    def forget_lines(self) -> None:
        """What was painted is not what these keys look like any more."""
        self._strips.clear()

    def on_resize(self, _: events.Resize) -> None:
        """Other widths, and the cursor in sight."""
        self.virtual_size = Size(self.size.width, len(self.order))
        self.replan()
        self._scroll_into_view()
        self._repaint_changed()

    # Painting

    def _look(self, line: int) -> Look:
        if not line < len(self.order):
            return None, None
        key = self.order[line]
        urgent, calm = self.look(key)
        return (key, key in self.marks, line == self._line, urgent), calm

    def _visible(self) -> range:
        top = self.scroll_offset.y
        return range(top, top + self.size.height)

    def _repaint_changed(self) -> None:
        """Ask for the lines that look different from what was painted; Textual asks for those that never were."""
        beat = int(self.clock() / CALM)  # the detail paints on the same beat, so that the two say the same
        self.pending = fresh = False
        self._painted = {line: self._painted[line] for line in self._visible() if line in self._painted}
        for line, before in self._painted.items():
            look = self._look(line)
            if before[0] != look[0]:
                self.refresh_line(line)
            elif before[1] != look[1]:
                if beat != self._beat or fresh:
                    fresh, self._beat = True, beat
                    self.refresh_line(line)
                else:
                    self.pending = True

    def repaint_lines(self, lines: Iterable[int]) -> None:
        """Paint these lines again."""
        for line in lines:
            self.refresh_line(line)

    def render_line(self, y: int) -> Strip:
        """One visible line, asked for by Textual: when a list scrolls, most lines are as they were."""
        line = y + self.scroll_offset.y
        self._painted[line] = look = self._look(line)
        if line >= len(self.order):
            return Strip.blank(self.size.width, self._base)
        made_of = look, self.size.width, self.columns, self.has_focus
        known = self._strips.get(self.order[line])
        if known is not None and known[0] == made_of:
            return known[1]
        if len(self._strips) >= KEPT:
            self._strips.clear()
        strip = self._strip(line)
        self._strips[self.order[line]] = made_of, strip
        return strip

    @property
    def _base(self) -> Style:
        """What lies under every line; all ancestors are asked for it."""
        if self._ground is None:
            self._ground = self.rich_style
        return self._ground

    def notify_style_update(self) -> None:
        """Paint in the new colours."""
        super().notify_style_update()
        self._strips.clear()
        self._ground = None

    def _strip(self, line: int) -> Strip:
        width, base = self.size.width, self._base
        pieces = self.pieces(self.order[line])
        marked, selected = self.order[line] in self.marks, line == self._line
        over = self._over(marked, selected)
        segments = [
            Segment(text, base + (Style.null() if over.reverse else self._style(name, marked or selected)) + over)
            for text, name in pieces
        ]
        return Strip(segments).adjust_cell_length(width, base + over).crop(0, width)

    def _style(self, name: str, coloured: bool) -> Style:
        if not name:
            return Style.null()
        full = self.get_component_rich_style(f"row--{name}")
        return Style(color=None if coloured and name in QUIET else full.color, bold=full.bold, italic=full.italic)

    def _over(self, marked: bool, selected: bool) -> Style:
        style = Style.null()
        if marked:
            style += _ground(self.get_component_rich_style("row--marked"))
        if selected:
            style += _ground(self.get_component_rich_style("row--cursor" if self.has_focus else "row--blurred"))
        return style

    def watch_has_focus(self, _has_focus: bool) -> None:
        """The cursor looks different without the focus."""
        super().watch_has_focus(_has_focus)
        self.repaint_lines([self._line])

    # Moving

    def count_lines(self) -> int:
        """How many there are in the order."""
        return len(self.order)

    def go(self, line: int) -> None:
        """Put the cursor on a line; a range that was marked ends."""
        self._range = None
        self._go(line)

    def _go(self, line: int) -> None:
        line = self._nearest(line)
        before, self._line = self._line, line
        self._moved = line > 0
        self._scroll_into_view()
        if before != line:
            self.repaint_lines([before, line])
        self._settle()

    def action_reach(self, lines: int) -> None:
        """Up or down, and mark all from where this began: further marks more, back takes marks away."""
        if self._cursor is None:
            return
        if self._range is None or (begun := _index(self.order, self._range[0])) is None:
            begun = self._line
            self._range = self._cursor, (before := frozenset(self.marks))
            self.post_message(MarksChanged(lambda: self._mark_only(before), lambda: self.is_attached))
        self._go(self._line + lines)
        first, last = sorted((begun, self._line))
        self.marks = {*self._range[1], *self.order[first : last + 1]}
        self._repaint_changed()
        self.post_message(self.Marked())

    def action_reach_page(self, pages: int) -> None:
        """The same by a screenful."""
        self.action_reach(pages * max(1, self.size.height - 1))

    def on_click(self, event: events.Click) -> None:
        """Select what was clicked; twice: open it."""
        line = event.y + self.scroll_offset.y
        if line < len(self.order):
            self.go(line)
            if event.chain == 2:
                self.post_message(self.Opened())

    def mark(self, ids: Iterable[int], on: bool) -> None:
        """Mark these keys, or not."""
        before = frozenset(self.marks)
        if on:
            self.marks.update(ids)
        else:
            self.marks.difference_update(ids)
        if self.marks != before:
            self.post_message(MarksChanged(lambda: self._mark_only(before), lambda: self.is_attached))
        self._repaint_changed()

    def begin_anew(self) -> None:
        """Forget the marks: their keys mean something else from now on."""
        self.marks.clear()
        self._range = None

    def _mark_only(self, ids: Iterable[int]) -> None:
        self.marks.clear()
        self.marks.update(ids)
        self._repaint_changed()


def _index(order: Sequence[int], wanted: int) -> int | None:
    try:
        return order.index(wanted)
    except ValueError:
        return None


def _ground(style: Style) -> Style:
    """Only what a cursor adds to a line: the background, and bold or reverse; the text keeps its colours."""
    return Style(bgcolor=style.bgcolor, bold=style.bold or None, reverse=style.reverse or None)
