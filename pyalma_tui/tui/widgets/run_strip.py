"""The runs of one instance at a glance: a glyph for each iteration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from pyalma_tui.model import status as s
from pyalma_tui.tui.look import COLOURS, GLYPHS
from pyalma_tui.tui.view_moment import Moment

TEN = 10  # glyphs, then a cell of air: so one counts
MOST_LINES = 3


class RunStrip(Widget):
    """Glyphs in groups of ten, in as many lines as they need but at most three, the selected one in sight."""

    ALLOW_SELECT = False

    @dataclass
    class Picked(Message):
        """A glyph was clicked; `position` is that of its run."""

        position: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._words: Sequence[s.Word] = ()
        self._position: int | None = None

    def show(self, moment: Moment, runs: Sequence[int], selected: int | None) -> None:
        """Take in where these runs stand; `selected` is one of them."""
        words = [s.word(moment.run(run).status) for run in runs]
        position = runs.index(selected) if selected is not None and selected in runs else None
        if (words, position) != (self._words, self._position):
            taller = len(words) != len(self._words)
            self._words, self._position = words, position
            self.refresh(layout=taller)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """The lines that all glyphs need, three at most."""
        return min(MOST_LINES, max(1, -(-len(self._words) // per_line(width))))

    def _first(self) -> int:
        """The place of the first glyph in sight."""
        line = per_line(self.content_size.width)
        most = self.content_size.height or 1
        last = max(0, -(-len(self._words) // line) - most)
        return min(last, max(0, (self._position or 0) // line - most // 2)) * line

    def render(self) -> Content:
        """The glyphs of the lines in sight; neighbours of one status are one piece."""
        size, first = per_line(self.content_size.width), self._first()
        lines = []
        for start in range(first, min(len(self._words), first + size * max(1, self.content_size.height)), size):
            parts: list[tuple[str, str]] = []
            for position in range(start, min(start + size, len(self._words))):
                word = self._words[position]
                style = COLOURS[word] + (" reverse" if position == self._position else "")
                glyph = GLYPHS[word]
                if parts and parts[-1][1] == style and position % TEN:
                    parts[-1] = (parts[-1][0] + glyph, style)
                else:
                    parts += [(" ", "")] * (position % TEN == 0 and position > start) + [(glyph, style)]
            lines.append(Content.assemble(*parts))
        return Content("\n").join(lines)

    def on_click(self, event: events.Click) -> None:
        """Select the run whose glyph was clicked."""
        offset = event.get_content_offset(self)
        if offset is None or offset.x % (TEN + 1) == TEN:
            return
        size = per_line(self.content_size.width)
        position = self._first() + offset.y * size + offset.x - offset.x // (TEN + 1)
        if offset.x - offset.x // (TEN + 1) < size and position < len(self._words):
            self.post_message(self.Picked(position))


def per_line(width: int) -> int:
    """How many glyphs stand in a line of so many cells: whole tens, if there is room for one."""
    return max(1, (width + 1) // (TEN + 1) * TEN or width)
