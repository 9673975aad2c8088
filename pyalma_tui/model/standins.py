"""What is written where the terminal's encoding has no place for a character: Latin-1, ASCII and the like.

A stand-in fills as many cells as what it stands for: columns stay below each other, and a display that is painted over
stays as high as it was.
"""

from __future__ import annotations

import unicodedata
from typing import Final

UNKNOWN: Final = "?"
_GLYPHS: Final = {
    "●": "*",
    "○": "o",
    "✓": "+",
    "✗": "x",
    "‖": "=",
    "·": ".",
    "•": "*",
    "×": "x",
    "…⋯≈": "~",
    "→›▸▶↪": ">",
    "←‹◂◀": "<",
    "↑▲⇅": "^",
    "↓▼": "v",
    "⏎": "$",
    "≠": "!",
    "■": "#",
    "▾": "v",
    "◆★✚": "*",
    "⣀": "_",
    "“”": '"',
    "‘’": "'",
    "–—−": "-",
    "\xa0": " ",
    "─┄┈╴╶╼▁▔▀▄": "-",
    "━═╸╺╾": "=",
    "┅┉╍": "~",
    "╌": ".",
    "│┃┆┇┊┋╎╏║╵╷╹╻╽╿▌▐▎▊▍▋▏▕": "|",
}
_TABLE: Final = {glyph: plain for glyphs, plain in _GLYPHS.items() for glyph in glyphs}
_BOXES: Final = range(0x2500, 0x2580)
_BLOCKS: Final = range(0x2580, 0x25A0)


def stand_in(character: str) -> str:
    """ASCII for one character, as wide as that is: `*` for ●, `?` where there is nothing like it."""
    known = _TABLE.get(character)
    if known is not None:
        return known
    if ord(character) in _BOXES:
        return "+"
    if ord(character) in _BLOCKS:
        return "#"
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    return UNKNOWN * (2 if unicodedata.east_asian_width(character) in "WF" else 1)


def standing_in(error: UnicodeError) -> tuple[str, int]:
    """The handler of errors of a stream: stand-ins for what its encoding cannot carry. Raises what is no such error."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(stand_in, error.object[error.start : error.end])), error.end
