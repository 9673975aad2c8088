"""When it will be done, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

FEWEST = 3


class Forecast(msgspec.Struct, frozen=True, gc=False):
    """Seconds left: the expectation and a 95 % interval."""

    low: float
    middle: float
    high: float


def forecast(durations: Sequence[float], remaining: int, spent: float, workers: int) -> Forecast | None:
    """Expected seconds until `remaining` runs are done, None when too little is known.

    `durations` are seconds of runs that are done, `spent` the seconds that the busy ones among the remaining have
    already had. The total of n unequal runs has mean n·m and variance n·v (their own spread) + n²·v/k (m is known only
    from k samples).
    """
    known = len(durations)
    if remaining == 0:
        return Forecast(0.0, 0.0, 0.0)
    if known < FEWEST or workers < 1:
        return None
    mean = math.fsum(durations) / known
    variance = math.fsum((d - mean) ** 2 for d in durations) / (known - 1)
    # what a busy run has had counts at most as one mean run: a long one promises no gift to the others
    total = max(remaining * mean - min(spent, workers * mean), mean / 2)
    spread = 1.96 * math.sqrt(remaining * variance + remaining**2 * variance / known)
    lanes = min(workers, remaining)
    return Forecast(max(0.0, total - spread) / lanes, total / lanes, (total + spread) / lanes)
