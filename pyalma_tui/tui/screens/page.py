"""A page that is nothing but a text: a title, what fits of it, and keys."""

from __future__ import annotations

from abc import abstractmethod

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.tui.screens.text import TextScreen
from pyalma_tui.tui.widgets.header import Caption
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.text_scroll import TextScroll


class Page(TextScreen):
    """A text on the whole screen, which scrolls."""

    AUTO_FOCUS = "VerticalScroll"

    def compose(self) -> ComposeResult:
        """The title, the text, what the page has below it, and the keys."""
        yield Caption(classes="page-title")
        with TextScroll(classes="panel page"):
            yield Static(classes="page-text")
        yield from self.below()
        yield KeyBar(self.scope, "app")

    def below(self) -> ComposeResult:
        """What stands between text and keys."""
        yield from ()

    @abstractmethod
    def title_text(self) -> Content:
        """The line at the top."""

    def paint(self) -> None:
        """Put the text of this moment there."""
        self.put_text(self.query_one(".page-text", Static))
        self.query_one(".page-title", Caption).show(self.title_text())
        self.query_one(KeyBar).show(self.situation())

    def do_back(self) -> None:
        """Leave it."""
        self.dismiss()
