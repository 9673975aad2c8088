"""JSON text as it is handed out: the same values, and nothing in it that a terminal would obey or hide."""

from __future__ import annotations

import re
from typing import Final

from pyalma_tui.model.printable import HOSTILE

_BEYOND_ASCII: Final = re.compile("[^\x00-\x7e]")


def escaped(text: str, *, to_ascii: bool = False) -> str:
    r"""The JSON text with DEL, C1 and whatever else is not seen as escapes (`\u009b`), or all beyond ASCII.

    Such characters can only stand in its strings, where an escape means the same.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return (_BEYOND_ASCII if to_ascii else HOSTILE).sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    if character < "\x7f":  # a newline between two values
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
