"""How a status looks: a glyph, a word and a theme colour, never a colour alone."""

from __future__ import annotations

from typing import Final

from pyalma_tui.model import status as s

GLYPHS: Final[dict[s.Word, str]] = {
    "pending": "○",
    "running": "●",
    "interrupted": "‖",
    "failed": "✗",
    "done": "✓",
}

COLOURS: Final[dict[s.Word, str]] = {
    "pending": "$foreground-muted",
    "running": "$text-primary",
    "interrupted": "$text-warning",
    "failed": "$text-error",
    "done": "$text-success",
}

MUTED: Final = "$foreground-muted"
STRONG: Final = "bold"
ALARM: Final = "bold $text-error"
MARK: Final = "▌"
ESTIMATE: Final = "≈"
