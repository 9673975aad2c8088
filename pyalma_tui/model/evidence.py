"""From runs that have ended, and run, to what is believed of all: values of instances, and a model fitted to them.

Variances have scaled inverse χ² priors, worth TRUST values each (Gelman et al., Bayesian Data Analysis, section 2.6):
everything is wide while little is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pyalma_tui.model import normal
from pyalma_tui.model.belief import LEAST, Ahead, Belief, Effects, EndedRun, logarithm, unsure
from pyalma_tui.model.residuals import residuals
from pyalma_tui.model.traits import LEVELS, NONE, Traits, features
from pyalma_tui.model.trend import explain

TRUST = 1.0  # values that each of the following counts as:
SPREAD = 1.0  # how much instances differ (standard deviation of the logarithm) while nothing is known, …
WITHIN = 0.3  # … the runs of one instance, …
PACE = 0.25  # … and powers of the time that progress may be
IMPUTED = 64  # runs that have not ended which are taken in, at most


def believe(
    ended: Sequence[EndedRun],
    running: Sequence[Ahead],
    traits: Mapping[int, Traits],
    told: Sequence[float],
    failures: tuple[int, int] | None = None,
) -> Belief | None:
    """What is believed after these runs have ended and while those run; None if nothing is known.

    `told` are what progress was off by of runs that have ended (see `power`). `failures` are how many of how many have
    failed, None if that is told by those that `ended`.
    """
    evidence = Evidence(ended, traits, told, failures)
    values = evidence.means() | evidence.paces(running)
    if not values:
        return None
    belief = evidence.fit(values)
    for _ in range(2):  # as the EM algorithm does for censored values (Dempster, Laird and Rubin 1977, section 4.3)
        late = evidence.late(running, belief)
        if not late:
            break
        belief = evidence.fit(values | late)
    return belief


class Value(msgspec.Struct, frozen=True, gc=False):
    """What one instance says: the logarithm of the seconds of its runs, and what that weighs, at most 1.

    `variance` is that of what is not known of it.
    """

    weight: float
    position: float
    log: float
    variance: float = 0.0


class Evidence:
    """What has ended, sorted by instance: from it and from what runs, values of instances; from those a belief."""

    def __init__(
        self,
        ended: Sequence[EndedRun],
        traits: Mapping[int, Traits],
        told: Sequence[float],
        failures: tuple[int, int] | None,
    ) -> None:
        self._traits = traits
        failed = [each.seconds for each in ended if each.failed]
        succeeded = len(ended) - len(failed)
        self._failed = tuple(failed)
        bad, number = failures or (len(failed), len(ended))
        self._failing = bad / (number + 1.0) if number > bad else 0.0
        self._logs: dict[int, list[float]] = {}
        self._positions: dict[int, float] = {}
        for each in ended:
            if not (each.failed and succeeded):  # how long others took that failed says something if nothing else does
                self._logs.setdefault(each.instance, []).append(logarithm(each.seconds + LEAST))
                self._positions[each.instance] = each.position
        self._known = {instance: (len(logs), math.fsum(logs) / len(logs)) for instance, logs in self._logs.items()}
        self._pace = math.sqrt(_pooled(PACE, math.fsum(each * each for each in told), len(told)))
        self._within, self._repeated, self._inner = self._inside()

    def _inside(self) -> tuple[float, int, list[float]]:
        """The spread of runs around the mean of their instance, its degrees of freedom, and what each is off by."""
        inner, squares, freedom = [], 0.0, 0
        for instance, logs in self._logs.items():
            if len(logs) > 1:
                off = [log - self._known[instance][1] for log in logs]
                squares += math.fsum(each * each for each in off)
                freedom += len(logs) - 1
                swell = math.sqrt(len(logs) / (len(logs) - 1))
                inner += [swell * each for each in off]
        return math.sqrt(_pooled(WITHIN, squares, freedom)), freedom, inner

    def means(self) -> dict[int, Value]:
        """Of the instances of which runs have ended."""
        return {instance: Value(1.0, self._positions[instance], mean) for instance, (_, mean) in self._known.items()}

    def paces(self, running: Iterable[Ahead]) -> dict[int, Value]:
        """Of other instances, by the progress of their runs."""
        values = {}
        for run in running:
            if run.share and run.instance not in self._known:
                weight = SPREAD**2 / (SPREAD**2 + unsure(self._pace, run.share) ** 2)
                values[run.instance] = Value(weight, run.position, logarithm(max(run.whole, run.elapsed)))
        return values

    def late(self, running: Iterable[Ahead], belief: Belief) -> dict[int, Value]:
        """Of others that tell nothing: those that run so long already are longer than the ones that have ended."""
        values = {}
        for run in [run for run in running if not run.share and run.instance not in self._known][:IMPUTED]:
            guess = belief.guess(run)
            spread = math.hypot(belief.spread, guess.loads[0])
            far = (logarithm(run.elapsed) - guess.centre) / spread
            if far > -2:
                beyond = normal.beyond(far)
                values[run.instance] = Value(
                    normal.below(far),
                    run.position,
                    guess.centre + spread * beyond,
                    spread**2 * max(0.0, 1 + beyond * (far - beyond)),
                )
        return values

    def fit(self, values: Mapping[int, Value]) -> Belief:
        """What is believed if these are the values."""
        seen = [(self._traits.get(instance, NONE), value.position) for instance, value in values.items()]
        weights = [max(value.weight, 1e-3) for value in values.values()]
        trend = explain(
            [value.log for value in values.values()], weights, seen, list(features([traits for traits, _ in seen]))
        )
        used = max(trend.weight - 1 - len(trend.terms), 0.0)
        hidden = math.fsum(weight * value.variance for weight, value in zip(weights, values.values(), strict=True))
        variance = _pooled(SPREAD, trend.squares + hidden, used)
        swell = min(math.sqrt(trend.weight / max(used, 1.0)), 2.0)
        spread = math.sqrt(variance)
        heard = [traits for (traits, _), weight in zip(seen, weights, strict=True) if weight == 1]
        return Belief(
            trend=trend,
            spread=spread,
            freedom=TRUST + used,
            residuals=residuals([swell * rest for rest in trend.residuals], spread),
            effects=self._effects(variance),
            traits=self._traits,
            heard=_heard(heard),
            pace=self._pace,
            failing=self._failing,
            failed=self._failed,
        )

    def _effects(self, variance: float) -> Effects:
        """By the method of moments: means of n runs vary by between² + within²/n."""
        parts = [1 / len(logs) for logs in self._logs.values()]
        part = math.fsum(parts) / len(parts) if parts else 1.0
        within = min(self._within, math.sqrt(variance / max(part, 0.05)))
        between = math.sqrt(max(variance - within**2 * part, 0.05 * variance))
        return Effects(self._known, between, within, TRUST + self._repeated, residuals(self._inner, within))


def _pooled(prior: float, squares: float, freedom: float) -> float:
    """The variance that squares with so many degrees of freedom tell, beside what is thought of it without them."""
    return (TRUST * prior**2 + squares) / (TRUST + freedom)


def _heard(seen: Sequence[Traits]) -> dict[str, frozenset[str]]:
    heard: dict[str, set[str]] = {}
    for traits in seen:
        for name, value in traits.items():
            if isinstance(value, str):
                heard.setdefault(name, set()).add(value)
    most = max(1, min(LEVELS, len(seen) // 3))  # more: each has a name of its own
    return {name: frozenset(levels) for name, levels in heard.items() if len(levels) <= most}
