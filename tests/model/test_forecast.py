"""A forecast keeps its word: what it says of 80 in 100 holds about as often, over traces of many kinds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from statistics import median

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyalma_tui.model.belief import Ahead, EndedRun
from pyalma_tui.model.evidence import believe
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.foretelling import Known, forecast, poured
from pyalma_tui.model.traits import Traits

from .traces import Look, looks, parallel_left, tqdm_left, traces

Estimate = tuple[float, float, float]


def made(known: Known) -> Forecast:
    """The forecast of what is known, that there is one."""
    found = forecast(known)
    assert found is not None
    return found


def left(known: Known) -> Estimate:
    found = made(known)
    return found.low - known.now, found.middle - known.now, found.high - known.now


def done(seconds: Iterable[float]) -> list[EndedRun]:
    return [EndedRun(i, i / 1000, each) for i, each in enumerate(seconds)]


def waiting(count: int, first: int = 500) -> list[Ahead]:
    return [Ahead(first + i, first + i, (first + i) / 1000) for i in range(count)]


# --- what it says of simple things ------------------------------------------------------------------------------------


def test_nothing_left_is_done_now() -> None:
    assert forecast(Known(now=7.0, workers=2)) == Forecast(7.0, 7.0, 7.0)


def test_it_is_unknown_while_nothing_is_known() -> None:
    assert forecast(Known(now=0.0, workers=2, waiting=waiting(5))) is None
    running = [Ahead(1, 1, 0.0, elapsed=3.0)]
    assert forecast(Known(now=0.0, workers=2, waiting=waiting(5), running=running)) is None


def test_the_same_input_gives_the_same_forecast() -> None:
    known = Known(now=5.0, workers=3, ended=done([1, 2, 3, 1, 2]), waiting=waiting(20))
    assert forecast(known) == forecast(known)


def test_equal_runs_are_told_within_a_few_in_a_hundred() -> None:
    low, middle, high = left(Known(now=0.0, workers=4, ended=done([10.0] * 50), waiting=waiting(40, first=50)))
    assert middle == pytest.approx(100, rel=0.05)
    assert 90 < low <= middle <= high < 110


def test_it_is_wide_while_little_is_known_and_narrows() -> None:
    rng = random.Random(1)
    widths = []
    for number in (1, 5, 20, 100):
        known = Known(
            now=0.0,
            workers=2,
            ended=done(rng.lognormvariate(3, 0.5) for _ in range(number)),
            waiting=waiting(100),
        )
        low, _, high = left(known)
        widths.append(math.log(high / low))
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 4 * widths[-1]


def test_progress_tells_before_the_first_run_is_done() -> None:
    half = Ahead(1, 1, 0.0, elapsed=50, share=0.5, whole=100)
    low, middle, high = left(Known(now=0.0, workers=1, running=[half]))
    assert middle == pytest.approx(50, rel=0.15)
    assert 20 < low < middle < high < 110


def test_a_run_that_has_taken_longer_than_all_is_not_called_done() -> None:
    known = Known(now=0.0, workers=1, ended=done([10, 11, 9, 12, 10]), running=[Ahead(9, 900, 0.9, elapsed=300)])
    assert left(known)[1] > 1


def test_the_end_game_counts_a_long_run_that_comes_last_by_itself() -> None:
    seen = [EndedRun(i, i / 20, 100.0 if i == 19 else 1.0) for i in range(20)] * 4
    ahead = [Ahead(i + 1, i, i / 20) for i in range(20)]
    low, middle, _ = left(Known(now=0.0, workers=10, ended=seen, waiting=ahead))
    assert low > 75
    assert middle == pytest.approx(102, rel=0.2)  # 119 seconds of work over 10 workers would be 12


def test_a_field_that_explains_is_found_and_named() -> None:
    rng = random.Random(2)
    sizes = [10.0 + i % 40 for i in range(1000)]
    traits: dict[int, Traits] = {i: {"n": size, "colour": rng.choice("rgb")} for i, size in enumerate(sizes)}
    ended = [EndedRun(i, i / 1000, sizes[i] ** 2 * rng.lognormvariate(0, 0.1)) for i in range(60)]
    ahead = [Ahead(i, i, i / 1000) for i in range(500, 540) if sizes[i] > 30]
    known = Known(now=0.0, workers=1, ended=ended, waiting=ahead, traits=traits)
    truth = math.fsum(sizes[run.instance] ** 2 for run in ahead)
    found = made(known)
    assert found.basis.explained == ("n",)
    assert found.middle == pytest.approx(truth, rel=0.1)


def test_what_it_rests_on_is_told() -> None:
    known = Known(
        now=0.0,
        workers=2,
        ended=[*done([5.0] * 30), EndedRun(40, 0.0, 0.1, failed=True)],
        running=[Ahead(77, 77, 0.1, 1.0, 0.2, 5.0)],
        waiting=[*waiting(19), Ahead(5, 5, 0.0)],
    )
    found = made(known)
    assert (found.basis.ended, found.basis.progress, found.basis.instances) == (31, 1, 1)
    assert found.basis.failing == pytest.approx(1 / 31, rel=0.2)
    assert [workers for workers, _ in found.workers] == [3, 4]
    assert found.middle > found.workers[0][1] > found.workers[1][1]
    assert found.slowest
    assert 0 < found.tail < 1


@pytest.mark.parametrize("runs", [40, 4000], ids=["one by one", "as a sum"])
def test_runs_of_an_instance_that_was_never_run_are_long_together(runs: int) -> None:
    """Of instances that differ by much, one that comes often may take long or not: many others even that out."""
    rng = random.Random(6)
    levels = [rng.lognormvariate(2, 1) for _ in range(30)]
    ended = [
        EndedRun(i, i / 1000, level * rng.lognormvariate(0, 0.1)) for _ in range(4) for i, level in enumerate(levels)
    ]
    one = [Ahead(i, 500, 0.5) for i in range(runs)]
    wide, narrow = (left(Known(now=0.0, workers=1, ended=ended, waiting=all_)) for all_ in (one, waiting(runs)))
    assert wide[2] / wide[0] > 5
    assert narrow[2] / narrow[0] < 4


def test_runs_that_fail_early_are_not_expected_to_take_as_long_as_the_others() -> None:
    ended = [EndedRun(i, i / 1000, 0.1 if i % 2 else 10.0, failed=bool(i % 2)) for i in range(60)]
    _, middle, _ = left(Known(now=0.0, workers=1, ended=ended, waiting=waiting(100)))
    assert middle == pytest.approx(505, rel=0.15)


def test_a_timeout_bounds_what_runs_take() -> None:
    rng = random.Random(3)
    ended = done(rng.lognormvariate(0, 2) for _ in range(20))
    known = Known(now=0.0, workers=1, ended=ended, waiting=waiting(10))
    assert made(msgspec.structs.replace(known, longest=1.0)).high <= 10.0 < made(known).high


@pytest.mark.parametrize("times", [1, 100])
def test_a_sample_of_a_long_queue_says_what_the_whole_says(times: int) -> None:
    rng = random.Random(4)
    ended = done(rng.lognormvariate(0, 0.7) for _ in range(200))
    ahead = [Ahead(i, 500 + i % (2999 // times), 0.5) for i in range(3000)]
    whole = Known(now=0.0, workers=4, ended=ended, waiting=ahead, times=times)
    some = msgspec.structs.replace(
        whole, waiting=[*whole.waiting[:2850:10], *whole.waiting[2850:]], each=10.0, last=150
    )
    for one, other in zip(left(whole), left(some), strict=True):
        assert one == pytest.approx(other, rel=0.03)


def test_work_is_shared_as_workers_become_free() -> None:
    assert poured([0, 0, 10], 4) == [2, 2, 10]
    assert poured([0, 4], 10) == [7, 7]


def test_long_runs_that_have_not_ended_yet_are_believed_in() -> None:
    """Of runs that began together the short ones end first: those that still run are known to be longer."""
    ended = done([1.0] * 5)
    short = believe(ended, [], {}, ())
    long = believe(ended, [Ahead(i, i, 0.5, elapsed=60.0) for i in range(100, 105)], {}, ())
    assert short is not None
    assert long is not None
    assert long.trend.mean > short.trend.mean + 1


SECONDS = st.floats(0, 1e12) | st.sampled_from([0.0, 1e-9, 1e300])


@st.composite
def anything(draw: st.DrawFn) -> Known:
    count = draw(st.integers(1, 40))
    value = st.floats(-1e15, 1e15) | st.sampled_from(["a", "b", ""]) | st.integers(0, 9).map(float)
    instances, position = st.integers(0, count - 1), st.floats(0, 1)
    return Known(
        now=draw(st.floats(0, 1e10)),
        workers=draw(st.integers(1, 50)),
        ended=draw(st.lists(st.builds(EndedRun, instances, position, SECONDS, st.booleans()), max_size=40)),
        running=draw(
            st.lists(st.builds(Ahead, instances, instances, position, SECONDS, position, SECONDS), max_size=9)
        ),
        waiting=draw(st.lists(st.builds(Ahead, instances, instances, position, SECONDS), max_size=300)),
        traits={i: draw(st.dictionaries(st.sampled_from("xyz"), value)) for i in range(count)},
        told=draw(st.lists(st.floats(-30, 30), max_size=5)),
        longest=draw(st.none() | SECONDS),
        gap=draw(st.floats(0, 10)),
    )


NOTHING = Ahead(0, 0, 0.0, 0.0, 0.0, 0.0)
# a run that says to take a century, beside others that take no time: a spread that no number holds the exponential of
FAR_APART = Known(
    now=0.0,
    workers=1,
    ended=[EndedRun(each, 0.0, 0.0, each == 1) for each in (0, 0, 1, 5, 3)],
    running=[
        *[NOTHING] * 5,
        Ahead(0, 2, 0.0, 0.0, 0.125, 2.8e9),
        Ahead(21, 1, 1.0, 32.0, 0.5, 10.0),
        Ahead(2, 1, 0.0, 0.0, 0.5, 0.0),
        Ahead(0, 4, 1.0, 1.0, 0.625, 16.0),
    ],
    waiting=[],
    traits={each: {"x": 1.0} if each == 7 else {"x": 0.0} if each == 21 else {} for each in range(22)},
    told=[8.0],
    longest=None,
    gap=4.0,
)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@example(FAR_APART)
@given(anything())
def test_whatever_is_known_it_is_in_order_and_not_past(known: Known) -> None:
    found = forecast(known)
    if found is not None:
        assert known.now <= found.low <= found.middle <= found.high < math.inf
        assert all(known.now <= at < math.inf for _, at in found.workers)
        assert 0 <= found.tail <= 1


# --- that it keeps its word -------------------------------------------------------------------------------------------

# the most that the middle may be off in the median, of kinds of traces that only who heeds something can tell
SPARED = {
    "progress": 0.25,
    "few long ones last, told by a field": 0.25,
    "two classes, told by a field": 0.25,
}

Estimator = Callable[[Look], Estimate | None]


@cache
def seen() -> Sequence[tuple[str, Look]]:
    return [(trace.kind, look) for trace in traces(70, seed=5) for look in looks(trace, (0.25, 0.75))]


def told(look: Look) -> Estimate | None:
    found = forecast(look.known)
    now = look.known.now
    return None if found is None else (found.low - now, found.middle - now, found.high - now)


@cache
def all_told() -> Sequence[tuple[str, Look, Estimate]]:
    return [(kind, look, found) for kind, look in seen() if (found := told(look))]


def held(estimates: Iterable[tuple[str, Look, Estimate]]) -> float:
    inside = [low <= look.truth <= high for _, look, (low, _, high) in estimates]
    return sum(inside) / len(inside)


def point(value: float | None) -> Estimate | None:
    return None if value is None else (value, value, value)


def off(estimate: Estimator, kind: str = "") -> float:
    """By how much of the truth the middle is off, in the median."""
    found = [(look, estimate(look)) for each, look in seen() if kind in ("", each)]
    return median(abs(each[1] / look.truth - 1) for look, each in found if each is not None)


def test_the_interval_holds_as_often_as_it_says() -> None:
    assert 0.74 <= held(all_told()) <= 0.88
    assert held((kind, look, (0.9 * middle, middle, 1.1 * middle)) for kind, look, (_, middle, _) in all_told()) < 0.74
    assert held((kind, look, (low / 2, middle, high * 2)) for kind, look, (low, middle, high) in all_told()) > 0.88


def test_the_middle_is_nearer_than_that_of_others() -> None:
    ours = median(abs(middle / look.truth - 1) for _, look, (_, middle, _) in all_told())
    assert ours < 0.15
    assert ours < 0.6 * off(lambda look: point(tqdm_left(look)))
    assert ours < 0.6 * off(lambda look: point(parallel_left(look)))


@pytest.mark.parametrize("kind", SPARED)
def test_what_is_known_is_heeded(kind: str) -> None:
    assert (
        median(abs(middle / look.truth - 1) for each, look, (_, middle, _) in all_told() if each == kind) < SPARED[kind]
    )


def without_the_end(look: Look) -> Estimate | None:
    """Work over workers, as if they could share the last runs."""
    alone = told(replace(look, known=msgspec.structs.replace(look.known, workers=1)))
    return alone and (0, alone[1] / look.known.workers, 0)


def without_progress(look: Look) -> Estimate | None:
    running = [msgspec.structs.replace(run, share=0.0, whole=0.0) for run in look.known.running]
    return told(replace(look, known=msgspec.structs.replace(look.known, running=running)))


def without_fields(look: Look) -> Estimate | None:
    return told(replace(look, known=msgspec.structs.replace(look.known, traits={})))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("progress", without_progress),
        ("progress", without_the_end),
        ("two classes, told by a field", without_fields),
        ("few long ones last, told by a field", without_fields),
    ],
)
def test_these_bounds_tell_who_does_not_heed_it(kind: str, wrong: Estimator) -> None:
    assert off(wrong, kind) > SPARED[kind]
