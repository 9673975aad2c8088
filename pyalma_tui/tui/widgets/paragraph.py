"""Text of several lines, of which only those that changed are painted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from textual.content import Content
from textual.geometry import Region, Size
from textual.widget import Widget

Wrap: TypeAlias = Callable[[int], Sequence[Content]]
"""Gives the lines for so many cells."""


class Paragraph(Widget):
    """Lines made for the width there is. A whole repaint of 10 lines costs 2 kB on the terminal, one line 100 bytes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._wrap: Wrap = lambda width: ()
        self._lines: tuple[int, Sequence[Content]] = (-1, ())

    def put(self, wrap: Wrap) -> None:
        """Show these lines."""
        width, before = self._lines
        self._wrap, self._lines = wrap, (-1, ())
        lines = self._at(width)
        if width < 0 or len(before) != len(lines):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, lines, strict=True)):
            if not old.is_same(new):
                self.refresh(Region(0, y, self.size.width, 1))

    def _at(self, width: int) -> Sequence[Content]:
        if width != self._lines[0]:
            self._lines = width, self._wrap(width)
        return self._lines[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as that width needs."""
        return len(self._at(width))

    def render(self) -> Content:
        """All lines."""
        return Content("\n").join(self._at(self.content_size.width))
