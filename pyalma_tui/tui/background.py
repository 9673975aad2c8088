"""Whether the terminal is dark: what its environment says, and what it answers to OSC 11 of xterm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

QUESTION: Final = "\x1b]11;?\x1b\\"
DEAF: Final = ("linux", "dumb")  # would print the question
_LETTERS = "rgba:/#?0-9A-Fa-f"  # of a colour
# An escape alone is a key and cannot wait: of a slow line the answer may come without it. What is no letter of a colour
# ends an answer that was cut off, and is a key.
_END = rf"\x07|\x1b\\|(?=[^{_LETTERS}\x1b]|\x1b[^\\])"
_ANSWER = re.compile(rf"\x1b?\]11;(?P<colour>[{_LETTERS}]{{0,40}})(?:{_END})")
_BEGUN = rf"\]11;[{_LETTERS}]{{0,40}}\x1b?"
_BEGINNING = re.compile(rf"(\x1b(\]1?1?|{_BEGUN})|{_BEGUN})\Z")
_RGB = re.compile(r"rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")
LIGHT_ANSI: Final = {"7", "9", "10", "11", "12", "13", "14", "15"}
WEIGHTS: Final = (0.2126, 0.7152, 0.0722)  # how bright the primaries of sRGB are (ITU-R BT.709)


def dark_by_environment(environ: Mapping[str, str]) -> bool | None:
    """What COLORFGBG, such as `15;0`, says; None if it says nothing."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background not in LIGHT_ANSI if background.isdigit() else None


def is_asked(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is to be asked: one that does not answer must at least take the question for one."""
    return not environ.get("TERM", "dumb").startswith(DEAF)


class Answer:
    """Takes the terminal's answer out of what comes from it, wherever reads cut it: nobody has typed it."""

    def __init__(self) -> None:
        self.dark: bool | None = None
        self._pending = ""

    def without(self, text: str) -> str:
        """What was typed; the beginning of an answer waits for its end."""
        text, self._pending = self._pending + text, ""
        while (found := _ANSWER.search(text)) is not None:
            self.dark = _is_dark(found["colour"])
            text = text[: found.start()] + text[found.end() :]
        if (begun := _BEGINNING.search(text)) is not None:
            text, self._pending = text[: begun.start()], text[begun.start() :]
        return text


def _is_dark(colour: str) -> bool | None:
    if (found := _RGB.match(colour)) is None:
        return None
    levels: list[float] = [int(digits, 16) / (16 ** len(digits) - 1) for digits in found.groups()]
    brightness: float = sum(weight * level for weight, level in zip(WEIGHTS, levels, strict=True))
    return brightness < 0.5
