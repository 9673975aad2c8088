"""A box over the screen that it was opened on, and one that holds nothing but a text."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

from pyalma_tui.tui.keys import shown
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.screens.text import TextScreen
from pyalma_tui.tui.strokes import STROKES
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.text_scroll import TextScroll


def choice(scope: KeyScope, key: str, text: str) -> Content:
    """A line of a box that says what a key of it does; the mouse does the same there."""
    action = next(each.action for each in STROKES if each.scope == scope and key in each.keys.split(","))
    line = Content.assemble((shown(key), "bold"), f"  {text}")
    return line.stylize(Style.from_meta({"@click": f"screen.{action}"}))


class Box(BaseScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """A frame with a title above and keys below. What it does not do itself is left to the screen below."""

    scope: ClassVar[KeyScope] = "box"
    frame: ClassVar[type[Widget]] = Vertical

    def __init__(self, moment: Moment, title: str, keys: str = "") -> None:
        super().__init__(moment)
        self._heading, self._keys = title, keys

    def compose(self) -> ComposeResult:
        """What is inside, in a frame."""
        with self.frame(classes="box") as frame:
            frame.border_title = Content(self._heading)
            frame.border_subtitle = Content(self._keys)
            yield from self.content()

    @abstractmethod
    def content(self) -> ComposeResult:
        """What is inside."""

    def paint(self) -> None:
        """Nothing in it depends on the moment."""


class TextBox(Box[None], TextScreen):
    """A text that is kept up to date, and scrolls where it does not fit."""

    frame: ClassVar[type[Widget]] = TextScroll
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, moment: Moment, title: str, keys: str = "esc closes") -> None:
        super().__init__(moment, title, keys)

    def content(self) -> ComposeResult:
        """The text."""
        yield Static(id="box-text")

    def paint(self) -> None:
        """Put the text of this moment into the box."""
        self.put_text(self.query_one("#box-text", Static))
