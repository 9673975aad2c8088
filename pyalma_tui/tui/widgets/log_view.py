"""The log of a run, and what keys and the mouse do with it: scroll, search, filter, mark, go somewhere."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.selection import Selection

from pyalma_tui.logs.goal import Goal
from pyalma_tui.logs.needle import ERROR, Needle, Term
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.widgets.log_pane import LogPane
from pyalma_tui.tui.widgets.log_row import content

SIDEWAYS = 8  # cells
WHEEL = 3  # lines


class LogView(LogPane):
    """A log that keys move. Its methods do nothing where no file is shown."""

    BINDINGS: ClassVar[list[BindingType]] = strokes("log text")
    _over_thumb = False

    @property
    def has_times(self) -> bool:
        """Whether somebody has noted when lines arrived."""
        return self._viewport is not None and self._viewport.times.last() is not None

    def arrived(self, end: float | None) -> None:
        """Tell when all of it had arrived, where that took less time than anybody notes."""
        if self._viewport is not None and self._viewport.times.end != end:
            self._viewport.times.end = end
            self._forget()
            self.refresh()

    @property
    def lines(self) -> str:
        """The lines in sight, from their beginning to their end."""
        return "\n".join(content(line).plain for line in dict.fromkeys(each.line for each in self._rows))

    def search(self, text: str) -> None:
        """Mark this text or pattern and go to the next line that has it; "" ends that.

        While following, that is the last such line, otherwise the first one in sight or below. In a large file it
        takes a while, with keys answered and nothing moved; `badge` says how far it has come.
        """
        self._look_for(Needle(text) if text else None)

    def first(self, text: str) -> None:
        """Search for this text or pattern from the first line on."""
        self._look_for(Needle(text), from_start=True)

    def first_error(self) -> None:
        """Search for what tells of an error, from the first line on."""
        self._look_for(Needle(ERROR, "an error"), from_start=True)

    def _look_for(self, needle: Needle | None, *, from_start: bool = False) -> None:
        if self._viewport is not None:
            self._viewport.search(needle, from_start=from_start)
            self.refresh()  # what is searched for is marked wherever it is
            self._update()

    def only(self, text: str, *, wanted: bool = True) -> None:
        """Of the lines that are shown, leave those that have this text or pattern, or those that have it not."""
        if self._viewport is not None and text:
            self._viewport.only((*self._viewport.terms, Term(Needle(text), wanted)))
            self._slide(0)
            self._update()

    def take_back(self) -> bool:
        """End the search; without one, take back the last filter. Whether there was something to take back."""
        viewport = self._viewport
        if viewport is None or not (viewport.needle or viewport.terms):
            return False
        if viewport.needle is not None:
            viewport.search(None)
            self.refresh()
        else:
            viewport.only(viewport.terms[:-1])
        self._update()
        return True

    def go_to(self, goal: Goal) -> str:
        """Go there; why that cannot be, "" if it can."""
        told = "" if self._viewport is None else self._viewport.go_to(goal)
        self._update()
        return told

    def mark(self) -> None:
        """Mark the line that the search stands at, or the first in sight; or not any more."""
        if self._viewport is not None:
            self._viewport.mark()
            self._update()
            self.refresh()

    def go_to_mark(self) -> bool:
        """Go to the next marked line; whether there is one."""
        found = self._viewport is not None and self._viewport.go_to_mark()
        self._update()
        return found

    def action_move(self, lines: int) -> None:
        """Scroll by lines."""
        self._move(lines)

    def action_page(self, pages: int) -> None:
        """Scroll by as many lines as are in sight, less one."""
        self._move(pages * max(1, self.size.height - 1))

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
        if self.options.wrap:
            return
        if steps < 0 or any(content(each.line, right + 1).cell_length > right for each in self._rows):
            self._slide(self._left + steps * SIDEWAYS)

    def action_match(self, forward: bool) -> None:
        """Go to the next line that has what is searched for, or to the one before."""
        if self._viewport is not None:
            self._viewport.search_on(forward=forward)
            self._update()

    @property
    def allow_select(self) -> bool:
        """Whether dragging the mouse selects text: not on the scrollbar."""
        return not self._over_thumb

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
            self._over_thumb = event.get_content_offset_capture(self).x == self._right

    def on_mouse_up(self) -> None:
        """Let go of the scrollbar."""
        self.release_mouse()

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        if event.shift or event.ctrl:
            self._slide(self._left + direction * SIDEWAYS)
        else:
            self._move(direction * WHEEL)

    def _drag(self, event: events.MouseEvent) -> None:
        event.stop()
        y, last = event.get_content_offset_capture(self).y, self.size.height - 1
        self._go_to_share(min(max(0, y), last) / max(1, last))

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        """The selected text; rows are counted from the first in sight."""
        return selection.extract(self.text), "\n"
