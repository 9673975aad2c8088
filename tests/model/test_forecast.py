"""The forecast is a mean with an honest interval, and silent while too little is known."""

from __future__ import annotations

import random

import pytest

from pyalma_tui.model.forecast import Forecast, forecast


def test_nothing_left_takes_no_time() -> None:
    assert forecast([], 0, 0.0, 4) == Forecast(0.0, 0.0, 0.0)


@pytest.mark.parametrize("durations", [[], [1.0], [1.0, 2.0]])
def test_nothing_is_said_before_three_runs_are_done(durations: list[float]) -> None:
    assert forecast(durations, 5, 0.0, 1) is None


def test_nothing_is_said_without_workers() -> None:
    assert forecast([1.0, 1.0, 1.0], 5, 0.0, 0) is None


def test_equal_runs_give_a_certain_answer() -> None:
    assert forecast([2.0] * 5, 10, 0.0, 1) == Forecast(20.0, 20.0, 20.0)
    assert forecast([2.0] * 5, 10, 0.0, 5) == Forecast(4.0, 4.0, 4.0)


def test_more_workers_than_runs_help_no_further() -> None:
    assert forecast([2.0] * 5, 2, 0.0, 64) == forecast([2.0] * 5, 2, 0.0, 2)


def test_time_that_busy_runs_have_had_counts_but_never_more_than_a_mean_run_each() -> None:
    some = forecast([2.0] * 5, 10, 1.0, 1)
    long = forecast([2.0] * 5, 10, 500.0, 1)
    assert some is not None
    assert long is not None
    assert some.middle == 19.0
    assert long.middle == 18.0


def test_the_last_run_is_never_forecast_to_take_nothing() -> None:
    last = forecast([2.0] * 5, 1, 500.0, 1)
    assert last is not None
    assert last.middle > 0


def test_unequal_runs_widen_the_interval_and_more_samples_narrow_it() -> None:
    few = forecast([1.0, 2.0, 3.0], 100, 0.0, 1)
    many = forecast([1.0, 2.0, 3.0] * 50, 100, 0.0, 1)
    assert few is not None
    assert many is not None
    assert 0 <= few.low < many.low < many.middle == few.middle < many.high < few.high


def test_the_interval_holds_the_truth_about_95_times_in_100() -> None:
    rng = random.Random(1)
    inside = 0
    for _ in range(400):
        known = [rng.uniform(1, 3) for _ in range(30)]
        left = sum(rng.uniform(1, 3) for _ in range(20))
        guess = forecast(known, 20, 0.0, 1)
        assert guess is not None
        inside += guess.low <= left <= guess.high
    assert 365 <= inside <= 395
