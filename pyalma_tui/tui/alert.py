"""Telling somebody who looks elsewhere: the escape sequences by which terminals show a notification of the desktop."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

URXVT: Final = ("rxvt", "foot", "st-")  # terminals that know the 777 of rxvt-unicode; the others that know any take 9


def alert(title: str, text: str, environ: Mapping[str, str] = os.environ) -> str:
    """The sequence that shows a text under a title; a terminal that knows none ignores it.

    Neither may hold anything that a terminal would obey, nor a semicolon in the title. OSC 9 is iTerm2's, OSC 777 that
    of rxvt-unicode; tmux and screen pass a sequence on that is wrapped in one of their own.
    """
    kind = environ.get("TERM", "")
    plain = f"\x1b]777;notify;{title};{text}\x1b\\" if kind.startswith(URXVT) else f"\x1b]9;{title}: {text}\x1b\\"
    if environ.get("TMUX"):
        return f"\x1bPtmux;{plain.replace(chr(27), chr(27) * 2)}\x1b\\"
    if kind.startswith("screen"):
        return f"\x1bP{plain}\x1b\\"
    return plain
