"""What is uncertain about a belief, drawn: one set of parameters with which the rest of the queue might be played."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from operator import mul

import msgspec

from pyalma_tui.model.belief import HIGHEST, Belief, Guess
from pyalma_tui.model.residuals import FORMLESS, GRID

NARROWEST, WIDEST = 0.4, 3.0  # spreads that are drawn, as parts of what is believed


class Parameters(msgspec.Struct, frozen=True):
    """One draw. Of instances that were not run yet, the residuals are `pool`, times `swell`; of others, times `inner`.

    `shared` are the standard normal numbers that loads belong to, `rest` the part of the first one that `pool` has not
    moved; `shape` is by how much runs are longer with this pool and swell than with what is believed, `failing` the
    share of runs that fails.
    """

    swell: float
    inner: float
    shared: Sequence[float]
    pool: Sequence[float]
    rest: float
    shape: float
    failing: float

    def centre(self, guess: Guess) -> float:
        """The logarithm of the seconds that a run takes, but for what is its own."""
        moved = math.fsum(map(mul, guess.loads, self.shared))
        if guess.own is None:
            moved -= (1 - self.rest) * guess.loads[0] * self.shared[0]
        return guess.centre + moved


class Uncertainty:
    """Draws parameters of a belief that rests on so many runs.

    What residuals are is drawn by a bootstrap of n + FORMLESS values (Efron 1979; see `residuals`), which moves their
    mean and spread as well. The mean of n values is off by a variance of 1/n of theirs, of which the bootstrap makes
    1/(n + FORMLESS): what is left is drawn as a load, and as a scaled inverse χ² for the spread.
    """

    def __init__(self, belief: Belief, failed: int, good: int, number: int) -> None:
        """So many runs have `failed`, and `good` ones have not.

        The belief is as that of `number` of runs, if they are more than it was told.
        """
        self._belief = belief
        whole = belief.trend.weight + FORMLESS
        self._rest = math.sqrt(FORMLESS / whole)
        self._freedom = belief.freedom * whole / FORMLESS
        self._size = round(len(belief.trend.residuals) + FORMLESS)
        self._number = max(self._size, number)
        self._failed, self._good = failed, good

    def draw(self, rng: random.Random) -> Parameters:
        """Another one each time."""
        belief = self._belief
        swell = _swell(self._freedom, rng)
        pool, shape = self._residuals(swell, rng)
        failing = rng.betavariate(self._failed + 0.5, self._good + 0.5) if belief.failing else 0.0
        shared = [swell * rng.gauss(0, 1) for _ in range(2 + 2 * len(belief.trend.terms))]
        inner = _swell(belief.effects.freedom, rng)
        return Parameters(swell, inner, shared, pool, self._rest, shape, failing)

    def _residuals(self, swell: float, rng: random.Random) -> tuple[Sequence[float], float]:
        believed = self._belief.residuals
        if self._number >= GRID:
            wide = math.sqrt(believed.variance / self._number)
            return believed.values, math.exp(wide * rng.gauss(0, 1) - wide * wide / 2)
        pool = sorted(rng.choices(believed.values, k=self._size))
        return pool, math.fsum(math.exp(min(swell * value, HIGHEST)) for value in pool) / len(pool) / believed.factor


def _swell(freedom: float, rng: random.Random) -> float:
    """A standard deviation that is known with so many degrees of freedom, as a part of what it seems to be."""
    return min(max(math.sqrt(freedom / rng.gammavariate(freedom / 2, 2)), NARROWEST), WIDEST)
