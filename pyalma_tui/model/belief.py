"""How long each run takes, as far as that can be known: from the others, its own instance, its traits, its progress.

Everything is in logarithms of seconds. A run takes: the trend (what its traits and its place explain) + what is its
instance's own + what is its own. The first is a regression over instances, the second is shrunk towards it the more
the fewer of the instance's runs are known (a random effect), the third is what was left over by those that have ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pyalma_tui.model.traits import LEVELS, NONE, Traits, features
from pyalma_tui.model.trend import Trend, explain

SPREAD = 0.7  # how much runs differ (standard deviation of the logarithm) while nothing is known, …
OWN = 0.3  # … those of one instance, …
BENT = 0.3  # … and what progress says of the time that is left from what then comes
TRUST = 1.0  # values that each of these counts as
FORMLESS = 8.0  # values that the normal distribution counts as, beside those that were left over
DRIFT = 0.15  # how much runs may grow or shrink from one end of the batch to the other, if nothing else is known
NOVEL = 1.5  # how much instances may differ that tell something which none has told that is known
BEYOND = 0.4  # how much a slope may change outside of where it was seen, as a part of it, …
FURTHER = 0.8  # … and one along the batch, where nothing but the place tells
FAR = 1.5  # how much longer or shorter runs may be there than any that was seen, before it is known: at most twice that
GRID = 256
LEAST = 1e-5  # seconds
HIGHEST = 23.0  # logarithm of seconds: three centuries


class EndedRun(msgspec.Struct, frozen=True, gc=False):
    """A run that is done, or has failed for good, after so many seconds.

    `place` is that of its instance in the batch, in dispatch order, from 0 to 1.
    """

    instance: int
    place: float
    seconds: float
    failed: bool = False


class Ahead(msgspec.Struct, frozen=True, gc=False):
    """A run that is to end yet.

    `elapsed` are the seconds that it has had and keeps. `share` is the part of it that is done, 0 if it does not tell;
    `whole` are its seconds in all then, at the pace at which it has told so.
    """

    run: int
    instance: int
    place: float
    elapsed: float = 0.0
    share: float = 0.0
    whole: float = 0.0


class Noise(msgspec.Struct, frozen=True):
    """What a value may be off by: GRID equally likely values in order, and the mean and the spread of their powers."""

    values: tuple[float, ...]
    factor: float  # mean of exp
    variance: float  # of exp, over factor²


class Guess(msgspec.Struct, frozen=True):
    """Logarithm of seconds that one run takes: `centre` + Σ loads·(standard normal, shared by all runs) + its own.

    `own` is the spread of what is its instance's own, None if nothing of the instance is known.
    """

    run: int
    instance: int
    centre: float
    loads: tuple[float, ...]
    own: float | None
    elapsed: float = 0.0
    told: tuple[float, float] | None = None  # by its progress: logarithm of seconds, and how sure

    def mean(self, belief: Belief) -> float:
        """The seconds that are expected."""
        shape = belief.between.factor if self.own is None else math.exp(self.own**2 / 2) * belief.within.factor
        return math.exp(self.centre) * shape


class Drift(msgspec.Struct, frozen=True):
    """How runs grow or shrink along the batch: per whole of it, shrunk towards not at all, around `centre`."""

    slope: float = 0.0
    unsure: float = 0.0
    centre: float = 0.0


class Belief(msgspec.Struct, frozen=True):
    """What is believed of all runs; `freedom` are the degrees with which spreads are known."""

    trend: Trend
    freedom: float
    spread: float  # of instances around the trend
    shared: float  # … of that what belongs to the instance
    within: Noise
    between: Noise
    noise: float  # spread of an instance's runs
    levels: Mapping[int, tuple[int, float]]  # how many of the instance's runs are known, and their mean
    traits: Mapping[int, Traits]
    bent: float
    failing: float
    failed: tuple[float, ...]
    drift: Drift
    heard: Mapping[str, frozenset[str]]  # by trait, if it is text of few kinds: what known instances tell

    def guess(self, run: Ahead) -> Guess:
        """What is believed of one run."""
        traits = self.traits.get(run.instance, NONE)
        terms = self.trend.at(traits, run.place)
        expected, loads = self.trend.mean, [self.spread / math.sqrt(self.trend.weight)]
        for term, value in zip(self.trend.terms, terms, strict=True):
            inside = min(max(value, term.low), term.high)
            unsure = self.spread * (value - inside)
            trust = FAR**2 / (FAR**2 + unsure**2)
            beyond = 2 * FAR * math.tanh(trust * term.coefficient * (value - inside) / (2 * FAR))
            expected += term.coefficient * inside + beyond
            loads.append(self.spread * inside + math.sqrt(trust) * unsure)
            loads.append((BEYOND if term.feature.trait else FURTHER) * beyond)
        expected += self.drift.slope * (run.place - self.drift.centre)
        loads.append(self.drift.unsure * (run.place - self.drift.centre))
        loads.append(NOVEL * any(traits.get(name) not in levels for name, levels in self.heard.items()))
        own: float | None = None
        if known := self.levels.get(run.instance):
            number, level = known
            kept = self.shared**2 / (self.shared**2 + self.noise**2 / number)
            expected += kept * (level - expected)
            loads = [(1 - kept) * load for load in loads]
            own = self.shared * math.sqrt(1 - kept)
        expected = min(max(expected, math.log(LEAST)), HIGHEST)
        told = None
        if run.share:
            told = (_log(max(run.whole, run.elapsed)), max(0.005, self.bent * (1 - run.share)))
        return Guess(run.run, run.instance, expected, tuple(loads), own, run.elapsed, told)

    def off(self, guess: Guess) -> float:
        """The spread of one run around its centre, parameters apart."""
        return math.hypot(self.spread if guess.own is None else guess.own, self.within_spread(guess))

    def within_spread(self, guess: Guess) -> float:
        """What of it is the run's own."""
        return self.noise if guess.own is not None else 0.0


