"""Plots as SVG that stands in a page: colours are classes, texts are escaped, nothing is asked of a network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

from pyalma_tui.model import ends
from pyalma_tui.model.ends import EndColumns, Timeline
from pyalma_tui.model.printable import printable
from pyalma_tui.model.scale import Bin, bounds, clock_step, short, ticks
from pyalma_tui.model.series import Consumed
from pyalma_tui.model.words import clock, duration, span

WIDTH, HEIGHT = 560, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 10, 34
CHARACTER = 7.5  # points of one, at most
BINS = 80
HUES = 6  # classes h0 to h5


def text_of(text: str) -> str:
    """Anybody's text as part of a page: no markup, no control character."""
    return escape(printable(text), quote=True)


def picture(parts: Sequence[str], title: str, height: float = HEIGHT) -> str:
    """A picture that is as wide as its place; `title` is read out to those who do not see it."""
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{text_of(title)}">{inside}</svg>'


class Frame:
    """From numbers to places in a picture: x from `first` to `last`, y from `low` to `high`."""

    def __init__(self, first: float, last: float, low: float, high: float) -> None:
        self.first, self.last = first, last if last > first else first + 1
        self.low, self.high = low, high if high > low else low + 1

    def x(self, value: float) -> float:
        """Points from the left."""
        return LEFT + (value - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Points from above."""
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - BOTTOM - TOP)

    def axes(self) -> list[str]:
        """Lines at round numbers, and what they are."""
        parts = []
        for tick in ticks(self.low, self.high, 5):
            y = self.y(tick)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="y" x="{LEFT - 6}" y="{y + 4:.1f}">{short(tick)}</text>')
        return parts

    def line(self, points: Sequence[tuple[float, float]], look: str) -> str:
        """A curve."""
        told = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return f'<polyline class="curve {look}" points="{told}"/>'

    def bars(self, stacked: Sequence[tuple[Sequence[float], str]]) -> list[str]:
        """Bars side by side over all of the width, upon each other where there are several."""
        count = len(stacked[0][0])
        wide = (WIDTH - LEFT - RIGHT) / count
        base, parts = [0.0] * count, []
        for values, look in stacked:
            for place, value in enumerate(values):
                if value > 0:
                    top, foot = self.y(base[place] + value), self.y(base[place])
                    parts.append(
                        f'<rect class="{look}" x="{LEFT + place * wide:.1f}" y="{top:.1f}" '
                        f'width="{wide * 0.9:.1f}" height="{foot - top:.1f}"/>'
                    )
                    base[place] += value
        return parts


def ended(columns: EndColumns, line: Timeline) -> str:
    """How many runs ended when, and where nothing ran; "" if nothing did."""
    if not line.length:
        return ""
    parts = [
        (ends.counted(columns, line, BINS, "done"), "done"),
        (ends.counted(columns, line, BINS, "interrupted"), "interrupted"),
        (ends.counted(columns, line, BINS, "failed"), "failed"),
    ]
    high = max(map(sum, zip(*(values for values, _ in parts), strict=True)))
    frame = Frame(0, line.length, 0, high)
    shown = [*frame.axes(), *frame.bars(parts), *_times(frame, line)]
    return picture(shown, f"Runs that ended over time; a bar is {duration(line.length / BINS)}")


def load(columns: EndColumns, line: Timeline, taken: Sequence[Consumed]) -> str:
    """How many runs ran at a time, and the processors that they took, where that is known; "" if nothing ran."""
    if not line.length:
        return ""
    busy = ends.occupied(columns, line, BINS)
    known = [each for each in taken if line.spans[0][0] <= each.at <= line.spans[-1][1]]
    frame = Frame(0, line.length, 0, max([*busy, *(each.cpu for each in known)]))
    shown = [*frame.axes(), *frame.bars([(busy, "busy")])]
    if len(known) > 1:
        shown.append(frame.line([(line.place(each.at), each.cpu) for each in known], "interrupted"))
    return picture([*shown, *_times(frame, line)], "Runs at a time, and processors that they took")


def _beneath(x: float, y: float, text: str, look: str = "x") -> str:
    """A text in the middle beneath a place, but inside of the picture."""
    return f'<text class="{look}" x="{_inside(x, text):.1f}" y="{y}">{text}</text>'


def _inside(x: float, text: str) -> float:
    """Where the middle of a text is that is wanted there, and inside of the picture."""
    half = len(text) * CHARACTER / 2
    return max(half, min(x, WIDTH - half))


def _times(frame: Frame, line: Timeline) -> list[str]:
    """Times of the day beneath, and a line for each pause that was cut out."""
    first, last = line.spans[0][0], line.spans[-1][1]
    form = "%b %d %H:%M" if last - first > 86400 else "%H:%M:%S" if last - first < 600 else "%H:%M"
    parts, free = [], 0.0
    for place, gap in line.pauses():
        x = frame.x(place)
        told, label = f"a pause of {span(gap)}", f"‖ {span(gap)}"
        parts.append(f'<line class="pause" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}">')
        parts.append(f"<title>{told}</title></line>")
        half = len(label) * CHARACTER / 2
        if _inside(x, label) - half >= free:  # of pauses too close to each other the first is told
            parts.append(_beneath(x, HEIGHT - 4, label, "x pause"))
            free = _inside(x, label) + half + CHARACTER
    step = clock_step(line.length / 6)
    offset = time.localtime(first).tm_gmtoff
    reach = -100.0
    at = (int(first + offset) // step + 1) * step - offset
    for start, end in line.spans:  # a pause of years has no ticks
        at = max(at, (int(start + offset) // step + 1) * step - offset)
        while at < end:
            x = frame.x(line.place(at))
            if x - reach > 70:
                reach = x
                told = time.strftime(form, time.localtime(at))
                parts.append(_beneath(x, HEIGHT - 18, told))
            at += step
    return parts


def lengths(bins: Sequence[Bin]) -> str:
    """A histogram that lies: how many runs took so long."""
    most = max(each.count for each in bins)
    row, wide = 18, WIDTH - LEFT - 70
    parts = []
    for number, each in enumerate(bins):
        y = TOP + number * row
        low, high = (clock(edge) if edge >= 60 else f"{short(edge)} s" for edge in (each.low, each.high))
        length = max(each.count / most * wide, 1.0 if each.count else 0.0)
        parts.append(f'<text class="y" x="{LEFT + 6}" y="{y + 12}">{low}</text>')
        parts.append(f'<rect class="done" x="{LEFT + 14}" y="{y}" width="{length:.1f}" height="{row - 3}">')
        parts.append(f"<title>{low} to {high}: {each.count:,}</title></rect>")
        parts.append(f'<text x="{LEFT + 20 + length:.1f}" y="{y + 12}">{each.count:,}</text>')
    return picture(parts, "How long runs took that are done", 2 * TOP + row * len(bins))


def curves(lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], title: str) -> str:
    """A number of some runs over their saves or rows; names and title may be anybody's text."""
    low, high = bounds(value for _, points in lines for _, value in points)
    first = min(points[0][0] for _, points in lines)
    last = max(points[-1][0] for _, points in lines)
    frame = Frame(first, last, low, high)
    parts = frame.axes()
    for number, (name, points) in enumerate(lines):
        curve = frame.line(points, f"h{number % HUES}")
        parts.append(curve.replace("/>", f"><title>{text_of(name)}</title></polyline>"))
    for tick in ticks(first, last, 6):
        parts.append(_beneath(frame.x(tick), HEIGHT - 16, short(tick)))
    return picture(parts, title)
