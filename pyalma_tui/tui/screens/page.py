"""A page that is nothing but a text: a title, what fits of it, and keys."""

from __future__ import annotations

from abc import abstractmethod

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.header import Caption
from pyalma_tui.tui.widgets.key_bar import KeyBar


class Page(BaseScreen[None]):
    """A text that is kept up to date, made for the width there is, and scrolls."""

    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self._painted: object = None

    def compose(self) -> ComposeResult:
        """The title, the text, what the page has below it, and the keys."""
        yield Caption(classes="page-title")
        with VerticalScroll(classes="panel page"):
            yield Static(classes="page-text")
        yield from self.below()
        yield KeyBar(self.scope, "app")

    def below(self) -> ComposeResult:
        """What stands between text and keys."""
        yield from ()

    @abstractmethod
    def title_text(self) -> Content:
        """The line at the top."""

    @abstractmethod
    def subject(self) -> object:
        """All that the text depends on besides the width: it is made anew when this changes."""

    @abstractmethod
    def text(self, width: int) -> Content:
        """The text for so many cells."""

    def paint(self) -> None:
        """Put the text of this moment there."""
        text = self.query_one(".page-text", Static)
        width = text.content_size.width
        wanted = (width, self.subject())
        if width and wanted != self._painted:
            self._painted = wanted
            text.update(self.text(width))
        self.query_one(".page-title", Caption).show(self.title_text())
        self.query_one(KeyBar).show(self.situation())

    def on_resize(self) -> None:
        """The width is known after the next refresh."""
        self.call_after_refresh(self.paint)

    def do_back(self) -> None:
        """Leave it."""
        self.dismiss()
