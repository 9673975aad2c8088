"""The standard normal distribution, as far as forecasts need it: `statistics` would take 8 ms to import."""

from __future__ import annotations

import math


def density(x: float) -> float:
    """How dense values lie at x."""
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def below(x: float) -> float:
    """The share of values that is smaller than x."""
    return math.erfc(-x / math.sqrt(2)) / 2


def beyond(x: float) -> float:
    """The mean of the values that are larger than x: the inverse Mills ratio, by its asymptote where it is close."""
    return density(x) / below(-x) if x < 5 else x + 1 / x
