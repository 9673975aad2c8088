"""How a status looks on the screen, whose themes have colours of their own, and the other looks that texts share."""

from __future__ import annotations

from typing import Final

from pyalma_tui.model import status as s
from pyalma_tui.model.status_style import STYLES

MUTED: Final = "$foreground-muted"
THEMED: Final = {
    "dim": MUTED,
    "cyan": "$text-primary",
    "yellow": "$text-warning",
    "red": "$text-error",
    "green": "$text-success",
}
"""What themes call the colours that terminals have."""

GLYPHS: Final[dict[s.Word, str]] = {word: STYLES[word].glyph for word in s.WORDS}
COLOURS: Final[dict[s.Word, str]] = {word: THEMED[STYLES[word].colour] for word in s.WORDS}

STRONG: Final = "bold"
ALARM: Final = "bold $text-error"
MARK: Final = "▌"
ESTIMATE: Final = "≈"
