"""One plot in a frame: a text that is made for the room that there is."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Plot(Widget, can_focus=True):
    """Paints what a function makes of its width and height, when that looks different."""

    class Selected(Message):
        """Somebody has put the focus on it."""

        def __init__(self, plot: Plot) -> None:
            super().__init__()
            self.plot = plot

    def __init__(self, name: str) -> None:
        super().__init__(id=f"plot-{name}", classes="panel")
        self.make: Callable[[int, int], Content] | None = None
        self._shown = Content("")

    def show(self, make: Callable[[int, int], Content]) -> None:
        """Put there what this makes of so many cells and rows."""
        self.make = make
        width, height = self.content_size
        if width and height and not (made := make(width, height)).is_same(self._shown):
            self._shown = made
            self.refresh()

    def render(self) -> Content:
        """The plot as it is now."""
        return self._shown

    def on_resize(self) -> None:
        """It is made anew for another room."""
        if self.make is not None:
            self.show(self.make)

    def on_focus(self) -> None:
        """Tell who is selected."""
        self.post_message(self.Selected(self))
