"""From what is known to when everything will be done: the rest of the queue is played many times."""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import mul

import msgspec

from pyalma_tui.model.belief import HIGHEST, Ahead, Belief, EndedRun, Guess, logarithm
from pyalma_tui.model.evidence import believe
from pyalma_tui.model.forecast import Basis, Forecast, Slow
from pyalma_tui.model.residuals import FORMLESS, GRID
from pyalma_tui.model.traits import Traits

INSIDE = 0.8  # how often the truth is in the interval
TRIALS = 160
WORK = 24_000  # runs that all trials together call one by one
CROWD = 300  # beyond as many that wait only the last of them are called one by one
UNEVEN = 0.25  # how much what lies between runs varies, as a logarithm: other programs take processors as well
AWAY = 10.0  # by how much all may be off at most, as a logarithm
SAMPLED = 40  # of the others, for what they depend on
LINGER = 0.5  # a run that has taken longer than any: how much longer, in spreads of the logarithm
SLOWEST = 5  # runs that are named


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at `now`, in seconds of the epoch.

    `ended` are runs that have ended, or a sample of them: then `done` are as many as there are and their seconds in
    all, of those that have not failed. `waiting` are those that wait, in dispatch order: of the
    first ones a sample in which each stands for `each`, of the last `last` all (of all all, if `each` is 1). `told` is
    what progress was off by (see `believe`); `longest` the seconds after which a run is ended, None if it is not;
    `gap` are the seconds between two runs of one worker.
    """

    now: float
    workers: int
    ended: Sequence[EndedRun] = ()
    done: tuple[int, float] | None = None
    running: Sequence[Ahead] = ()
    waiting: Sequence[Ahead] = ()
    each: float = 1.0
    last: int = 0
    traits: Mapping[int, Traits] = {}
    told: Sequence[float] = ()
    longest: float | None = None
    gap: float = 0.0


def forecast(known: Known) -> Forecast | None:
    """When everything is done if nothing is changed, None if nothing is known. The same for the same input.

    Each trial draws what is uncertain, then how long each run takes, and lets the workers take one after the other.
    """
    if not known.running and not known.waiting:
        return Forecast(known.now, known.now, known.now)
    belief = believe(known.ended, known.running, known.traits, known.told)
    if belief is None or known.workers < 1:
        return None
    running = [belief.guess(run) for run in known.running]
    waiting = [belief.guess(run) for run in known.waiting]
    trials = max(40, min(TRIALS, WORK // (len(running) + 2 * known.workers + 20)))
    crowd = known.each * (len(waiting) - known.last) + known.last
    few = max(round(WORK // trials * min(1.0, CROWD / max(crowd, 1.0))), 40, 3 * known.workers)
    single = len(waiting) if known.each == 1 else known.last
    cut = max(len(waiting) - min(single, few), 0)
    trial = Trial(known, belief, running, waiting[:cut], waiting[cut:])
    ends: list[float] = []
    others: dict[int, list[float]] = {known.workers + more: [] for more in {1, 2, known.workers}}
    for i in range(trials):
        drawn = trial.draw()
        ends.append(trial.end(drawn, known.workers))
        if i % 4 == 0:
            for workers, found in others.items():
                found.append(trial.end(drawn, workers))
    ends.sort()
    edge = (1 - INSIDE) / 2
    return Forecast(
        known.now + quantile(ends, edge),
        known.now + quantile(ends, 0.5),
        known.now + quantile(ends, 1 - edge),
        _basis(known, belief),
        *_slowest(belief, [*running, *waiting], known),
        workers=tuple((workers, known.now + quantile(sorted(found), 0.5)) for workers, found in sorted(others.items())),
    )


class Drawn(msgspec.Struct):
    """One way in which it may go: seconds that are left of the running ones, work in bulk, seconds of the last ones."""

    running: list[float]
    bulk: float
    last: list[float]


class Trial:
    """Draws, from the same numbers each time."""

    def __init__(
        self, known: Known, belief: Belief, running: Sequence[Guess], bulk: Sequence[Guess], last: Sequence[Guess]
    ) -> None:
        self._known = known
        self._belief = belief
        self._running = running
        self._last = last
        self._random = random.Random(0)
        stand = [known.each if i < len(known.waiting) - known.last else 1.0 for i in range(len(bulk))]
        self._many = math.fsum(stand)
        means = [belief.mean(guess) for guess in bulk]
        masses = list(map(mul, stand, means))
        self._work = math.fsum(masses)
        step = max(1, len(bulk) // SAMPLED)
        self._sample = list(zip(bulk[::step], masses[::step], strict=True))
        self._sampled = math.fsum(mass for _, mass in self._sample)
        self._noise = math.sqrt(math.fsum(map(mul, masses, map(mul, means, map(belief.variance, bulk)))))
        self._failing = 0.0
        late = quantile(sorted(belief.failed), 0.8) if belief.failed else math.inf
        self._safe = sum(run.elapsed > late for run in running)
        self._pool = belief.residuals.values
        self._size = round(len(belief.trend.residuals) + FORMLESS)
        self._level = 1.0  # by how much the sample of what has ended is too short
        sampled = [each for each in known.ended if not each.failed]
        if known.done is not None and sampled and all(guess.own is None for guess in bulk):
            number, seconds = known.done
            self._level = seconds / number / (math.fsum(each.seconds for each in sampled) / len(sampled))
            self._size = max(self._size, number)
        self._most = known.longest if known.longest is not None else math.inf

    def draw(self) -> Drawn:
        """One way in which it may go."""
        belief, rng = self._belief, self._random
        gauss = rng.gauss
        swell = math.sqrt(belief.freedom / rng.gammavariate(belief.freedom / 2, 2))
        swell = min(max(swell, 0.4), 3.0)
        shared = [swell * gauss(0, 1) for _ in range(3 + 2 * len(belief.trend.terms))]
        if belief.failing:
            bad = len(belief.failed)
            self._failing = rng.betavariate(bad + 0.5, len(self._known.ended) - bad + 0.5 + self._safe)
        shape = self._shape()
        owns: dict[int, float] = {}
        running = [self._left(guess, self._centre(guess, shared, owns), swell) for guess in self._running]
        last = [
            (self._left if guess.elapsed else self._seconds)(guess, self._centre(guess, shared, owns), swell)
            for guess in self._last
        ]
        bulk = 0.0
        if self._sample:
            moved = math.fsum(
                mass * math.exp(min(math.fsum(map(mul, guess.loads, shared)), AWAY)) for guess, mass in self._sample
            )
            bulk = self._level * self._work * moved / self._sampled * shape
            wide = min(swell * self._noise / self._work, 1.0)
            bulk *= math.exp(wide * gauss(0, 1) - wide * wide / 2)
            if self._failing:
                mean = math.fsum(belief.failed) / len(belief.failed)
                bulk = (1 - self._failing) * bulk + self._failing * self._many * mean
            bulk += self._many * self._known.gap * math.exp(UNEVEN * gauss(0, 1))
        return Drawn(running, bulk, last)

    def _shape(self) -> float:
        """Draw another shape of what runs are off by, as a bootstrap does; and how much longer they are then."""
        between = self._belief.residuals
        if self._size >= GRID:
            wide = math.sqrt(between.variance / self._size)
            return math.exp(wide * self._random.gauss(0, 1) - wide * wide / 2)
        self._pool = tuple(sorted(self._random.choices(between.values, k=self._size)))
        return math.fsum(map(math.exp, self._pool)) / self._size / between.factor

    def _centre(self, guess: Guess, shared: Sequence[float], owns: dict[int, float]) -> float:
        centre = guess.centre + math.fsum(map(mul, guess.loads, shared))
        if guess.own is not None:
            if guess.instance not in owns:
                owns[guess.instance] = self._random.gauss(0, 1)
            centre += guess.own * owns[guess.instance]
        return centre

    def _off(self, guess: Guess) -> Sequence[float]:
        return self._pool if guess.own is None else self._belief.effects.residuals.values

    def _seconds(self, guess: Guess, centre: float, swell: float) -> float:
        rng, belief = self._random, self._belief
        if self._failing and rng.random() < self._failing:
            return rng.choice(belief.failed) + self._known.gap
        values = self._off(guess)
        off = values[int(rng.random() * len(values))]
        return min(math.exp(min(centre + swell * off, HIGHEST)), self._most) + self._known.gap

    def _left(self, guess: Guess, centre: float, swell: float) -> float:
        """Seconds that are left of one that was begun, which has taken longer than those that are shorter."""
        rng, belief = self._random, self._belief
        elapsed = logarithm(guess.elapsed)
        if guess.told is not None:
            told, sure = guess.told
            off = belief.off(guess) * swell
            trust = off * off / (off * off + sure * sure)
            middle, spread = centre + trust * (told - centre), math.sqrt(trust) * sure
            seconds = math.exp(min(middle + spread * rng.gauss(0, 1), HIGHEST))
            least = 0.1 * max(math.exp(told) - guess.elapsed, 0.0)
        else:
            values = self._off(guess)
            first = bisect_right(values, (elapsed - centre) / swell)
            rest = len(values) - first
            if rest and rng.random() < rest / (rest + 1):
                seconds = math.exp(min(centre + swell * values[first + int(rng.random() * rest)], HIGHEST))
            else:
                seconds = math.exp(min(elapsed + rng.expovariate(1) * LINGER * swell * belief.off(guess), HIGHEST))
            least = 0.0
        return max(min(seconds, self._most) - guess.elapsed, least)

    def end(self, drawn: Drawn, workers: int) -> float:
        """Seconds until the last run has ended, with so many workers."""
        busy = sorted(drawn.running)
        beyond = busy[: max(0, len(busy) - workers)]  # of more than there shall be: whoever is free first goes
        free = [0.0] * (workers - len(busy)) + busy[len(beyond) :]
        latest = beyond[-1] if beyond else 0.0
        if drawn.bulk:
            free = poured(free, drawn.bulk)
        heapq.heapify(free)
        for seconds in drawn.last:
            latest = max(latest, end := free[0] + seconds)
            heapq.heapreplace(free, end)
        return max(latest, *free) if busy or drawn.bulk or drawn.last else latest


def poured(free: Sequence[float], work: float) -> list[float]:
    """When workers are free after so much work that they share, each as soon as it can: water into a vessel."""
    ordered = sorted(free)
    filled = 0.0
    for i, at in enumerate(ordered):
        filled += at
        level = (filled + work) / (i + 1)
        if i + 1 == len(ordered) or level <= ordered[i + 1]:
            return [level] * (i + 1) + ordered[i + 1 :]
    return ordered


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of them is, in between if need be."""
    rank = share * (len(ordered) - 1)
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (rank - low) * (ordered[high] - ordered[low])


def _basis(known: Known, belief: Belief) -> Basis:
    explained = dict.fromkeys(term.feature.trait or "position in the batch" for term in belief.trend.terms)
    return Basis(
        ended=len(known.ended),
        progress=sum(bool(run.share) for run in known.running),
        instances=len({run.instance for run in (*known.running, *known.waiting)} & belief.effects.known.keys()),
        explained=tuple(explained),
        failing=belief.failing,
    )


def _slowest(belief: Belief, guesses: Sequence[Guess], known: Known) -> tuple[tuple[Slow, ...], float]:
    found = sorted((Slow(guess.run, belief.mean(guess)) for guess in guesses), key=lambda slow: -slow.seconds)
    total = math.fsum(slow.seconds for slow in found)
    longest = found[: max(1, len(found) // 20)]
    return tuple(found[:SLOWEST]), math.fsum(slow.seconds for slow in longest) / total if total else 0.0
