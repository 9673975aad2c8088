"""The keys that widgets, boxes and Textual answer by themselves, beside the actions of the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyalma_tui.tui.obstacles import KeyScope


@dataclass(frozen=True, slots=True)
class Stroke:
    """Keys that a widget or a box answers by itself: `action` is one of Textual's kind, with its arguments.

    `help` is told among the keys that move; strokes with the same help share a line.
    """

    scope: KeyScope
    keys: str
    action: str
    label: str
    help: str = ""


MOVE: Final = "Move."
PAGE: Final = "Move by a screenful."
RANGE: Final = "Move, and mark all from where that began; by a screenful with the page keys."
ENDS: Final = "First, last. On the first one the list stays at its top."
TEXT_ENDS: Final = "In a text or a log: its beginning, its end."

LETTERS: Final = "asdfghjkl"  # of panes: where the fingers lie

STROKES: Final[tuple[Stroke, ...]] = (
    Stroke("list", "up,k", "move(-1)", "Up", MOVE),
    Stroke("list", "down,j", "move(1)", "Down", MOVE),
    Stroke("list", "pageup", "page(-1)", "Page up", PAGE),
    Stroke("list", "pagedown", "page(1)", "Page down", PAGE),
    Stroke("list", "shift+up", "reach(-1)", "Mark up", RANGE),
    Stroke("list", "shift+down", "reach(1)", "Mark down", RANGE),
    Stroke("list", "shift+pageup", "reach_page(-1)", "Mark a page up"),
    Stroke("list", "shift+pagedown", "reach_page(1)", "Mark a page down"),
    Stroke("list", "home,g", "home", "First", ENDS),
    Stroke("list", "end,G", "end", "Last", ENDS),
    Stroke("table", "left,h", "column(-1)", "Column before", "Results: the column before, after."),
    Stroke("table", "right,l", "column(1)", "Column after", "Results: the column before, after."),
    Stroke("text", "up,k", "scroll_up", "Up", MOVE),
    Stroke("text", "down,j", "scroll_down", "Down", MOVE),
    Stroke("text", "pageup", "page_up", "Page up", PAGE),
    Stroke("text", "pagedown", "page_down", "Page down", PAGE),
    Stroke("text", "home,g", "scroll_home", "To the beginning", TEXT_ENDS),
    Stroke("text", "end,G", "scroll_end", "To the end", TEXT_ENDS),
    Stroke("log text", "up,k", "move(-1)", "Up", MOVE),
    Stroke("log text", "down,j", "move(1)", "Down", MOVE),
    Stroke("log text", "pageup", "page(-1)", "Page up", PAGE),
    Stroke("log text", "pagedown", "page(1)", "Page down", PAGE),
    Stroke("log text", "home,g", "home", "To the beginning", TEXT_ENDS),
    Stroke("log text", "end,G", "end", "Follow the end", TEXT_ENDS),
    Stroke("log text", "left", "sideways(-1)", "To the left", "Sideways in a log."),
    Stroke("log text", "right", "sideways(1)", "To the right", "Sideways in a log."),
    Stroke("log text", "n", "match(True)", "Next match"),
    Stroke("log text", "N", "match(False)", "Previous match"),
    Stroke("box", "escape,q,enter", "dismiss", "Close"),
    Stroke("question", "y", "answer(True)", "Yes"),
    Stroke("question", "n,escape,q", "answer(False)", "No"),
    Stroke("question", "left,right,h,l", "other", "Other"),
    Stroke("quitting", "d", "leave('detach')", "Go on without a screen"),
    Stroke("quitting", "i", "leave('interrupt')", "Interrupt and leave"),
    Stroke("quitting", "escape,q", "dismiss(None)", "Stay"),
    Stroke("which code", "m", "choose(True)", "With the code as it is now"),
    Stroke("which code", "o", "choose(False)", "With the code of this session"),
    Stroke("which code", "escape,q,n", "dismiss(None)", "Call nothing"),
    Stroke("experiments", "q,escape,ctrl+c,ctrl+q", "quit", "Leave"),
    Stroke("experiment list", "k", "cursor_up", "Up"),
    Stroke("experiment list", "j", "cursor_down", "Down"),
    Stroke("experiment list", "g", "first", "First"),
    Stroke("experiment list", "G", "last", "Last"),
    Stroke("picking", "escape,ctrl+c,ctrl+q", "quit", "Leave"),
    Stroke("tree", "space", "take", "Take, or take out"),
    Stroke("tree", "k", "cursor_up", "Up"),
    Stroke("tree", "j", "cursor_down", "Down"),
    Stroke("limits", "escape", "dismiss(None)", "Leave it"),
    *(Stroke("jumping", key, f"jump({place})", f"Pane {place + 1}") for place, key in enumerate(LETTERS)),
    Stroke("jumping", "escape,q", "dismiss(None)", "Stay"),
)

PARTS: Final[dict[KeyScope, tuple[KeyScope, ...]]] = {
    "main": ("list", "text", "log text"),
    "runs": ("list", "text", "log text"),
    "failures": ("list", "text"),
    "results": ("list", "table", "text"),
    "found": ("list",),
    "compare": ("text",),
    "history": ("text",),
    "log": ("log text", "text"),
    "plots": (),
}
"""What one moves in, by the place where it is."""

PALETTE: Final = "ctrl+p"

OF_TEXTUAL: Final[tuple[tuple[str, str], ...]] = (
    ("tab", "To the facts, to the log, and back to the list."),
    (PALETTE, "All actions by name."),
)
"""Keys that Textual answers, with what they do."""

OF_TEXTUAL_LABELS: Final = (("tab", "next pane"), ("shift+tab", "previous pane"), (PALETTE, "palette"))
"""These keys by the names of what they do."""
