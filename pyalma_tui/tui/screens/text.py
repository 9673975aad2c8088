"""What a page and a box have in common that are nothing but a text."""

from __future__ import annotations

from abc import abstractmethod

from textual.content import Content
from textual.widgets import Static

from pyalma_tui.tui.screens.base import BaseScreen


class TextScreen(BaseScreen[None]):
    """A text that is kept up to date, made for the width there is."""

    _painted: object = None

    @abstractmethod
    def subject(self) -> object:
        """All that the text depends on besides the width: it is made anew when this changes."""

    @abstractmethod
    def text(self, width: int) -> Content:
        """The text for so many cells."""

    def put_text(self, place: Static) -> None:
        """Put the text of this moment there."""
        width = place.content_size.width
        wanted = (width, self.subject())
        if width and wanted != self._painted:
            self._painted = wanted
            place.update(self.text(width))

    def on_resize(self) -> None:
        """The width is known after the next refresh."""
        self.call_after_refresh(self.paint)
