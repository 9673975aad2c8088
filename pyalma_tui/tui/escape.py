"""An escape that somebody has typed, told from one that begins what a terminal sends for a key, or answers."""

from __future__ import annotations

from typing import Final

ESCAPE: Final = "\x1b"
GOES_ON: Final = ("[", "O", "]", "\\")  # behind an escape: CSI and SS3 of keys; OSC of answers, and ST, their end


class Escape:
    """Keeps an escape that ends a read until it is known what it is.

    Textual takes an escape and whatever comes within its delay for one key with alt. Who closes a box and goes on with
    the next key is that fast. What a terminal sends for alt and a key comes in one read, and stays one key.
    """

    def __init__(self) -> None:
        self.waits = False

    def before(self, text: str) -> tuple[bool, str]:
        """Whether an escape was typed before this text was read, and the text, with an escape that begins it."""
        was_key = self.waits and not text.startswith(GOES_ON)
        if self.waits and not was_key:
            text = ESCAPE + text
        self.waits = False
        return was_key, text

    def known(self, text: str) -> str:
        """The text without an escape that ends it, which waits for the next one; "" if nothing else has come."""
        self.waits = text.endswith(ESCAPE)
        return text.removesuffix(ESCAPE)
