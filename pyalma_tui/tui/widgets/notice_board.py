"""What must be said in words, between the header and the list; no line of it if there is nothing to say."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.widgets.header import Caption
from pyalma_tui.tui.widgets.notices import GLYPH, Notice

LINES = 4


class NoticeBoard(Vertical):
    """A few lines, each with the look of its level."""

    def compose(self) -> ComposeResult:
        """Lines that are hidden until they are needed: mounting them later would move the list twice."""
        for _ in range(LINES):
            yield Caption(classes="notice")

    def show(self, said: Sequence[Notice]) -> None:
        """Say this."""
        for number, line in enumerate(self.query(Caption)):
            line.display = number < len(said)
            if number < len(said):
                notice = said[number]
                line.set_classes(f"notice -{notice.level}")
                text = literal(notice.text[:500])
                line.show(Content.assemble(f"{GLYPH[notice.level]} ", text))
        self.display = bool(said)
