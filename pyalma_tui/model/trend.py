"""A regression that chooses by itself which features explain something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

import msgspec

from pyalma_tui.model.traits import Feature, Traits

MOST = 3  # terms
FEWEST = 5  # values before anything is explained


class TrendTerm(msgspec.Struct, frozen=True):
    """One feature made orthogonal to those before it: (value − centre − Σ mixes·earlier) / norm."""

    feature: Feature
    centre: float
    mixes: tuple[float, ...]
    norm: float
    coefficient: float
    low: float
    high: float  # the range in which it was seen, in units of the term


class Trend(msgspec.Struct, frozen=True):
    """Expectation = `mean` + Σ coefficient·term. `weight` is that of all values; terms have Σ weight·term² = 1."""

    mean: float
    weight: float
    terms: tuple[TrendTerm, ...]
    residuals: tuple[float, ...]
    squares: float  # weighted, of the residuals

    def at(self, traits: Traits, position: float) -> tuple[float, ...]:
        """The terms of a run."""
        found: list[float] = []
        for term in self.terms:
            value = term.feature.of(traits, position)
            off = 0.0 if value is None else value - term.centre
            found.append((off - sum(map(mul, term.mixes, found))) / term.norm)
        return tuple(found)


def explain(
    values: Sequence[float],
    weights: Sequence[float],
    seen: Sequence[tuple[Traits, float]],
    candidates: Sequence[Feature],
) -> Trend:
    """The trend of these values, of runs with these traits and positions.

    Features are taken one after the other, the best first (orthogonal forward selection), as long as one pays for
    itself by the Bayesian information criterion, charged for the number of candidates that it was chosen from.
    """
    weight = math.fsum(weights)
    mean = math.fsum(map(mul, weights, values)) / weight
    left = [value - mean for value in values]
    squares = _dot(weights, left, left)
    terms: list[TrendTerm] = []
    count = len(values)
    columns = _columns(weights, weight, seen, candidates) if count >= FEWEST and squares > 1e-12 else []
    price = math.log(count + 1) + 2 * math.log(len(columns) + 1) + 1
    while columns and len(terms) < MOST and count - len(terms) > FEWEST:
        gains = [_dot(weights, left, column.values) ** 2 for column in columns]
        best = max(range(len(columns)), key=gains.__getitem__)
        after = max(squares - gains[best], 1e-4 * squares, 1e-12)
        if count * math.log(squares / after) < price:
            break
        column = columns.pop(best)
        slope = _dot(weights, left, column.values)
        left = [rest - slope * value for rest, value in zip(left, column.values, strict=True)]
        squares = max(_dot(weights, left, left), 0.0)
        terms.append(
            TrendTerm(
                column.feature,
                column.centre,
                tuple(column.mixes),
                column.norm,
                slope,
                min(column.values),
                max(column.values),
            )
        )
        columns = [rest for rest in columns if rest.clear(column, weights)]
    return Trend(mean, weight, tuple(terms), tuple(left), squares)


class _Candidate:
    """A candidate, made orthogonal to the mean and to what was taken; Σ weight·value² = 1."""

    def __init__(self, feature: Feature, values: list[float], centre: float) -> None:
        self.feature = feature
        self.values = values
        self.centre = centre
        self.norm = 1.0
        self.mixes: list[float] = []

    def scale(self, weights: Sequence[float], least: float) -> bool:
        size = math.sqrt(_dot(weights, self.values, self.values))
        if size <= least:
            return False
        self.values = [value / size for value in self.values]
        self.norm *= size
        return True

    def clear(self, taken: _Candidate, weights: Sequence[float]) -> bool:
        """Take out what another one has explained; whether anything of it is left."""
        shared = _dot(weights, self.values, taken.values)
        self.values = [value - shared * other for value, other in zip(self.values, taken.values, strict=True)]
        self.mixes.append(shared * self.norm)
        return self.scale(weights, 0.05)


def _columns(
    weights: Sequence[float], weight: float, seen: Sequence[tuple[Traits, float]], candidates: Sequence[Feature]
) -> list[_Candidate]:
    columns = []
    for feature in candidates:
        told = [feature.of(traits, position) for traits, position in seen]
        known = [(w, value) for w, value in zip(weights, told, strict=True) if value is not None]
        if not known:
            continue
        centre = math.fsum(w * value for w, value in known) / max(math.fsum(w for w, _ in known), 1e-12)
        column = _Candidate(feature, [0.0 if value is None else value - centre for value in told], centre)
        if column.scale(weights, 1e-9 * math.sqrt(weight) * max(1.0, abs(centre))):
            columns.append(column)
    return columns


def _dot(weights: Sequence[float], a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(map(mul, weights, map(mul, a, b)))
