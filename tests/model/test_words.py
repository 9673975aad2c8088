"""How numbers, bytes, times and iterations are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.words import clock, duration, finely, left, named, numbered, plural, run_name, size, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.0004, "0 s"),
        (0.02, "20 ms"),
        (0.0999, "99 ms"),
        (0.1, "0.1 s"),
        (0.999, "0.9 s"),
        (9.99, "9.9 s"),
        (10, "0:10"),
        (41.9, "0:41"),
        (192, "3:12"),
        (3723, "1:02:03"),
        (183_840, "2d 03:04"),
        (1e6, "11d 13h"),
        (1e8, "1157d"),
    ],
)
def test_durations_are_exact_where_a_part_of_a_second_matters(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.099, "99 ms"), (0.119, "0.11 s"), (0.14, "0.14 s"), (9.999, "9.99 s"), (10, "0:10")]
)
def test_durations_that_are_compared_have_a_digit_more(seconds: float, text: str) -> None:
    assert finely(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(-5, "0:00"), (3.9, "0:03"), (41.9, "0:41"), (3723, "1:02:03")])
def test_what_goes_on_counts_whole_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@given(st.floats(0, 1e11))
def test_no_duration_is_wider_than_its_column(seconds: float) -> None:
    assert len(duration(seconds)) <= 8


@pytest.mark.parametrize(("seconds", "text"), [(3.9, "3 s"), (99, "99 s"), (720, "12 min"), (7 * 3600, "7 h")])
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_iterations_are_written_as_run_gets_them() -> None:
    assert numbered(0) == "#0"
    assert (named(1), named(20)) == ("#0", "#0 to #19")
    assert (run_name("a.cnf", 0, 1), run_name("a.cnf", 7, 20)) == ("a.cnf", "a.cnf#7")


def test_things_are_counted() -> None:
    assert [plural(number, "run") for number in (0, 1, 2, 50_000)] == ["0 runs", "1 run", "2 runs", "50,000 runs"]
    assert [plural(number, "retry", "retries") for number in (1, 2)] == ["1 retry", "2 retries"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_499, "999 kB"),
        (999_501, "1.0 MB"),
        (64_000_000, "64 MB"),
        (4e12, "4.0 TB"),
        (4e15, "4,000.0 TB"),
    ],
)
def test_bytes_have_three_digits_at_most(number: float, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("low", "middle", "high", "text"),
    [
        (2290, 2490, 3130, "~42 min left (80 %: 38–52)"),
        (3, 5, 9, "~5 s left (80 %: 3–9)"),
        (5, 5.2, 5.3, "~5 s left"),
        (2.5 * 3600, 3.2 * 3600, 4 * 3600, "~3.2 h left (80 %: 2.5–4.0)"),
        (50, 400, 7200, "~7 min left (80 %: 50 s–2.0 h)"),
        (86400, 5 * 86400, 12 * 86400, "~5.0 d left (80 %: 24 h–12 d)"),
        (-9, -3, 2, "~0 s left (80 %: 0–2)"),
        (0, 1, 3600, "~1 s left (80 %: 0 s–60 min)"),
        (1500, 9000, 180_000, "~2.5 h left (80 %: 25 min–2.1 d)"),
        (1500, 9000, 180_001, "~2.5 h left (90 %: at least 25 min)"),
        (1500, 9000, 676_794 * 86400, "~2.5 h left (90 %: at least 25 min)"),
        (86400, 300 * 86400, 366 * 86400, "~300 d left (90 %: at least 24 h)"),
        (1500, 4e8, 6e10, "at least 25 min left (90 %)"),
    ],
)
def test_when_it_is_done_is_told_in_one_unit_where_that_does(low: float, middle: float, high: float, text: str) -> None:
    assert left(Forecast(1e9 + low, 1e9 + middle, 1e9 + high), 1e9) == text


def test_what_is_unknown_is_called_so() -> None:
    assert left(None, 0.0) == "time left unknown"
