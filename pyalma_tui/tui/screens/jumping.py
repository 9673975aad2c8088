"""A letter on each pane of the screen below; pressing it leads there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.strokes import LETTERS
from pyalma_tui.tui.view_moment import Moment


class Jumping(BaseScreen[Widget | None], ModalScreen[Widget | None]):
    """Its result is the pane that was chosen, None if none was."""

    scope = "jumping"
    BINDINGS: ClassVar[list[BindingType]] = strokes("jumping")

    def __init__(self, moment: Moment, panes: Sequence[Widget]) -> None:
        super().__init__(moment)
        self._panes = panes[: len(LETTERS)]

    def compose(self) -> ComposeResult:
        """A letter for each."""
        self._labels = [Static(letter, classes="jump") for letter in LETTERS[: len(self._panes)]]
        self.paint()
        yield from self._labels

    def paint(self) -> None:
        """Each letter where its pane is now."""
        for label, pane in zip(self._labels, self._panes, strict=True):
            label.styles.offset = (pane.region.x + 1, pane.region.y)

    def on_resize(self) -> None:
        """The panes have other places as soon as they are laid out."""
        self.call_after_refresh(self.paint)

    def action_jump(self, place: int) -> None:
        """Choose a pane."""
        if place < len(self._panes):
            self.dismiss(self._panes[place])

    def do_jump(self) -> None:
        """The same key again: stay."""
        self.dismiss(None)
