"""From what is known to when everything will be done: the rest of the queue is played many times."""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from pyalma_tui.model.belief import HIGHEST, Ahead, Belief, EndedRun, Guess, logarithm
from pyalma_tui.model.crowd import Crowd
from pyalma_tui.model.evidence import believe
from pyalma_tui.model.forecast import Basis, Forecast, Slow
from pyalma_tui.model.parameters import Parameters, Uncertainty
from pyalma_tui.model.traits import Traits

INSIDE = 0.8  # how often the truth is in the interval
TRIALS = 160
WORK = 24_000  # runs that all trials together call one by one
CROWD = 300  # beyond as many that wait only the last of them are called one by one
LINGER = 0.5  # a run that has taken longer than any: how much longer, in spreads of the logarithm
SLOWEST = 5  # runs that are named


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at `now`, in seconds of the epoch.

    `ended` are runs that have ended, or a sample of the `of` in all: then `done` are as many as there are and their
    seconds in all, of those that have not failed, and `failures` how many of how many have failed. `waiting` are those
    that wait, in dispatch order: of the first ones a sample in which each stands for `each`, of the last `last` all (of
    all all, if `each` is 1); `times` is how many of all that wait are of one instance, in the mean. `told` is what
    progress was off by (see `believe`); `longest` the seconds after which a run is ended, None if it is not; `gap` are
    the seconds between two runs of one worker.
    """

    now: float
    workers: int
    ended: Sequence[EndedRun] = ()
    done: tuple[int, float] | None = None
    failures: tuple[int, int] | None = None
    running: Sequence[Ahead] = ()
    waiting: Sequence[Ahead] = ()
    each: float = 1.0
    last: int = 0
    times: float = 1.0
    traits: Mapping[int, Traits] = {}
    told: Sequence[float] = ()
    longest: float | None = None
    gap: float = 0.0
    of: int = 0


def forecast(known: Known) -> Forecast | None:
    """When everything is done if nothing is changed, None if nothing is known. The same for the same input.

    Each trial draws what is uncertain, then how long each run takes, and lets the workers take one after the other.
    """
    if not known.running and not known.waiting:
        return Forecast(known.now, known.now, known.now)
    belief = believe(known.ended, known.running, known.traits, known.told, known.failures)
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


class Draw(msgspec.Struct):
    """One way in which it may go: seconds that are left of the running ones, work in bulk, seconds of the last ones."""

    running: list[float]
    bulk: float
    last: list[float]


class Trial:
    """Draws, from the same numbers each time: `bulk` is drawn as one sum, `last` one by one."""

    def __init__(
        self, known: Known, belief: Belief, running: Sequence[Guess], bulk: Sequence[Guess], last: Sequence[Guess]
    ) -> None:
        self._belief = belief
        self._running = running
        self._last = last
        self._random = random.Random(0)
        self._gap = known.gap
        ahead = Counter(guess.instance for guess in (*running, *last))
        self._several = {instance for instance, times in ahead.items() if times > 1}
        self._most = known.longest if known.longest is not None else math.inf
        number, level = 0, 1.0
        sampled = [each.seconds for each in known.ended if not each.failed]
        if known.done is not None and sampled and all(guess.own is None for guess in bulk):
            number, seconds = known.done
            level = seconds / number / (math.fsum(sampled) / len(sampled))
        each = [known.each if i < len(known.waiting) - known.last else 1.0 for i in range(len(bulk))]
        self._crowd = Crowd(belief, bulk, each, times=known.times, level=level, gap=known.gap)
        late = quantile(sorted(belief.failed), 0.8) if belief.failed else math.inf
        failed, ended = known.failures or (len(belief.failed), len(known.ended))
        good = ended - failed + sum(run.elapsed > late for run in running)
        self._uncertain = Uncertainty(belief, failed, good, number)

    def draw(self) -> Draw:
        """One way in which it may go."""
        drawn = self._uncertain.draw(self._random)
        effects: dict[int, float] = {}
        running = [self._left(guess, drawn, effects) for guess in self._running]
        last = [(self._left if guess.elapsed else self._seconds)(guess, drawn, effects) for guess in self._last]
        return Draw(running, self._crowd.draw(drawn, self._random), last)

    def _own(self, guess: Guess, drawn: Parameters, effects: dict[int, float]) -> tuple[float, float, Sequence[float]]:
        """Of one run: the centre, the scale of what it is off by, and what that may be."""
        centre, effect = drawn.centre(guess), effects.get(guess.instance)
        if effect is None:
            if guess.own is None:
                return centre, drawn.swell, drawn.pool
            effect = effects[guess.instance] = drawn.inner * guess.own * self._random.gauss(0, 1)
        return centre + effect, drawn.inner, self._belief.effects.residuals.values

    def _keep(self, guess: Guess, off: float, effects: dict[int, float]) -> None:
        """The first run of an instance was drawn: it tells of the others as that of a known instance does."""
        if guess.own is None and guess.instance in self._several and guess.instance not in effects:
            sure = self._belief.effects.reliability(1)
            rest = self._belief.effects.between * math.sqrt(1 - sure)
            effects[guess.instance] = sure * off + rest * self._random.gauss(0, 1)

    def _seconds(self, guess: Guess, drawn: Parameters, effects: dict[int, float]) -> float:
        rng = self._random
        if drawn.failing and rng.random() < drawn.failing:
            return rng.choice(self._belief.failed) + self._gap
        centre, scale, values = self._own(guess, drawn, effects)
        log = centre + scale * values[int(rng.random() * len(values))]
        self._keep(guess, log - centre, effects)
        return min(math.exp(min(log, HIGHEST)), self._most) + self._gap

    def _left(self, guess: Guess, drawn: Parameters, effects: dict[int, float]) -> float:
        """Seconds that are left of one that was begun, which has taken longer than those that are shorter."""
        rng = self._random
        elapsed = logarithm(guess.elapsed)
        centre, scale, values = self._own(guess, drawn, effects)
        wide = scale * self._belief.off(guess)
        if guess.told is not None:
            told, sure = guess.told
            trust = wide * wide / (wide * wide + sure * sure)
            middle, spread = centre + trust * (told - centre), math.sqrt(trust) * sure
            log = middle + spread * rng.gauss(0, 1)
            least = 0.1 * max(math.exp(told) - guess.elapsed, 0.0)
        else:
            first = bisect_right(values, (elapsed - centre) / scale)
            rest = len(values) - first
            if rest and rng.random() < rest / (rest + 1):
                log = centre + scale * values[first + int(rng.random() * rest)]
            else:
                log = elapsed + rng.expovariate(1) * LINGER * wide
            least = 0.0
        self._keep(guess, log - centre, effects)
        return max(min(math.exp(min(log, HIGHEST)), self._most) - guess.elapsed, least)

    def end(self, drawn: Draw, workers: int) -> float:
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
        of=known.of,
    )


def _slowest(belief: Belief, guesses: Sequence[Guess], known: Known) -> tuple[tuple[Slow, ...], float]:
    found = sorted((Slow(guess.run, belief.mean(guess)) for guess in guesses), key=lambda slow: -slow.seconds)
    total = math.fsum(slow.seconds for slow in found)
    longest = found[: max(1, len(found) // 20)]
    return tuple(found[:SLOWEST]), math.fsum(slow.seconds for slow in longest) / total if total else 0.0
