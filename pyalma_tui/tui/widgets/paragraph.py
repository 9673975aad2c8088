"""Text of several lines, of which only those that changed are painted again."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


class Paragraph(Widget):
    """Lines that are wrapped already. A whole repaint of 10 lines costs 2 kB on the terminal, one line 100 bytes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._lines: Sequence[Content] = ()

    def put(self, lines: Sequence[Content]) -> None:
        """Show these lines."""
        before, self._lines = self._lines, lines
        if len(before) != len(lines):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            if not old.is_same(new):
                self.refresh(Region(0, y, self.size.width, 1))

    def render(self) -> Content:
        """All lines."""
        return Content("\n").join(self._lines)
