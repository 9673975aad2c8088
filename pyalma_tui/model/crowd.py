"""The many that wait first, of which none matters by itself: their work is drawn as one sum."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from operator import mul

from pyalma_tui.model.belief import Belief, Guess
from pyalma_tui.model.evenly import evenly
from pyalma_tui.model.parameters import Parameters

SAMPLED = 40  # of them, for what depends on parameters
AWAY = 10.0  # by how much all may be off at most, as a logarithm
UNEVEN = 0.25  # how much what lies between runs varies, as a logarithm: other programs take processors as well


class Crowd:
    """Runs of which each stands for `each`: the mean and the variance of their sum are those of its parts."""

    def __init__(
        self,
        belief: Belief,
        guesses: Sequence[Guess],
        each: Sequence[float],
        *,
        times: float = 1.0,
        level: float = 1.0,
        gap: float = 0.0,
    ) -> None:
        """`times` is how many runs are of one instance, if more than are among the guesses.

        `level` is by how much what is believed is too short, `gap` are the seconds between two runs of a worker.
        """
        self._many = math.fsum(each)
        self._gap = gap
        self._level = level
        self._failed = math.fsum(belief.failed) / len(belief.failed) if belief.failed else 0.0
        means = list(map(belief.mean, guesses))
        masses = list(map(mul, each, means))
        self._work = math.fsum(masses)
        step = max(1, len(guesses) // SAMPLED)
        self._sample = [(guesses[at], masses[at]) for at in evenly(len(guesses), step)]
        self._sampled = math.fsum(mass for _, mass in self._sample)
        squares = list(map(mul, masses, means))
        self._squares = math.fsum(squares)
        ahead = Counter(guess.instance for guess in guesses)
        self._new = self._again = self._effects = 0.0
        for guess, square in zip(guesses, squares, strict=True):
            together = max(ahead[guess.instance], times)  # runs of one instance are longer together
            if guess.own is None:
                self._new += together * square * belief.variance(guess)
            else:
                self._again += square * belief.variance(guess)
                self._effects += together * square * math.expm1(guess.own**2)

    def draw(self, drawn: Parameters, rng: random.Random) -> float:
        """The seconds that they all take together, with these parameters."""
        if not self._sample:
            return 0.0
        moved = math.fsum(mass * self._longer(guess, drawn) for guess, mass in self._sample)
        work = self._level * self._work * moved / self._sampled
        varying = drawn.swell**2 * self._new + drawn.inner**2 * self._again + self._effects
        # of parts that are missing with the chance f and else vary by v, as a part of the mean: (v + f) / (1 - f)
        variance = (varying + drawn.failing * self._squares) / (1 - drawn.failing)
        wide = min(math.sqrt(variance) / self._work, 1.0)
        work *= (1 - drawn.failing) * math.exp(wide * rng.gauss(0, 1) - wide * wide / 2)
        work += drawn.failing * self._many * self._failed
        return work + self._many * self._gap * math.exp(UNEVEN * rng.gauss(0, 1))

    @staticmethod
    def _longer(guess: Guess, drawn: Parameters) -> float:
        """By how much a run is longer with these parameters than with those that are believed."""
        moved = math.exp(min(drawn.centre(guess) - guess.centre, AWAY))
        return moved * drawn.shape if guess.own is None else moved
