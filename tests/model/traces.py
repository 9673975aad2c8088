"""Experiments as they might have gone, and what could be known of them while they ran: what forecasts are held to.

A trace is drawn from a seed. What is asked of a forecast at a moment is when all would be done if nobody changed
anything any more: with the workers of that moment, and without the pause that may be on.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pyalma_tui.model.belief import Ahead, EndedRun, power
from pyalma_tui.model.foretelling import Known
from pyalma_tui.model.traits import Traits

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)  # of the time that it all takes, at which it is looked at

HEARD = 0.2  # the share of a run from which on its progress is held to what comes


@dataclass(frozen=True, slots=True)
class Job:
    """One run: `seconds` until it ends; `bend` is the exponent of its progress over time, None if it tells none."""

    instance: int
    seconds: float
    fails: bool = False
    bend: float | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What happens: jobs in dispatch order, workers from a moment on, a pause in which none is begun."""

    kind: str
    jobs: Sequence[Job]
    workers: Sequence[tuple[float, int]]
    pause: tuple[float, float] = (math.inf, math.inf)
    traits: dict[int, Traits] = field(default_factory=dict)

    def workers_at(self, at: float) -> int:
        """How many are wanted then."""
        return [number for since, number in self.workers if since <= at][-1]


def play(trace: Trace) -> list[tuple[float, float]]:
    """When each job begins and ends."""
    changes = sorted({*(at for at, _ in trace.workers), *trace.pause} - {math.inf})
    spans: list[tuple[float, float]] = []
    busy: list[float] = []
    now = 0.0
    while len(spans) < len(trace.jobs):
        open_now = not trace.pause[0] <= now < trace.pause[1]
        if open_now and len(busy) < trace.workers_at(now):
            end = now + trace.jobs[len(spans)].seconds
            spans.append((now, end))
            heapq.heappush(busy, end)
            continue
        ahead = [at for at in changes if at > now] + busy[:1]
        now = min(ahead)
        while busy and busy[0] <= now:
            heapq.heappop(busy)
    return spans


@dataclass(frozen=True, slots=True)
class Look:
    """What is known at a moment, what was seen of the ends before it, and what will have been true."""

    known: Known
    ends: Sequence[float]  # since the beginning, in order
    durations: Sequence[float]  # of these
    total: int
    truth: float  # seconds left


def looks(trace: Trace, shares: Sequence[float] = SHARES) -> Iterator[Look]:
    """The moments at which it is looked at."""
    spans = play(trace)
    whole = max(end for _, end in spans)
    for share in shares:
        yield look(trace, spans, whole * share)


def look(trace: Trace, spans: Sequence[tuple[float, float]], now: float) -> Look:
    """What is known then, and the truth."""
    count = max(job.instance for job in trace.jobs) + 1
    workers = trace.workers_at(now)
    ended, running, waiting, busy, told = [], [], [], [], []
    for i, (job, (began, end)) in enumerate(zip(trace.jobs, spans, strict=True)):
        position = job.instance / count
        if end <= now:
            ended.append((end, EndedRun(job.instance, position, job.seconds, job.fails)))
            if job.bend is not None:
                told.append(power(job.seconds, job.seconds * HEARD ** (1 / job.bend), HEARD))
        elif began < now:
            running.append(_running(job, i, position, now - began))
            busy.append(end - now)
        else:
            waiting.append((job, Ahead(i + 1, job.instance, position)))
    ended.sort(key=lambda each: each[0])
    free = [0.0] * max(0, workers - len(busy)) + sorted(busy)
    surplus = max(0, len(busy) - workers)  # these end, and nobody follows them
    free, beyond = sorted(free)[surplus:], sorted(free)[:surplus]
    heapq.heapify(free)
    for job, _ in waiting:
        heapq.heapreplace(free, free[0] + job.seconds)
    known = Known(
        now=now,
        workers=workers,
        ended=[each for _, each in ended],
        running=running,
        waiting=[each for _, each in waiting],
        traits=trace.traits,
        told=told,
    )
    return Look(
        known, [end for end, _ in ended], [each.seconds for _, each in ended], len(spans), max([*free, *beyond])
    )


def _running(job: Job, number: int, position: float, elapsed: float) -> Ahead:
    if job.bend is None:
        return Ahead(number + 1, job.instance, position, elapsed)
    share = math.floor(100 * (elapsed / job.seconds) ** job.bend) / 100  # it tells each hundredth
    if not share:
        return Ahead(number + 1, job.instance, position, elapsed)
    told = job.seconds * share ** (1 / job.bend)  # when it said so
    return Ahead(number + 1, job.instance, position, elapsed, share, max(elapsed, told / share))


# --- kinds ------------------------------------------------------------------------------------------------------------

Draw = Callable[[random.Random], Trace]