def believe(
    ended: Sequence[EndedRun], running: Sequence[Ahead], traits: Mapping[int, Traits], told: Sequence[float]
) -> Belief | None:
    """What is believed after these runs have ended and while those run; None if nothing is known.

    `told` are what progress has said of runs that have ended: logarithms of the time that was left to what it said.
    """
    groups = _groups(ended)
    bent = math.sqrt((TRUST * BENT**2 + math.fsum(t * t for t in told)) / (TRUST + len(told)))
    values = {instance: (1.0, place, math.fsum(ys) / len(ys)) for instance, (place, ys) in groups.items()}
    telling = [run for run in running if run.share and run.instance not in groups]
    for run in telling:
        trust = SPREAD**2 / (SPREAD**2 + (bent * (1 - run.share)) ** 2)
        values[run.instance] = (trust, run.place, _log(max(run.whole, run.elapsed)))
    if not values:
        return None
    inner, noise = _inner(groups)
    levels = {instance: (len(ys), math.fsum(ys) / len(ys)) for instance, (_, ys) in groups.items()}
    failures = [each.seconds for each in ended if each.failed]
    succeeded = len(ended) - len(failures)
    failing = len(failures) / (len(ended) + 1.0) if succeeded else 0.0
    belief = _fit(values, groups, traits, inner, noise, levels, bent, failing, failures)
    silent = [run for run in running if not run.share and run.instance not in groups]
    for _ in range(2):  # those that run so long already are longer than the ones that have ended: imputed, as in EM
        more = dict(values)
        for run in silent[:64]:
            guess = belief.guess(run)
            spread = math.hypot(belief.spread, guess.loads[0])
            far = (_log(run.elapsed) - guess.centre) / spread
            if far > -2:
                more[run.instance] = (_below(far), run.place, guess.centre + spread * _beyond(far))
        if len(more) == len(values):
            break
        belief = _fit(more, groups, traits, inner, noise, levels, bent, failing, failures)
    return belief


def _groups(ended: Iterable[EndedRun]) -> dict[int, tuple[float, list[float]]]:
    """By instance a place and the logarithms of seconds; of those that have failed only if none has not."""
    groups: dict[int, tuple[float, list[float]]] = {}
    ended = list(ended)
    succeeded = any(not each.failed for each in ended)
    for each in ended:
        if not (each.failed and succeeded):
            groups.setdefault(each.instance, (each.place, []))[1].append(_log(each.seconds + LEAST))
    return groups


def _inner(groups: Mapping[int, tuple[float, list[float]]]) -> tuple[list[float], float]:
    """What runs of one instance differ by: what is left of each, and the spread."""
    inner, squares, freedom = [], TRUST * OWN**2, TRUST
    for _, ys in groups.values():
        if len(ys) > 1:
            mean = math.fsum(ys) / len(ys)
            squares += math.fsum((y - mean) ** 2 for y in ys)
            freedom += len(ys) - 1
            swell = math.sqrt(len(ys) / (len(ys) - 1))
            inner += [swell * (y - mean) for y in ys]
    return inner, math.sqrt(squares / freedom)


