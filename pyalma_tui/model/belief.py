"""How long each run takes, as far as that can be known: a mixed model of the logarithms of seconds.

    log seconds = trend(traits, position) + effect of its instance + residual

The trend has the fixed effects: a regression over instances (`trend.explain`). The effect of an instance is a random
one, predicted by the mean of its runs, shrunk towards the trend the more the fewer they are: the best linear unbiased
predictor (Robinson 1991, "That BLUP is a good thing", Statistical Science 6). Residuals have the distribution of what
was left over by runs that have ended (`residuals`). `evidence` fits it.

What is uncertain about parameters is handed on with each guess, as loads of standard normal numbers which all runs
share; `foretelling` draws them, and so makes the predictive distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from pyalma_tui.model.residuals import Residuals
from pyalma_tui.model.traits import NONE, Traits
from pyalma_tui.model.trend import Trend, TrendTerm

NOVEL = 2.0  # how much instances may differ that tell something which none has told that is known
BEYOND = 0.15  # how much a slope may change outside of where it was seen, as a part of it, …
FURTHER = 0.8  # … and one along the batch, where nothing but the position tells
FAR = 1.5  # how much longer or shorter runs may be there than any that was seen, before it is known: at most twice that
LEAST = 1e-5  # seconds
HIGHEST = 23.0  # logarithm of seconds: three centuries


class EndedRun(msgspec.Struct, frozen=True, gc=False):
    """A run that is done, or has failed for good, after so many seconds.

    `position` is that of its instance in the batch, in dispatch order, from 0 to 1.
    """

    instance: int
    position: float
    seconds: float
    failed: bool = False


class Ahead(msgspec.Struct, frozen=True, gc=False):
    """A run that is to end yet.

    `elapsed` are the seconds that it has had and keeps. `share` is the part of it that is done, 0 if it does not tell;
    `whole` are its seconds in all then, at the pace at which it has told so.
    """

    run: int
    instance: int
    position: float
    elapsed: float = 0.0
    share: float = 0.0
    whole: float = 0.0


class Guess(msgspec.Struct, frozen=True):
    """Logarithm of seconds that one run takes: `centre` + Σ loads·(standard normal, shared by all runs) + its own.

    `own` is the spread of what is its instance's own, None if none of its runs is known. `told` is what its progress
    says: logarithm of seconds in all, and how far off that may be.
    """

    run: int
    instance: int
    centre: float
    loads: tuple[float, ...]
    own: float | None
    elapsed: float = 0.0
    told: tuple[float, float] | None = None


class Effects(msgspec.Struct, frozen=True):
    """What is known of instances that have been run: how many runs of each, and the mean of their logarithms.

    `between` is the standard deviation of instances' effects, `within` that of an instance's runs around its own mean,
    which are off by `residuals`; that is known with so many degrees of `freedom`.
    """

    known: Mapping[int, tuple[int, float]]
    between: float
    within: float
    freedom: float
    residuals: Residuals

    def reliability(self, number: int) -> float:
        """The share of what differs between means of so many runs that the instances make: from 0 to 1."""
        return self.between**2 / (self.between**2 + self.within**2 / number)


class Belief(msgspec.Struct, frozen=True):
    """What is believed of all runs.

    `spread` is the standard deviation of instances around the trend, known with so many degrees of `freedom`, and
    `residuals` what they are off by; `pace` how far off progress may be (see `evidence.PACE`). `heard` are by trait, if
    it is text of few kinds, those that known instances tell. Of the runs that ended `failed` are the seconds of those
    that failed.
    """

    trend: Trend
    spread: float
    freedom: float
    residuals: Residuals
    effects: Effects
    traits: Mapping[int, Traits]
    heard: Mapping[str, frozenset[str]]
    pace: float
    failing: float
    failed: tuple[float, ...]

    def guess(self, run: Ahead) -> Guess:
        """What is believed of one run."""
        centre, loads = self._by_trend(run)
        own: float | None = None
        if known := self.effects.known.get(run.instance):
            number, mean = known
            sure = self.effects.reliability(number)
            centre += sure * (mean - centre)
            loads = [(1 - sure) * load for load in loads]
            own = self.effects.between * math.sqrt(1 - sure)
        centre = min(max(centre, math.log(LEAST)), HIGHEST)
        told = (logarithm(max(run.whole, run.elapsed)), unsure(self.pace, run.share)) if run.share else None
        return Guess(run.run, run.instance, centre, tuple(loads), own, run.elapsed, told)

    def _by_trend(self, run: Ahead) -> tuple[float, list[float]]:
        """What is expected of runs with these traits, at this position: and what that may be off by, as loads."""
        traits = self.traits.get(run.instance, NONE)
        expected, loads = self.trend.mean, [self.spread / math.sqrt(self.trend.weight)]
        for term, value in zip(self.trend.terms, self.trend.at(traits, run.position), strict=True):
            inside = min(max(value, term.low), term.high)
            wide = self.spread * (value - inside)
            trust = FAR**2 / (FAR**2 + wide**2)
            outside = _bounded(trust * term.coefficient * (value - inside))
            expected += term.coefficient * inside + outside
            loads.append(self.spread * inside + math.sqrt(trust) * wide)
            loads.append(_bend(term) * outside)
        loads.append(NOVEL * any(traits.get(name) not in levels for name, levels in self.heard.items()))
        return expected, loads

    def mean(self, guess: Guess) -> float:
        """The seconds that are expected of a run."""
        if guess.own is None:
            return math.exp(guess.centre) * self.residuals.factor
        return math.exp(guess.centre + guess.own**2 / 2) * self.effects.residuals.factor

    def variance(self, guess: Guess) -> float:
        """Of the seconds of a run, as a part of their mean's square; parameters and the instance's effect apart."""
        return (self.residuals if guess.own is None else self.effects.residuals).variance

    def off(self, guess: Guess) -> float:
        """The spread of the logarithm of one run around its centre; parameters apart."""
        return self.spread if guess.own is None else math.hypot(guess.own, self.effects.within)


def power(seconds: float, elapsed: float, share: float) -> float:
    """What progress was off by of a run that took so many seconds, and had told this share when so many had elapsed.

    As if a run had done a power of the time: how much the inverse of that power differs from 1 (see `unsure`).
    """
    return math.log(share * max(seconds, LEAST) / max(elapsed, LEAST)) / -math.log(share)


def logarithm(seconds: float) -> float:
    """Bounded on both sides, whatever somebody has waited."""
    return min(math.log(max(seconds, LEAST)), HIGHEST)


def unsure(pace: float, share: float) -> float:
    """How far off the logarithm of all seconds of a run may be that tells this share: by little when most is done.

    Of a run that has done the power p of its share t of time, tᵖ, it is off by (1/p - 1) log tᵖ.
    """
    return max(0.005, -pace * math.log(share))


def _bounded(far: float) -> float:
    return 2 * FAR * math.tanh(far / (2 * FAR))


def _bend(term: TrendTerm) -> float:
    return BEYOND if term.feature.trait else FURTHER