def _seconds(rng: random.Random) -> float:
    return math.exp(rng.uniform(math.log(0.5), math.log(600)))


def _workers(rng: random.Random) -> int:
    return rng.choice((1, 2, 3, 4, 8, 14))


def _plain(kind: str, rng: random.Random, draw: Callable[[], float], few: int = 40, many: int = 400) -> Trace:
    jobs = [Job(i, draw()) for i in range(rng.randint(few, many))]
    return Trace(kind, jobs, [(0.0, _workers(rng))])


def light(rng: random.Random) -> Trace:
    """Runs of much the same length."""
    scale, shape = _seconds(rng), rng.uniform(8, 100)
    return _plain("light tails", rng, lambda: scale * rng.gammavariate(shape, 1 / shape))


def heavy(rng: random.Random) -> Trace:
    """Runs that differ by orders of magnitude."""
    scale, spread = _seconds(rng), rng.uniform(0.8, 1.6)
    return _plain("heavy tails", rng, lambda: scale * rng.lognormvariate(0, spread))


def pareto(rng: random.Random) -> Trace:
    """A tail in which the longest run outweighs many."""
    scale, alpha = _seconds(rng), rng.uniform(1.6, 3)
    return _plain("power law", rng, lambda: scale * rng.paretovariate(alpha))


def classes(rng: random.Random) -> Trace:
    """Two classes of instances, mixed, of which nothing tells."""
    scale, times, share = _seconds(rng), rng.uniform(4, 30), rng.uniform(0.1, 0.5)
    return _plain(
        "two classes",
        rng,
        lambda: scale * rng.lognormvariate(0, 0.2) * (times if rng.random() < share else 1),
    )


def told_classes(rng: random.Random) -> Trace:
    """Two classes, the dearer one mostly later, and a field that tells them apart."""
    made = classes(rng)
    middle = math.sqrt(min(job.seconds for job in made.jobs) * max(job.seconds for job in made.jobs))
    jobs = sorted(made.jobs, key=lambda job: (job.seconds > middle) + rng.uniform(0, 1.5))
    traits: dict[int, Traits] = {job.instance: {"kind": "hard" if job.seconds > middle else "easy"} for job in jobs}
    return Trace("two classes, told by a field", jobs, made.workers, traits=traits)


def growing(rng: random.Random) -> Trace:
    """Sizes that grow, and a field that tells them."""
    scale, power, noise = _seconds(rng), rng.uniform(1, 3), rng.uniform(0.05, 0.4)
    count = rng.randint(40, 300)
    sizes = [10 + i for i in range(count)]
    jobs = [Job(i, scale * (size / 10) ** power * rng.lognormvariate(0, noise)) for i, size in enumerate(sizes)]
    traits: dict[int, Traits] = {i: {"n": float(size), "label": f"g{i}"} for i, size in enumerate(sizes)}
    return Trace("growing sizes, told by a field", jobs, [(0.0, _workers(rng))], traits=traits)


def drifting(rng: random.Random) -> Trace:
    """Runs that grow along the batch, and nothing that tells but their position."""
    scale, power, noise = _seconds(rng), rng.uniform(0.5, 1.5), rng.uniform(0.05, 0.4)
    count = rng.randint(60, 300)
    jobs = [Job(i, scale * (0.2 + i / count) ** power * rng.lognormvariate(0, noise)) for i in range(count)]
    return Trace("growing sizes, not told", jobs, [(0.0, _workers(rng))])


