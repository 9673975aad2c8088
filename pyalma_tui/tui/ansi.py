"""Colour and weight of a log's text as styles of the screen."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from textual.color import Color
from textual.style import Style

from pyalma_tui.model.logtext import SGR_CODES

SGR = re.compile(rf"\x1b\[(?P<sgr>{SGR_CODES})m")
PLAIN = Style()

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_SIXTEEN = [Color.parse(f"ansi_{bright}{name}") for bright in ("", "bright_") for name in _COLOURS]
_CUBE = (0, 95, 135, 175, 215, 255)
# What a code changes in a Style. Blinking (5, 6) and concealing (8) are left out: the screen is calm and hides nothing.
_CHANGES: dict[int, dict[str, Any]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    21: {"underline2": True},
    22: {"bold": None, "dim": None},
    23: {"italic": None},
    24: {"underline": None, "underline2": None},
    27: {"reverse": None},
    29: {"strike": None},
    39: {"foreground": None},
    49: {"background": None},
    **{first + n: {"foreground": _SIXTEEN[base + n]} for first, base in ((30, 0), (90, 8)) for n in range(8)},
    **{first + n: {"background": _SIXTEEN[base + n]} for first, base in ((40, 0), (100, 8)) for n in range(8)},
}


@lru_cache(1024)
def restyled(style: Style, codes: str) -> Style:
    """The style after an SGR sequence with these codes (ECMA-48 8.3.117; colours as in xterm's ctlseqs)."""
    groups = [[int(number or 0) for number in group.split(":")] for group in codes.split(";")]
    while groups:
        code, *rest = groups.pop(0)
        if code == 0:
            style = PLAIN
        elif code in (38, 48):
            if not rest and groups:  # 38;5;n and 38;2;r;g;b: written as codes of their own
                width = {5: 2, 2: 4}.get(groups[0][0], 1)
                rest, groups = [number for number, *_ in groups[:width]], groups[width:]
            elif len(rest) == 5:  # 38:2:<colour space>:r:g:b
                del rest[1]
            if colour := _extended(rest):
                style = replace(style, foreground=colour) if code == 38 else replace(style, background=colour)
        elif code == 4 and rest == [0]:
            style = replace(style, underline=None)
        else:
            style = replace(style, **_CHANGES.get(code, {}))
    return style


def _extended(numbers: list[int]) -> Color | None:
    match numbers:
        case [5, index] if index < 16:
            return _SIXTEEN[index]
        case [5, index] if index < 232:
            index -= 16
            return Color(_CUBE[index // 36], _CUBE[index // 6 % 6], _CUBE[index % 6])
        case [5, index] if index < 256:
            grey = 8 + 10 * (index - 232)
            return Color(grey, grey, grey)
        case [2, red, green, blue] if max(red, green, blue) < 256:
            return Color(red, green, blue)
    return None
