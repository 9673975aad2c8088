"""The browser as Textual drives it, with keys in their turn."""

from __future__ import annotations

from textual.drivers.web_driver import WebDriver

from pyalma_tui.tui.in_turn import InTurnDriver


class Browser(InTurnDriver, WebDriver):
    """What textual-serve talks to."""
