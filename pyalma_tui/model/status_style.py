"""How a status looks wherever it is told: a glyph, its word and a colour, never a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pyalma_tui.model import status as s


class StatusStyle(NamedTuple):
    """`colour` is the name that terminals and Rich have for it."""

    glyph: str
    colour: str


STYLES: Final[Mapping[str, StatusStyle]] = {
    "pending": StatusStyle("○", "dim"),
    "running": StatusStyle("●", "cyan"),
    "interrupted": StatusStyle("‖", "yellow"),
    "failed": StatusStyle("✗", "red"),
    "done": StatusStyle("✓", "green"),
}

HOOK_LOOKS: Final[dict[type[s.HookStatus], s.Word]] = {
    s.HookAbsent: "pending",
    s.HookNotYet: "pending",
    s.HookRunning: "running",
    s.HookDone: "done",
    s.HookFailed: "failed",
    s.HookCutOff: "interrupted",
}
"""done() looks as a run does that stands there."""
