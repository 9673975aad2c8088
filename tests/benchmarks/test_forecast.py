"""Row 19: how often the forecast's interval holds at each moment, how near its middle is, and what it costs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import pytest
from msgspec.structs import replace

from pyalma_tui.model import status as s
from pyalma_tui.model.foretelling import forecast
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan
from pyalma_tui.runner.foresight import REST, SHARE, Foresight, waiting_of
from pyalma_tui.store.ledger import Ledger
from tests.model.traces import KINDS, SHARES, Look, looks, mean_left, parallel_left, tqdm_left, traces

from .figures import Figure, Figures, milliseconds

EACH = 40  # traces of each kind
HELD_OUT = 2027  # nothing of the model was chosen by looking at traces of this seed

Estimate = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Said:
    """What one way of estimating has said at a moment of a trace, in seconds that are left, and the truth."""

    kind: str
    share: float
    early: bool  # no run had ended yet
    estimate: Estimate
    truth: float

    @property
    def holds(self) -> bool:
        """Whether the truth is inside."""
        low, _, high = self.estimate
        return low <= self.truth <= high

    @property
    def off(self) -> float:
        """How far off the middle is, as a part of the truth."""
        return abs(self.estimate[1] / self.truth - 1)

    @property
    def width(self) -> float:
        """Of the interval, as a part of its middle."""
        low, middle, high = self.estimate
        return (high - low) / middle if middle else 0.0


def _ours(look: Look) -> Estimate | None:
    found = forecast(look.known)
    now = look.known.now
    return None if found is None else (found.low - now, found.middle - now, found.high - now)


def _point(estimate: Callable[[Look], float | None], look: Look) -> Estimate | None:
    value = estimate(look)
    return None if value is None else (value, value, value)


OTHERS: dict[str, Callable[[Look], Estimate | None]] = {
    "a mean and its spread": mean_left,
    "tqdm's way": partial(_point, tqdm_left),
    "GNU parallel's way": partial(_point, parallel_left),
}


@pytest.mark.timeout(1800)
def test_the_forecast_keeps_its_word(figures: Figures, full: bool) -> None:
    """Each moment by itself: what is too wide in the beginning does not make up for what is too narrow later."""
    ours: list[Said] = []
    others: dict[str, list[Said]] = {way: [] for way in OTHERS}
    beside: list[Said] = []  # ours, where all others say something as well
    unknown = 0
    made = traces((5 if full else 1) * EACH * len(KINDS), seed=HELD_OUT)
    for trace in made:
        for share, look in zip(SHARES, looks(trace), strict=True):
            estimate = _ours(look)
            early = not look.ends
            assert (estimate is None) == (early and not any(run.share for run in look.known.running))
            if estimate is None:
                unknown += 1
                continue
            ours.append(Said(trace.kind, share, early, estimate, look.truth))
            told = {way: found for way, guess in OTHERS.items() if (found := guess(look)) is not None}
            if len(told) == len(OTHERS):
                beside.append(ours[-1])
                for way, found in told.items():
                    others[way].append(Said(trace.kind, share, early, found, look.truth))
    simple = others["a mean and its spread"]
    moments = {f"at {share:.0%} of the time": (share,) for share in SHARES}
    for when, shares in {f"at {len(SHARES)} moments": SHARES, **moments}.items():
        held = _held(said for said in ours if said.share in shares)
        figures.add(
            Figure(
                19,
                f"80 % interval of the forecast holds, {len(made)} traces {when}",
                f"{held:.1%}",
                f"a mean and its spread {_held(said for said in simple if said.share in shares):.0%}",
                "",
                "75–85 %",
                True,
                0.75 <= held <= 0.85,
            )
        )
    near = _error(beside)
    for way, said in others.items():
        figures.add(
            Figure(
                19,
                "median error of what the forecast says is left",
                f"{near:.0%}",
                f"{way} {_error(said):.0%}",
                f"{near / _error(said):.2f}",
                "< 1",
                True,
                near < _error(said),
            )
        )
    for line in _remarks(ours, unknown):
        figures.remark(line)


def _remarks(ours: Sequence[Said], unknown: int) -> Iterable[str]:
    yield f"the forecast is unknown {unknown} times, whenever nothing is known; the interval holds"
    if early := [said for said in ours if said.early]:
        yield f"  by progress, before the first run is done: {_told(early)}"
    for kind in dict.fromkeys(said.kind for said in ours):
        of = [said for said in ours if said.kind == kind]
        moments = ((share, [said for said in of if said.share == share]) for share in SHARES)
        yield f"  {kind}: {_told(of)}; " + ", ".join(f"{share:.0%} {_held(at):.0%}" for share, at in moments if at)


def _told(said: Sequence[Said]) -> str:
    width = math.fsum(each.width for each in said) / len(said)
    return f"holds {_held(said):.0%} of {len(said)}, median error {_error(said):.0%}, mean width {width:.2f}"


def _held(said: Iterable[Said]) -> float:
    holds = [each.holds for each in said]
    return sum(holds) / len(holds)


def _error(said: Iterable[Said]) -> float:
    return median(each.off for each in said)


def test_the_forecast_is_cheap(figures: Figures) -> None:
    """At 100,000 runs, half of them done: its processor time, as a share of that until the next one."""
    runs = list(plan(100_000, 1, 1))
    for number in range(100_000, 50_000, -1):
        seconds = 1 + number % 7
        runs[number - 1] = replace(runs[number - 1], status=s.Done(1.0, seconds), seconds=seconds, attempt=1)
    ledger = Ledger([Instance(i, f"uf{i % 9}-{i}.cnf", f"/{i}") for i in range(100_000)], runs, s.DoneHook())
    waiting = waiting_of(ledger)

    def spent(foresight: Foresight) -> list[float]:
        """Seconds of this thread for each of some forecasts, after the one for which it looks through everything."""
        costs, last = [], None
        for workers in range(2, 10):  # another number of workers makes another forecast due
            began = time.thread_time()
            told = foresight.look(ledger, (), lambda: waiting, workers)
            costs.append(time.thread_time() - began)
            while told is last:
                time.sleep(0.001)
                told = foresight.look(ledger, (), lambda: waiting, workers)
            last = told
        return costs[1:]

    costs, held = spent(Foresight(first=0.0)), spent(Foresight(first=0.0, aside=True))
    share = median(cost / max(REST, SHARE * cost) for cost in costs)
    figures.add(
        Figure(
            19,
            "a forecast at 100,000 runs, share of a core",
            milliseconds(costs),
            f"one in {median(max(REST, SHARE * cost) for cost in costs):.1f} s",
            f"{share:.1%}",
            "≤ 1 %",
            True,
            share <= 0.0101,
        )
    )
    longest = median(held)
    figures.add(
        Figure(
            19,
            "of it, work of the thread that decides what runs",
            milliseconds(held),
            "all of it " + milliseconds(costs),
            f"{longest / median(costs):.2f}",
            "≤ 5 ms",
            False,
            longest <= 0.005,
        )
    )