def _fit(
    values: Mapping[int, tuple[float, float, float]],
    groups: Mapping[int, tuple[float, list[float]]],
    traits: Mapping[int, Traits],
    inner: Sequence[float],
    noise: float,
    levels: Mapping[int, tuple[int, float]],
    bent: float,
    failing: float,
    failures: Sequence[float],
) -> Belief:
    seen = [(traits.get(instance, NONE), place) for instance, (_, place, _) in values.items()]
    weights = [max(weight, 1e-3) for weight, _, _ in values.values()]
    trend = explain([y for _, _, y in values.values()], weights, seen, list(features([each for each, _ in seen])))
    used = max(trend.weight - 1 - len(trend.terms), 0.0)
    freedom = TRUST + used
    variance = (TRUST * SPREAD**2 + trend.squares) / freedom
    drift = Drift()
    if all(term.feature.trait for term in trend.terms):
        drift = _drift([place for _, place in seen], weights, trend.residuals, variance)
    alone = math.fsum(1 / len(ys) for _, ys in groups.values()) / len(groups) if groups else 1.0
    noise = min(noise, math.sqrt(variance / max(alone, 0.05)))
    shared = math.sqrt(max(variance - noise**2 * alone, 0.05 * variance))
    swell = math.sqrt(trend.weight / max(used, 1.0))
    between = [min(swell, 2.0) * rest for rest in trend.residuals]
    return Belief(
        trend,
        freedom,
        math.sqrt(variance),
        shared,
        noise_of(inner, noise),
        noise_of(between, math.sqrt(variance)),
        noise,
        levels,
        traits,
        bent,
        failing,
        tuple(failures),
        drift,
        _heard([traits for (traits, _), weight in zip(seen, weights, strict=True) if weight == 1]),
    )


def _drift(places: Sequence[float], weights: Sequence[float], left: Sequence[float], variance: float) -> Drift:
    weight = math.fsum(weights)
    centre = math.fsum(w * place for w, place in zip(weights, places, strict=True)) / weight
    across = math.fsum(w * (place - centre) * rest for w, place, rest in zip(weights, places, left, strict=True))
    along = math.fsum(w * (place - centre) ** 2 for w, place in zip(weights, places, strict=True))
    sure = along + variance / DRIFT**2
    return Drift(across / sure, math.sqrt(variance / sure), centre)


def _heard(seen: Sequence[Traits]) -> dict[str, frozenset[str]]:
    heard: dict[str, set[str]] = {}
    for traits in seen:
        for name, value in traits.items():
            if isinstance(value, str):
                heard.setdefault(name, set()).add(value)
    most = max(1, min(LEVELS, len(seen) // 3))  # more: each has a name of its own
    return {name: frozenset(levels) for name, levels in heard.items() if len(levels) <= most}


def off(seconds: float, elapsed: float, whole: float) -> float:
    """What progress was off by that said `whole` after `elapsed` seconds, when it were `seconds`: a logarithm."""
    return math.log(max(seconds - elapsed, LEAST) / max(whole - elapsed, LEAST))


def noise_of(left: Sequence[float], spread: float) -> Noise:
    """The values that were left over, and the more of a normal distribution the fewer they are.

    Once in as many times as there are values one is larger than all of them: by as much as the largest are larger than
    the tenth (Hill's estimate of a tail).
    """
    ordered = sorted(left)
    real = round(GRID * len(ordered) / (len(ordered) + FORMLESS)) if ordered else 0
    values = [ordered[int((i + 0.5) / real * len(ordered))] for i in range(real)]
    if real:
        tenth = ordered[-max(2, len(ordered) // 10) :]
        excess = math.fsum(value - tenth[0] for value in tenth) / (len(tenth) - 1) if len(ordered) > 3 else 0.0
        larger = real // (len(ordered) + 1)
        values[real - larger :] = [ordered[-1] - excess * math.log((i + 0.5) / larger) for i in range(larger)]
    values += [spread * _quantile((i + 0.5) / (GRID - real)) for i in range(GRID - real)]
    powers = [math.exp(value) for value in values]
    factor = math.fsum(powers) / GRID
    variance = math.fsum((power / factor - 1) ** 2 for power in powers) / GRID
    return Noise(tuple(sorted(values)), factor, variance)


def _log(seconds: float) -> float:
    return min(math.log(max(seconds, LEAST)), HIGHEST)


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _below(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _beyond(x: float) -> float:
    """The mean of a standard normal value that is larger than x (the inverse Mills ratio)."""
    return _density(x) / _below(-x) if x < 5 else x + 1 / x


def _quantile(share: float) -> float:
    """The standard normal value below which this share is: Tukey's lambda approximation, and Newton's steps from it."""
    x = 4.91 * (math.pow(share, 0.14) - math.pow(1 - share, 0.14))
    for _ in range(3):
        x -= (_below(x) - share) / _density(x)
    return x
