"""Curves, bars and axes out of characters: braille has two by four points in a cell, blocks have eighths of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from textual.content import Content

from pyalma_tui.model.scale import short, ticks
from pyalma_tui.tui.look import MUTED

BLANK = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a cell
RISING = " ▁▂▃▄▅▆▇█"
GROWING = " ▏▎▍▌▋▊▉█"
FAINT = "$foreground 30%"


@dataclass
class Canvas:
    """A field of braille cells, each in the colour of what was drawn into it last."""

    width: int
    height: int
    masks: dict[tuple[int, int], int] = field(default_factory=dict)
    colours: dict[tuple[int, int], str] = field(default_factory=dict)
    signs: dict[tuple[int, int], str] = field(default_factory=dict)

    def dot(self, x: int, y: int, colour: str) -> None:
        """Set one point; (0, 0) is below on the left, of 2 × width by 4 × height."""
        row, column = self.height - 1 - y // 4, x // 2
        if 0 <= column < self.width and 0 <= row < self.height:
            at = row, column
            self.masks[at] = self.masks.get(at, 0) | DOTS[3 - y % 4][x % 2]
            self.colours[at] = colour

    def sign(self, x: int, y: int, sign: str, colour: str) -> None:
        """Put a character where this point is: without colours it tells which curve it is."""
        self.dot(x, y, colour)
        self.signs[self.height - 1 - y // 4, x // 2] = sign

    def line(self, x: int, y: int, to_x: int, to_y: int, colour: str) -> None:
        """All points on the way from one to another."""
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        for step in range(steps + 1):
            self.dot(x + round((to_x - x) * step / steps), y + round((to_y - y) * step / steps), colour)

    def rows(self) -> list[Content]:
        """What it looks like, row by row."""
        return [
            pieced((self._character(at), self.colours.get(at, "")) for at in ((row, x) for x in range(self.width)))
            for row in range(self.height)
        ]

    def _character(self, at: tuple[int, int]) -> str:
        return self.signs.get(at) or chr(BLANK + self.masks.get(at, 0))


def pieced(cells: Iterable[tuple[str, str]]) -> Content:
    """Characters with their colours; neighbours of one colour are one piece."""
    pieces: list[tuple[str, str]] = []
    for text, colour in cells:
        if pieces and pieces[-1][1] == colour:
            pieces[-1] = (pieces[-1][0] + text, colour)
        else:
            pieces.append((text, colour))
    return Content.assemble(*pieces)


@dataclass(frozen=True)
class Curve:
    """Points (x, y) in ascending order of x, joined by lines; its sign stands at the last one."""

    points: Sequence[tuple[float, float]]
    colour: str
    sign: str = ""


def curves(
    shown: Sequence[Curve], width: int, height: int, across: tuple[float, float], upward: tuple[float, float]
) -> list[Content]:
    """The curves between these bounds of x and of y: as many rows as are asked for."""
    canvas = Canvas(max(1, width), height)
    (first, last), (low, high) = across, upward
    right, top = 2 * canvas.width - 1, 4 * height - 1

    def place(point: tuple[float, float]) -> tuple[int, int]:
        x = (point[0] - first) / (last - first) if last > first else 0.0
        y = (point[1] - low) / (high - low) if high > low else 0.5
        return round(min(max(x, 0.0), 1.0) * right), round(min(max(y, 0.0), 1.0) * top)

    for curve in shown:
        places = [place(point) for point in curve.points]
        if len(places) == 1:
            canvas.dot(*places[0], curve.colour)
        for start, end in pairwise(places):
            canvas.line(*start, *end, curve.colour)
        if curve.sign and places:
            canvas.sign(*places[-1], curve.sign, curve.colour)
    return canvas.rows()


def with_axis(rows: Sequence[Content], labels: Sequence[tuple[int, str]], margin: int) -> list[Content]:
    """Rows behind an axis; labels are (row from above, text)."""
    told = dict(labels)
    return [
        Content.assemble((told.get(number, "").rjust(margin), MUTED), ("┤" if number in told else "│", FAINT), row)
        for number, row in enumerate(rows)
    ]


def y_labels(low: float, high: float, height: int, *, counts: bool = False) -> list[tuple[int, str]]:
    """Round numbers at the rows where they are; of counts those that are whole."""
    if not high > low:
        return [(height // 2, short(low))]
    found: dict[int, str] = {}
    most = max(1, height // 2)
    most = min(most, math.ceil(high - low - 1e-6)) if counts else most
    shown = ticks(low, high, most)
    for tick in shown if len(shown) > 1 else ticks(low, high, 2 * most):  # one number tells no scale
        row = height - 1 - min(int((tick - low) / (high - low) * height), height - 1)
        found.setdefault(row, short(tick))
    return sorted(found.items())


def columns(stacked: Sequence[tuple[Sequence[float], str]], height: int, high: float) -> list[Content]:
    """Bars that stand side by side, one a cell wide, of values upon each other, each with its colour."""
    count = len(stacked[0][0]) if stacked else 0
    grid = [[(" ", "")] * count for _ in range(height)]
    for x in range(count):
        base = 0.0
        for values, colour in stacked:
            top = base + values[x]
            lower, upper = (round(value / high * height * 8) if high else 0 for value in (base, top))
            if values[x] > 0 and upper == lower:  # nothing that exists is invisible
                upper += 1
            base = max(top, upper * high / height / 8 if high else 0)
            for eighth in range(lower // 8, -(-upper // 8)):
                if eighth < height and (filled := min(upper - eighth * 8, 8)) > 0 and upper > lower:
                    starts_here = lower > eighth * 8
                    symbol = "█" if starts_here and filled == 8 else RISING[filled]
                    grid[height - 1 - eighth][x] = (symbol, colour)
    return [pieced(row) for row in grid]


def bar(share: float, width: int) -> str:
    """A bar that lies, in eighths of cells; something that is not nothing is seen."""
    eighths = max(round(min(max(share, 0.0), 1.0) * width * 8), 1 if share > 0 else 0)
    return "█" * (eighths // 8) + (GROWING[eighths % 8] if eighths % 8 else "")


def x_labels(places: Sequence[tuple[int, str]], width: int) -> str:
    """Texts beneath an axis, each centred at its cell; those that would touch the one before them are left out."""
    line = ""
    for place, text in sorted(places):
        start = max(0, min(place - len(text) // 2, width - len(text)))
        if start >= len(line) + (1 if line else 0):
            line += " " * (start - len(line)) + text
    return line.ljust(width)[:width]
