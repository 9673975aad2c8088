"""The question before something is lost."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.screens.box import Box
from pyalma_tui.tui.view_moment import Moment


class Question(Box[bool]):
    """What will happen, how many it concerns and what is lost. Nothing happens unless `y` is pressed or Yes chosen."""

    BINDINGS: ClassVar[list[BindingType]] = strokes("question")
    AUTO_FOCUS = "#no"  # the safe answer is the one that enter gives

    def __init__(self, moment: Moment, title: str, text: Content, yes: str) -> None:
        super().__init__(moment, title)
        self._text, self._yes = text, yes

    def content(self) -> ComposeResult:
        """Text, No and Yes."""
        yield Static(self._text)
        with Horizontal(classes="buttons"):
            yield Button("No  n", id="no", compact=True)
            yield Button(Content(f"{self._yes}  y"), id="yes", compact=True)

    def action_answer(self, answer: bool) -> None:
        """Close with this answer."""
        self.dismiss(answer)

    def action_other(self) -> None:
        """The other button."""
        self.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