def long_last(rng: random.Random) -> Trace:
    """A few long instances last in each iteration, known from the iteration before."""
    count, iterations, noise = rng.randint(8, 40), rng.randint(3, 12), rng.uniform(0.05, 0.3)
    scale, times = _seconds(rng), rng.uniform(10, 40)
    long = max(1, count // 12)
    levels = [scale * rng.lognormvariate(0, 0.4) * (times if i >= count - long else 1) for i in range(count)]
    jobs = [Job(i, levels[i] * rng.lognormvariate(0, noise)) for _ in range(iterations) for i in range(count)]
    return Trace("few long ones last, seen before", jobs, [(0.0, rng.choice((2, 4, 8)))])


def sized_last(rng: random.Random) -> Trace:
    """A few long instances last, a field tells how large they are."""
    count, noise, scale = rng.randint(60, 200), rng.uniform(0.05, 0.3), _seconds(rng)
    sizes = [rng.choice((50, 60, 80, 100)) for _ in range(count)] + [250] * rng.randint(1, 5)
    jobs = [Job(i, scale * (size / 50) ** 2 * rng.lognormvariate(0, noise)) for i, size in enumerate(sizes)]
    traits: dict[int, Traits] = {i: {"n": float(size)} for i, size in enumerate(sizes)}
    return Trace("few long ones last, told by a field", jobs, [(0.0, rng.choice((2, 4, 8)))], traits=traits)


def changing(rng: random.Random) -> Trace:
    """The user changes the number of workers twice."""
    made = rng.choice((light, heavy))(rng)
    whole = max(end for _, end in play(made))
    first, second = sorted(rng.uniform(0.05, 0.8) * whole for _ in range(2))
    return Trace("workers change", made.jobs, [(0.0, _workers(rng)), (first, _workers(rng)), (second, _workers(rng))])


def paused(rng: random.Random) -> Trace:
    """The user pauses it for about as long as it takes."""
    made = rng.choice((light, heavy))(rng)
    whole = max(end for _, end in play(made))
    begin = rng.uniform(0.05, 0.4) * whole
    return Trace("a pause", made.jobs, made.workers, (begin, begin + rng.uniform(0.3, 1.5) * whole))


def reporting(rng: random.Random) -> Trace:
    """A few long runs that tell their progress, more or less straight."""
    scale, spread = _seconds(rng), rng.uniform(0.1, 1)
    jobs = [
        Job(i, 10 * scale * rng.lognormvariate(0, spread), bend=rng.lognormvariate(0, 0.2))
        for i in range(rng.randint(2, 20))
    ]
    return Trace("progress", jobs, [(0.0, rng.choice((2, 4, 8)))])


def failing(rng: random.Random) -> Trace:
    """Some runs fail early, others are called twice."""
    scale, spread, share = _seconds(rng), rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.5)
    jobs = []
    for i in range(rng.randint(50, 300)):
        seconds, fails = scale * rng.lognormvariate(0, spread), rng.random() < share
        if fails:
            seconds *= rng.uniform(0.01, 0.2)
        elif rng.random() < share / 2:
            seconds *= 1 + rng.uniform(0.1, 0.9)
        jobs.append(Job(i, seconds, fails))
    return Trace("failures and retries", jobs, [(0.0, _workers(rng))])


def repeated(rng: random.Random) -> Trace:
    """Instances that differ widely, run many times."""
    count, iterations = rng.randint(5, 30), rng.randint(5, 20)
    scale, between, within = _seconds(rng), rng.uniform(0.5, 1.5), rng.uniform(0.05, 0.5)
    levels = [scale * rng.lognormvariate(0, between) for _ in range(count)]
    jobs = [Job(i, levels[i] * rng.lognormvariate(0, within)) for _ in range(iterations) for i in range(count)]
    return Trace("iterations", jobs, [(0.0, _workers(rng))])


KINDS: tuple[Draw, ...] = (
    light,
    heavy,
    pareto,
    classes,
    told_classes,
    growing,
    drifting,
    long_last,
    sized_last,
    changing,
    paused,
    reporting,
    failing,
    repeated,
)


def traces(count: int, seed: int) -> list[Trace]:
    """So many traces, of all kinds in turn."""
    rng = random.Random(seed)
    return [KINDS[i % len(KINDS)](random.Random(rng.random())) for i in range(count)]


# --- how others estimate ----------------------------------------------------------------------------------------------


def tqdm_left(look: Look, smoothing: float = 0.3) -> float | None:
    """Seconds left as tqdm tells them: what is left by a rate that is smoothed exponentially.

    Its documentation: `smoothing`, the factor of the exponential moving average for speed estimates, 0.3 by default.
    """
    average, last = 0.0, 0.0
    weight = 0.0
    for end in look.ends:
        average = smoothing * (end - last) + (1 - smoothing) * average
        weight = smoothing + (1 - smoothing) * weight
        last = end
    return average / weight * (look.total - len(look.ends)) if look.ends else None


def parallel_left(look: Look) -> float | None:
    """Seconds left as `parallel --eta` tells them: by the run time of the jobs that are finished, and the job slots."""
    if not look.durations:
        return None
    mean = math.fsum(look.durations) / len(look.durations)
    return mean * (look.total - len(look.ends)) / look.known.workers


def mean_left(look: Look) -> tuple[float, float, float] | None:
    """Seconds left by the mean of what is done and the spread around it, and the interval of 80 in 100 of a sum."""
    known, remaining = len(look.durations), look.total - len(look.ends)
    if known < 3:
        return None
    mean = math.fsum(look.durations) / known
    variance = math.fsum((seconds - mean) ** 2 for seconds in look.durations) / (known - 1)
    spent = math.fsum(run.elapsed for run in look.known.running)
    lanes = max(1, min(look.known.workers, remaining))
    total = max(remaining * mean - min(spent, lanes * mean), mean / 2)
    spread = 1.2816 * math.sqrt(remaining * variance + remaining**2 * variance / known)
    return max(0.0, total - spread) / lanes, total / lanes, (total + spread) / lanes
