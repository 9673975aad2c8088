"""A text that scrolls by the keys that move in lists and logs."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll

from pyalma_tui.tui.keys import strokes


class TextScroll(VerticalScroll):
    """What is higher than its place, by lines, screenfuls, and to its ends."""

    BINDINGS: ClassVar[list[BindingType]] = strokes("text")
