"""What a regression leaves over, as a distribution to draw from: the values themselves, a logistic one, a tail."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

FORMLESS = 8.0  # values that the logistic distribution counts as, beside those that were left over
GRID = 256


class Residuals(msgspec.Struct, frozen=True):
    """GRID equally likely values in order; `factor` is the mean of their exponentials, `variance` that over factor²."""

    values: tuple[float, ...]
    factor: float
    variance: float


def residuals(left: Sequence[float], spread: float) -> Residuals:
    """The distribution of these values, and the more of a logistic one with this spread the fewer they are.

    Where little is known seconds are log-logistic: almost log-normal, but for a tail that is a power law. The other
    values are those of a bootstrap (Efron 1979). Once in as many times as there are values one is larger than all of
    them: by as much as the largest are larger than the tenth (Hill's estimate of a tail: they are logarithms).
    """
    ordered = sorted(left)
    real = round(GRID * len(ordered) / (len(ordered) + FORMLESS)) if ordered else 0
    values = [ordered[int((i + 0.5) / real * len(ordered))] for i in range(real)]
    if real:
        larger = real // (len(ordered) + 1)
        excess = _excess(ordered)
        values[real - larger :] = [ordered[-1] - excess * math.log((i + 0.5) / larger) for i in range(larger)]
    scale = spread * math.sqrt(3) / math.pi
    values += [scale * math.log((i + 0.5) / (GRID - real - i - 0.5)) for i in range(GRID - real)]
    powers = [math.exp(value) for value in values]
    factor = math.fsum(powers) / GRID
    variance = math.fsum((power / factor - 1) ** 2 for power in powers) / GRID
    return Residuals(tuple(sorted(values)), factor, variance)


def _excess(ordered: Sequence[float]) -> float:
    """By how much the largest tenth is larger than the least of it, in the mean."""
    if len(ordered) <= 3:
        return 0.0
    tenth = ordered[-max(2, len(ordered) // 10) :]
    return math.fsum(value - tenth[0] for value in tenth) / (len(tenth) - 1)
