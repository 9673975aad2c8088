"""A window over the file of a log, which follows the end, or stands still where the reader has scrolled to.

Only what is in sight is ever read or painted, so a file of 1 GB opens at once, and one that grows by a million lines
a second costs no more than one that grows by ten: the app calls `poll` a few times a second, and each call looks at
one screenful.
"""

from __future__ import annotations

import asyncio
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from pyalma_tui.logs.needle import Needle
from pyalma_tui.logs.reader import Line
from pyalma_tui.logs.viewport import Viewport, one
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.log_options import LogOptions
from pyalma_tui.tui.widgets.gutter import Gutter, gutter, gutter_width
from pyalma_tui.tui.widgets.log_row import Look, Wrapped, column, content, folds, part, row, thumb

SLICE = 0.004  # seconds that a search or a count may take before the next key has its turn
HOPS = 10  # turns of the event loop that a key needs at most from the terminal through the queues to this widget
KEPT = 8  # painted lines beyond those in sight
KEPT_WHOLE = 8  # wrapped lines, each of which may be 128 KiB long
KEPT_HEIGHTS = 1024
FAR = 20_000  # cells: how far to the right a match is looked for


class PaneRow(NamedTuple):
    """A row in sight: a line, which of those in sight it is, and which part of it if it is wrapped."""

    line: Line
    number: int
    part: int


