"""What any plot needs: bins, ticks that are round numbers, short numbers, shares of a list."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

WIDE = 50.0  # from this ratio of the longest to the shortest on, bins grow by factors
STEPS = (1.0, 2.0, 5.0, 10.0)
CLOCK = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200)
DAY = 86400
COARSE = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000)
FINE = (1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 420, 600, 900, 1200, 1800, 2700,
        3600, 5400, 7200, 10800, 18000, 25200, 36000, 54000)  # fmt: skip
TENFOLD = (1, 10, 60, 600, 3600, 36000)  # and for what is shorter, or longer than a day, powers of ten


class Bin(msgspec.Struct, frozen=True):
    """So many values from `low` on and below `high`."""

    low: float
    high: float
    count: int


LEAST: Final = 1e-300  # a step below which floats can tell nothing apart


def histogram(values: Sequence[float], most: int) -> list[Bin]:
    """The values, none below 0, in at most so many bins between round numbers.

    Those of a wide range are seconds, in bins between lengths of time that clocks show.
    """
    if not values or most < 1:
        return []
    low, high = min(values), max(values)
    edges = _factors(values, high, most) if high > WIDE * max(_quantile_of(values, 0.05), 1e-9) else None
    if edges is None:
        edges = _steps(low, high, most)
    counts = [0] * (len(edges) - 1)
    for value in values:
        counts[min(max(bisect_right(edges, value) - 1, 0), len(counts) - 1)] += 1
    return [Bin(edges[i], edges[i + 1], count) for i, count in enumerate(counts)]


def _steps(low: float, high: float, most: int) -> list[float]:
    step = round_step(max((high - low) / most or abs(high) or 1.0, LEAST))
    first = math.floor(low / step + 1e-9)
    while (last := math.floor(high / step + 1e-9) + 1) - first > most:
        step = round_step(step * 1.5)
        first = math.floor(low / step + 1e-9)
    return [step * multiple for multiple in range(first, last + 1)]


def _factors(values: Sequence[float], high: float, most: int) -> list[float] | None:
    """Lengths of time as clocks show them, the finest that there is room for; None if there is room for none.

    Below a second they are 1, 2, 5 times powers of ten, or these powers alone.
    """
    low = max(_quantile_of(values, 0.05), high / 1e6, 1e-9)
    for minutes, parts in ((FINE, (1.0, 2.0, 5.0)), (COARSE, (1.0, 2.0, 5.0)), (COARSE, (1.0,)), (TENFOLD, (1.0,))):
        below = [part * 10.0**power for power in range(-9, 0) for part in parts]
        edges = [*below, *map(float, minutes), *(float(DAY * 10**power) for power in range(7))]
        while len(edges) > 2 and edges[1] <= low:
            del edges[0]
        while len(edges) > 2 and edges[-2] > high:
            del edges[-1]
        if len(edges) - 1 <= most:
            return [0.0, *edges[1:]] if edges[0] > min(values) else edges
    return None


def _quantile_of(values: Sequence[float], share: float) -> float:
    return quantile(sorted(values), share)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of an ascending list is."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below this."""
    if not least > 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in STEPS if step * power >= least * (1 - 1e-9)), 10 * power)


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers between two others, the first of these where floats can tell none between them."""
    if not LEAST < high - low < math.inf or most < 1:
        return [low]
    step = round_step((high - low) / most)
    first = math.ceil(low / step - 1e-9)
    return [step * multiple for multiple in range(first, math.floor(high / step + 1e-9) + 1)]


def clock_step(seconds: float) -> int:
    """The shortest length of time that clocks show, from 1 s to days, which is not below this."""
    return next((step for step in CLOCK if step >= seconds), DAY * math.ceil(seconds / DAY))


def short(value: float) -> str:
    """A number in at most seven characters, with no more digits than tell it apart in a plot."""
    size = abs(value)
    if size >= 1e15 or (size and size < 1e-3):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            scale = 1e3 if name == "k" else unit
            return f"{value / scale:.3g}{name}" if size / scale < 1000 else f"{value / scale:.0f}{name}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def bounds(values: Iterable[float]) -> tuple[float, float]:
    """The least and the largest of them, apart from each other; 0 and 1 for none."""
    known = list(values)
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if low < high:
        return low, high
    apart = max(0.5, abs(low) / 1e12)  # what is added to a large number has to be seen in it
    return (low - apart, high + apart) if low else (0.0, 1.0)
