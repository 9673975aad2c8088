"""What stands before a line of a log: whether it is marked, when it arrived, its number."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pyalma_tui.logs.reader import Line
from pyalma_tui.logs.viewport import Viewport
from pyalma_tui.tui.log_options import LogOptions
from pyalma_tui.tui.look import MARK

CLOCK = "%H:%M:%S"
LEAST = 3  # digits


@dataclass(frozen=True, slots=True)
class Gutter:
    """The texts before lines, by where these begin, each `width` cells wide with a space at its end."""

    width: int = 0
    texts: tuple[str, ...] = ()

    def text(self, line: int, *, first: bool) -> str:
        """What stands before a row of the line with this number in sight: nothing but before its first row."""
        return self.texts[line] if first and line < len(self.texts) else " " * self.width


def gutter_width(viewport: Viewport, options: LogOptions) -> int:
    """The cells that it takes: none if there is nothing to show."""
    if not (options.numbers or options.times or viewport.marks):
        return 0
    return 1 + (_digits(viewport) + 1 if options.numbers else 0) + (len("00:00:00") + 1 if options.times else 0)


def gutter(viewport: Viewport, options: LogOptions, lines: Sequence[Line]) -> Gutter:
    """What stands before these lines."""
    width = gutter_width(viewport, options)
    if not width:
        return Gutter()
    marks = set(viewport.marks)
    parts = [[MARK if line.start in marks else " " for line in lines]]
    if options.times:
        parts.append([_clock(at) for at in viewport.times.of([line.start for line in lines])])
    if options.numbers and viewport.numbering is not None:
        digits, number = _digits(viewport), viewport.numbering.number
        numbers = [None if line.cut_before else number(line.start) for line in lines]
        parts.append([f"{'' if found is None else found:>{digits}} " for found in numbers])
    return Gutter(width, tuple("".join(texts) for texts in zip(*parts, strict=True)))


def _digits(viewport: Viewport) -> int:
    total = 0 if viewport.numbering is None else viewport.numbering.tally.total
    return max(LEAST, len(str(total + 1)))


def _clock(at: float | None) -> str:
    return (time.strftime(CLOCK, time.localtime(at)) if at is not None else " " * 8) + " "
