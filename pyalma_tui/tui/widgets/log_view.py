"""The log of a run: a window over its file that follows the end, or stands still where the reader has scrolled to.

Only what is in sight is ever read or painted, so a file of 1 GB opens at once, and one that grows by a million lines
a second costs no more than one that grows by ten: the app calls `poll` a few times a second, and each call looks at
one screenful.
"""

from __future__ import annotations

import asyncio
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from pyalma_tui.logs.place import Place
from pyalma_tui.logs.reader import Line
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.widgets.log_row import Look, column, content, row, thumb

SLICE = 0.004  # seconds that a search or a count may take before the next key has its turn
HOPS = 10  # turns of the event loop that a key needs at most from the terminal through the queues to this widget
SIDEWAYS = 8  # cells
WHEEL = 3  # lines
KEPT = 128  # painted lines
FAR = 20_000  # cells: how far to the right a match is looked for


class LogView(Widget, can_focus=True):
    """One log file, read where it is looked at: `show` chooses it, `poll` looks whether it grew.

    `following`, `new_lines` (appended since following stopped) and `badge` (both in words, and how a search stands;
    plain text) are for the frame around it; `Moved` says that they changed.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--mark", "log-view--thumb"}
    DEFAULT_CSS = """
    LogView {
        height: 1fr;
        & > .log-view--mark { color: $text-muted; text-style: dim; }
        & > .log-view--thumb { color: $primary; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = strokes("log text")

    following: var[bool] = var(True)
    new_lines: var[int] = var(0)
    badge: var[str] = var("")

    class Moved(Message):
        """What the frame around the view says about it has changed."""

        def __init__(self, view: LogView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LogView:
            """The view that moved."""
            return self.view

        def can_replace(self, message: Message) -> bool:
            """Only the latest is of interest."""
            return isinstance(message, LogView.Moved) and message.view is self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._place: Place | None = None
        self._empty = ""
        self._left = 0
        self._rows: list[Line] = []
        self._thumb = range(0)
        self._match = -1
        self._painted: list[tuple[object, bool, bool]] = []
        self._working = False
        self._over_thumb = False
        self._look: Look | None = None
        self._strips: LRUCache[tuple[int, int, bool], Strip] = LRUCache(KEPT)

    def show(self, path: Path | None, empty: str = "no output yet") -> None:
        """Show this file from its end, or `empty` if nothing is in it; a file that is shown already stays as it is."""
        self._empty = empty
        if self._place is None or self._place.reader.path != path:
            self._close()
            if path is not None:
                self._place = Place(path, self.size.height)
        self.poll()

    def poll(self) -> None:
        """Look at the file again and repaint what changed in sight; meant to be called a few times a second."""
        if self._place is not None and self.is_attached:
            if self.text_selection is not None:
                self._place.hold()  # who selects text does not want it to move
            generation = self._place.reader.generation
            self._place.poll(SLICE)
            if self._place.reader.generation != generation:
                self._strips.clear()
                self.refresh()
        self._update()

    def search(self, text: str, *, only: bool = False) -> None:
        """Mark this text and go to the next line that contains it, or show `only` such lines; "" ends both.

        While following, that is the last such line, otherwise the first one in sight or below. In a large file it
        takes a while, with keys answered and nothing moved; `badge` says how far it has come.
        """
        if self._place is not None:
            self._place.search(text, only=only)
            if only:
                self._slide(0)
            self.refresh()  # the text searched for is marked wherever it is
            self._update()

    @property
    def text(self) -> str:
        """The lines in sight, from their beginning to their end."""
        return "\n".join(content(line).plain for line in self._rows)

    def action_move(self, lines: int) -> None:
        """Scroll by lines."""
        if self._place is not None:
            self._place.move(lines)
            self._update()

    def action_page(self, pages: int) -> None:
        """Scroll by as many lines as are in sight, less one."""
        self.action_move(pages * max(1, self.size.height - 1))

    def action_home(self) -> None:
        """Go to the first line."""
        self._slide(0)
        self._go_to_share(0)

    def action_end(self) -> None:
        """Go to the last line and follow."""
        self._go_to_share(1)

    def action_sideways(self, steps: int) -> None:
        """Scroll sideways, to the right as far as the longest line in sight goes."""
        right = self._left + self._width
        if steps < 0 or any(content(line, right + 1).cell_length > right for line in self._rows):
            self._slide(self._left + steps * SIDEWAYS)

    def action_match(self, forward: bool) -> None:
        """Go to the next line that contains the text searched for, or to the one before."""
        if self._place is not None:
            self._place.search_on(forward=forward)
            self._update()

    def render_line(self, y: int) -> Strip:
        """One row of the screen, with its part of the scrollbar."""
        look = self._current_look()
        base = look.base.rich_style
        if y < len(self._rows):
            strip = self._row(y, look)
        else:
            note = self._note() if y == 0 and not self._rows else ""
            segments = literal(note, look.mark).render_segments(look.base)
            strip = Strip(segments).crop_extend(0, look.width, base)
        style = self.get_visual_style("log-view--thumb").rich_style if y in self._thumb else base
        return Strip.join([strip, Strip([Segment("▐" if y in self._thumb else " ", style)], 1)])

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """The selected text; rows are counted from the first in sight."""
        return selection.extract(self.text), "\n"

    @property
    def allow_select(self) -> bool:
        """Whether dragging the mouse selects text: not on the scrollbar."""
        return not self._over_thumb

    def on_resize(self) -> None:
        """Show as many lines as there is room for."""
        if self._place is not None:
            self._place.height = self.size.height
            self._place.look()
        self.poll()

    def on_unmount(self) -> None:
        """Give the file back."""
        self._close()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by the wheel, sideways with shift."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by the wheel, sideways with shift."""
        self._wheel(event, -1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the scrollbar."""
        if self._over_thumb and self._thumb:
            self.capture_mouse()
            self._drag(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Scroll with the scrollbar."""
        if self.app.mouse_captured is self:
            self._drag(event)
        else:
            self._over_thumb = event.get_content_offset_capture(self).x == self._width

    def on_mouse_up(self) -> None:
        """Let go of the scrollbar."""
        self.release_mouse()

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        if event.shift or event.ctrl:
            self.action_sideways(direction)
        else:
            self.action_move(direction * WHEEL)

    def _drag(self, event: events.MouseEvent) -> None:
        event.stop()
        y, last = event.get_content_offset_capture(self).y, self.size.height - 1
        self._go_to_share(min(max(0, y), last) / max(1, last))

    def _go_to_share(self, share: float) -> None:
        if self._place is not None:
            self._place.go_to_share(share)
            self._update()

    def _slide(self, left: int) -> None:
        if (left := max(0, left)) != self._left:
            self._left = left
            self.refresh()

    @property
    def _width(self) -> int:
        return max(1, self.size.width - 1)  # the last column is the scrollbar's

    def _note(self) -> str:
        if self._place is None:
            return self._empty
        if self._place.filter is not None and self._place.reader.size:
            return "looking…" if self._place.working else f"no line contains “{self._place.needle}”"
        problem = self._place.reader.problem
        return f"cannot be read: {problem}" if problem else self._empty

    def _current_look(self) -> Look:
        look = Look(
            left=self._left,
            width=self._width,
            needle="" if self._place is None else self._place.needle,
            base=self.visual_style,
            mark=self.get_visual_style("log-view--mark"),
        )
        if look != self._look:
            self._look = look
            self._strips.clear()
        return look

    def _row(self, y: int, look: Look) -> Strip:
        line = self._rows[y]
        current = line.start == self._match
        selection = self.text_selection
        if selection is not None and (selected := selection.get_span(y)) is not None:
            style = self.screen.get_visual_style("screen--selection", partial=True)
            return row(line, look, current=current, selected=(*selected, style)).apply_offsets(self._left, y)
        key = (line.start, line.next, current)
        if (strip := self._strips.get(key)) is None:
            strip = self._strips[key] = row(line, look, current=current)
        return strip.apply_offsets(self._left, y)

    def _update(self, *, tell: bool = True) -> None:
        """Repaint the rows that differ from what was painted, tell the frame, and go on with what takes longer."""
        place, bar = self._place, range(0)
        rows = [] if place is None else place.rows
        match = -1 if place is None else place.match
        if place is not None and rows:
            bar = thumb(rows[0].start, rows[-1].next, place.reader.size, self.size.height)
        found = next((line for line in rows if line.start == match), None)
        if place is not None and found is not None and match != self._match:
            self._bring_in_sight(found, place.needle)
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
        if place is not None and place.working and not self._working:
            self._working = self.call_later(self._work)

    def _shown(self, y: int) -> tuple[object, bool, bool]:
        """All that decides how a row looks, apart from the style of the whole."""
        if y < len(self._rows):
            return self._rows[y], self._rows[y].start == self._match, y in self._thumb
        return self._note() if not self._rows else "", False, False

    def _bring_in_sight(self, line: Line, needle: str) -> None:
        """Scroll sideways to where the line has the text searched for."""
        at = column(line, needle, FAR)
        if at is not None and not self._left <= at <= self._left + self._width - len(needle) - 1:
            self._slide(at - self._width // 3 if at >= self._width // 2 else 0)

    async def _work(self) -> None:
        self._working = False
        if self._place is not None:
            self._place.work(SLICE)
            for _ in range(HOPS):  # a handler that never waits would keep everybody else from running
                await asyncio.sleep(0)
            self._update(tell=not self._place.working)

    def _tell(self) -> None:
        place = self._place
        facts = (True, 0, "") if place is None else (place.following, place.new_lines, place.badge())
        if facts != (self.following, self.new_lines, self.badge):
            self.following, self.new_lines, self.badge = facts
            self.post_message(self.Moved(self))

    def _close(self) -> None:
        if self._place is not None:
            self._place.reader.close()
        self._place = None
        self._slide(0)
        self._strips.clear()
