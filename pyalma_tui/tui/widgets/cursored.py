"""A view on lines of which one is selected and stays in sight, however one moves."""

from __future__ import annotations

from abc import abstractmethod

from textual.scroll_view import ScrollView


class Cursored(ScrollView, can_focus=True):
    """What the keys of a list do. `_line` is the number of the selected line, from 0."""

    _line = 0

    @abstractmethod
    def count_lines(self) -> int:
        """How many lines there are."""

    @abstractmethod
    def go(self, line: int) -> None:
        """Select this line, or the nearest that there is."""

    def _nearest(self, line: int) -> int:
        return min(max(line, 0), max(0, self.count_lines() - 1))

    def _scroll_into_view(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self._line < top:
            self.scroll_to(y=self._line, animate=False)
        elif self._line >= top + height:
            self.scroll_to(y=self._line - height + 1, animate=False)

    def action_move(self, lines: int) -> None:
        """Up or down."""
        self.go(self._line + lines)

    def action_page(self, pages: int) -> None:
        """By a screenful."""
        self.go(self._line + pages * max(1, self.size.height - 1))

    def action_home(self) -> None:
        """The first."""
        self.go(0)

    def action_end(self) -> None:
        """The last."""
        self.go(self.count_lines() - 1)