class LogPane(Widget, can_focus=True):
    """One log file, read where it is looked at: `show` chooses it, `poll` looks whether it grew.

    `following`, `new_lines` (appended since following stopped) and `badge` (both in words, and how a search stands;
    plain text) are for the frame around it; `Moved` says that they changed.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--mark", "log-view--thumb"}
    DEFAULT_CSS = """
    LogPane {
        height: 1fr;
        & > .log-view--mark { color: $text-muted; text-style: dim; }
        & > .log-view--thumb { color: $primary; }
    }
    """

    following: var[bool] = var(True)
    new_lines: var[int] = var(0)
    badge: var[str] = var("")

    class Moved(Message):
        """What the frame around the view says about it has changed."""

        def __init__(self, view: LogPane) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LogPane:
            """The view that moved."""
            return self.view

        def can_replace(self, message: Message) -> bool:
            """Only the latest is of interest."""
            return isinstance(message, LogPane.Moved) and message.view is self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.options = LogOptions()
        self._viewport: Viewport | None = None
        self._empty = ""
        self._left = 0
        self._rows: list[PaneRow] = []
        self._gutter = Gutter()
        self._thumb = range(0)
        self._match = -1
        self._painted: list[tuple[object, ...]] = []
        self._working = False
        self._look: Look | None = None
        self._strips: LRUCache[tuple[int, int, bool, int], Strip] = LRUCache(KEPT)
        self._whole: LRUCache[tuple[int, int, bool], Wrapped] = LRUCache(KEPT_WHOLE)
        self._heights: LRUCache[tuple[int, int], int] = LRUCache(KEPT_HEIGHTS)

    def show(self, path: Path | None, empty: str = "no output yet") -> None:
        """Show this file from its end, or `empty` if nothing is in it; a file that is shown already stays as it is."""
        self._empty = empty
        if self._viewport is None or self._viewport.reader.path != path:
            self._close()
            if path is not None:
                self._viewport = Viewport(path, self.size.height)
                self._settle()
        self.poll()

    def choose(self, options: LogOptions) -> None:
        """Show it in another way, from the same line on."""
        self.options = options
        self._settle()
        self._forget()
        if self._viewport is not None:
            self._viewport.skip = 0
            self._viewport.look()
        self._slide(0)
        self.refresh()
        self.poll()

    def _settle(self) -> None:
        """Tell the place what the options mean to it."""
        if self._viewport is not None:
            self._viewport.tall = self._tall if self.options.wrap else one
            if self.options.numbers:
                self._viewport.number()

    def poll(self) -> None:
        """Look at the file again and repaint what changed in sight; meant to be called a few times a second."""
        if self._viewport is not None and self.is_attached:
            if self.text_selection is not None:
                self._viewport.hold()  # who selects text does not want it to move
            generation = self._viewport.reader.generation
            self._viewport.poll(SLICE)
            if self._viewport.reader.generation != generation:
                self._forget()
                self.refresh()
        self._update()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self._viewport is None or not (self._viewport.reader.size or self._viewport.reader.problem)

    @property
    def text(self) -> str:
        """What is in sight, row by row; lines from their beginning to their end."""
        return "\n".join(self._text(each) for each in self._rows)

    def _text(self, each: PaneRow) -> str:
        return self._part(each).plain if self.options.wrap else content(each.line).plain

    def render_line(self, y: int) -> Strip:
        """One row of the screen, with what stands before it and its part of the scrollbar."""
        look = self._current_look()
        base = look.base.rich_style
        if y < len(self._rows):
            strip = self._row(y, look)
            if self._gutter.width:
                text = self._gutter.text(self._rows[y].number, first=not self._rows[y].part)
                strip = Strip.join([Strip([Segment(text, (look.base + look.mark).rich_style)], len(text)), strip])
        else:
            note = self._note() if y == 0 and not self._rows else ""
            segments = literal(note, look.mark).render_segments(look.base)
            strip = Strip(segments).crop_extend(0, self._right, base)
        style = self.get_visual_style("log-view--thumb").rich_style if y in self._thumb else base
        return Strip.join([strip, Strip([Segment("▐" if y in self._thumb else " ", style)], 1)])

    def on_resize(self) -> None:
        """Show as many lines as there is room for."""
        self._strips.maxsize = self.size.height + KEPT
        if self._viewport is not None:
            self._viewport.height = self.size.height
            self._forget()
            self._viewport.look()
        self.poll()
        self.refresh()  # it may have been painted at this size before it was told of it

    def on_unmount(self) -> None:
        """Give the file back."""
        self._close()

    def _go_to_share(self, share: float) -> None:
        if self._viewport is not None:
            self._viewport.go_to_share(share)
            self._update()

    def _slide(self, left: int) -> None:
        if (left := max(0, left)) != self._left:
            self._left = left
            self.refresh()

    def _move(self, rows: int) -> None:
        if self._viewport is not None:
            self._viewport.move(rows)
            self._update()

    @property
    def _right(self) -> int:
        return max(1, self.size.width - 1)  # the last column is the scrollbar's

    @property
    def _width(self) -> int:
        return max(1, self._right - self._gutter.width)

    def _tall(self, line: Line) -> int:
        """The rows of a wrapped line."""
        key = (line.start, line.next)
        if (rows := self._heights.get(key)) is None:
            rows = self._heights[key] = len(folds(content(line).plain, self._width))
        return rows

    def _part(self, each: PaneRow, *, current: bool = False) -> Content:
        key = (each.line.start, each.line.next, current)
        if (whole := self._whole.get(key)) is None:
            whole = self._whole[key] = Wrapped(each.line, self._current_look(), current=current)
        return whole.row(each.part)

    def _note(self) -> str:
        viewport = self._viewport
        if viewport is None:
            return self._empty
        if viewport.filter is not None and viewport.reader.size:
            return "looking…" if viewport.filter.going else "no line is left by the filter. Escape takes it back."
        problem = viewport.reader.problem
        return f"cannot be read: {problem}" if problem else self._empty

    def _current_look(self) -> Look:
        needle = None if self._viewport is None else self._viewport.needle
        base, mark = self.visual_style, self.get_visual_style("log-view--mark")
        look = Look(0 if self.options.wrap else self._left, self._width, needle, base, mark)
        if look != self._look:
            if self._look is not None and self._look.width != look.width:
                self._heights.clear()
            self._look = look
            self._strips.clear()
            self._whole.clear()
        return look

    def _row(self, y: int, look: Look) -> Strip:
        each = self._rows[y]
        line, current = each.line, each.line.start == self._match
        selected = None
        if (selection := self.text_selection) is not None and (span := selection.get_span(y)) is not None:
            selected = (*span, self.screen.get_visual_style("screen--selection", partial=True))
        key = (line.start, line.next, current, each.part)
        if selected is not None or (strip := self._strips.get(key)) is None:
            if self.options.wrap:
                strip = part(self._part(each, current=current), look, selected)
            else:
                strip = row(line, look, current=current, selected=selected)
            if selected is None:
                self._strips[key] = strip
        return strip.apply_offsets(look.left, y)

    def _in_sight(self) -> list[PaneRow]:
        viewport = self._viewport
        if viewport is None:
            return []
        if not self.options.wrap:
            return [PaneRow(line, number, 0) for number, line in enumerate(viewport.rows)]
        rows = []
        for number, line in enumerate(viewport.rows):
            first = viewport.skip if number == 0 else 0
            last = min(self._tall(line), first + self.size.height)
            rows += [PaneRow(line, number, each) for each in range(first, last)]
        return rows[: self.size.height]

    def _update(self, *, tell: bool = True) -> None:
        """Repaint the rows that differ from what was painted, tell the frame, and go on with what takes longer."""
        viewport, bar = self._viewport, range(0)
        width = 0 if viewport is None else gutter_width(viewport, self.options)
        if viewport is not None and width != self._gutter.width:
            self._gutter = Gutter(width)
            self._heights.clear()
            viewport.look()
        rows = self._in_sight()
        self._gutter = Gutter() if viewport is None else gutter(viewport, self.options, viewport.rows)
        match = -1 if viewport is None else viewport.match
        if viewport is not None and rows:
            bar = thumb(rows[0].line.start, rows[-1].line.next, viewport.reader.size, self.size.height)
        found = next((each.line for each in rows if each.line.start == match), None)
        if viewport is not None and viewport.needle is not None and found is not None and match != self._match:
            self._bring_in_sight(found, viewport.needle)
        self._match = match

        if rows[:1] != self._rows[:1] and self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()  # it is kept by row, and the rows are others now
        self._rows, self._thumb = rows, bar

        shown = [self._shown(y) for y in range(self.size.height)]
        stale = [y for y, (old, new) in enumerate(zip_longest(self._painted, shown)) if old != new]
        self._painted = shown
        if stale:
            self.refresh(*[Region(0, y, self.size.width, 1) for y in stale])

        if tell:
            self._tell()
        if viewport is not None and viewport.working and not self._working:
            self._working = self.call_later(self._work)

    def _shown(self, y: int) -> tuple[object, ...]:
        """All that decides how a row looks, apart from the style of the whole."""
        if y < len(self._rows):
            each = self._rows[y]
            before = self._gutter.text(each.number, first=not each.part)
            return each.line, each.part, before, each.line.start == self._match, y in self._thumb
        return (self._note() if not self._rows else "",)

    def _bring_in_sight(self, line: Line, needle: Needle) -> None:
        """Scroll sideways to where the line has the text searched for."""
        found = None if self.options.wrap else column(line, needle, FAR)
        if found is not None and not self._left <= found[0] <= self._left + self._width - found[1] - 1:
            self._slide(found[0] - self._width // 3 if found[0] >= self._width // 2 else 0)

    async def _work(self) -> None:
        self._working = False
        if self._viewport is not None:
            self._viewport.work(SLICE)
            for _ in range(HOPS):  # a handler that never waits would keep everybody else from running
                await asyncio.sleep(0)
            self._update(tell=not self._viewport.working)

    def _tell(self) -> None:
        viewport = self._viewport
        facts = (True, 0, "") if viewport is None else (viewport.following, viewport.new_lines, viewport.badge())
        if facts != (self.following, self.new_lines, self.badge):
            self.following, self.new_lines, self.badge = facts
            self.post_message(self.Moved(self))

    def _close(self) -> None:
        if self._viewport is not None:
            self._viewport.close()
        self._viewport = None
        self._slide(0)
        self._forget()

    def _forget(self) -> None:
        """Of lines that were painted nothing holds any more."""
        self._strips.clear()
        self._whole.clear()
        self._heights.clear()
