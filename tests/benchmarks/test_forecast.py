"""Row 19: how often the forecast's interval holds, how near its middle is, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
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

EACH = 20  # traces of each kind

Estimate = tuple[float, float, float]


def _ours(look: Look) -> Estimate | None:
    found = forecast(look.known)
    now = look.known.now
    return None if found is None else (found.low - now, found.middle - now, found.high - now)


def _point(estimate: Callable[[Look], float | None], look: Look) -> Estimate | None:
    value = estimate(look)
    return None if value is None else (value, value, value)


WAYS: dict[str, Callable[[Look], Estimate | None]] = {
    "ours": _ours,
    "a mean and its spread": mean_left,
    "tqdm's way": partial(_point, tqdm_left),
    "GNU parallel's way": partial(_point, parallel_left),
}


@pytest.mark.timeout(1800)
def test_the_forecast_keeps_its_word(figures: Figures, full: bool) -> None:
    """Where one of them says nothing yet, the others are not asked either."""
    held: dict[str, list[bool]] = {way: [] for way in WAYS}
    off: dict[str, list[float]] = {way: [] for way in WAYS}
    by_share: dict[float, list[bool]] = {share: [] for share in SHARES}
    by_kind: dict[str, tuple[list[bool], list[float]]] = {}
    unknown = 0
    made = traces((5 if full else 1) * EACH * len(KINDS), seed=19)
    for trace in made:
        for share, look in zip(SHARES, looks(trace), strict=True):
            told = {way: estimate(look) for way, estimate in WAYS.items()}
            if (ours := told["ours"]) is None:
                unknown += 1
            else:
                by_share[share].append(ours[0] <= look.truth <= ours[2])
                inside, away = by_kind.setdefault(trace.kind, ([], []))
                inside.append(by_share[share][-1])
                away.append(abs(ours[1] / look.truth - 1))
            for way, estimate in told.items():
                if estimate is not None and None not in told.values():
                    held[way].append(estimate[0] <= look.truth <= estimate[2])
                    off[way].append(abs(estimate[1] / look.truth - 1))
    inside = [each for found in by_share.values() for each in found]
    coverage = sum(inside) / len(inside)
    middle = {way: median(found) for way, found in off.items()}
    figures.add(
        Figure(
            19,
            f"80 % interval of the forecast holds, {len(made)} traces at {len(SHARES)} moments",
            f"{coverage:.0%}",
            f"a mean and its spread {_share(held['a mean and its spread'])}",
            "",
            "75–85 %",
            True,
            0.75 <= coverage <= 0.85,
        )
    )
    for way in list(WAYS)[1:]:
        figures.add(
            Figure(
                19,
                "median error of what the forecast says is left",
                f"{middle['ours']:.0%}",
                f"{way} {middle[way]:.0%}",
                f"{middle['ours'] / middle[way]:.2f}",
                "< 1",
                True,
                middle["ours"] < middle[way],
            )
        )
    figures.remark(
        "the interval holds, by the share of the time that has passed: "
        + ", ".join(f"{share:.0%} {_share(found)}" for share, found in by_share.items())
        + f"; unknown {unknown} times"
    )
    for kind, (found, away) in by_kind.items():
        figures.remark(f"  {kind}: holds {_share(found)}, median error {median(away):.0%}")


def _share(found: list[bool]) -> str:
    return f"{sum(found) / len(found):.0%}"


def test_the_forecast_is_cheap(figures: Figures) -> None:
    """At 100,000 runs, half of them done: its processor time, as a share of that until the next one."""
    runs = list(plan(100_000, 1, 1))
    for number in range(100_000, 50_000, -1):
        seconds = 1 + number % 7
        runs[number - 1] = replace(runs[number - 1], status=s.Done(1.0, seconds), seconds=seconds, attempt=1)
    ledger = Ledger([Instance(i, f"uf{i % 9}-{i}.cnf", f"/{i}") for i in range(100_000)], runs, s.DoneHook())
    waiting = waiting_of(ledger)
    foresight, costs = Foresight(first=0.0), []
    for workers in range(2, 9):  # another number of workers makes another forecast due
        began = time.thread_time()
        foresight.look(ledger, (), lambda: waiting, workers)
        costs.append(time.thread_time() - began)
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
