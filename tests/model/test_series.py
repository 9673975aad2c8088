"""The sample of what a run saves: bounded, spread over its whole life, and only of numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model.series import FIELDS, MOST, Series, grown, line_of, numbers_of


def series_of(saves: list[int]) -> Series:
    series = Series()
    for number in saves:
        series = grown(series, number, number / 10, b"%d" % number)
    return series


@given(st.lists(st.integers(1, 400), min_size=1, max_size=1_500))
def test_it_is_bounded_and_spread_over_all_of_a_life_at_whatever_pace_saves_come(gaps: list[int]) -> None:
    """A program that keeps the first or the last 200, or every n-th of what it is given, fails."""
    saves = [sum(gaps[: place + 1]) for place in range(len(gaps))] if len(gaps) < 300 else _sums(gaps)
    series = series_of(saves)
    points = [point.saves for point in series.points]
    assert len(points) <= MOST
    assert points[0] == saves[0]
    assert points[-1] == saves[-1]
    assert points == sorted(set(points))
    assert set(points) <= set(saves)
    assert all(later - earlier >= series.step for earlier, later in pairwise(points[:-1]))
    life, widest = saves[-1] - saves[0], max((later - earlier for earlier, later in pairwise(saves)), default=0)
    holes = [later - earlier for earlier, later in pairwise(points)]
    assert max(holes, default=0) <= 4 * life / MOST + widest + 1


def _sums(gaps: list[int]) -> list[int]:
    total, found = 0, []
    for gap in gaps:
        total += gap
        found.append(total)
    return found


def test_the_same_saves_taken_in_again_change_nothing() -> None:
    series = series_of([1, 2, 3])
    assert grown(series, 2, 0.2, b"9") is series
    assert grown(series, 3, 0.3, b"9") is series


@pytest.mark.parametrize(
    ("state", "numbers"),
    [
        (b"7", {"state": 7}),
        (b"0.25", {"state": 0.25}),
        (b'"12.5"', {"state": 12.5}),
        (b'{"gap":0.5,"n":3,"done":true,"name":"x"}', {"gap": 0.5, "n": 3}),
        (b'{"best":{"cost":2,"of":[1]}}', {"best.cost": 2}),
        (b'"nan"', {}),
        (b'"infinity"', {}),
        (b'"1_0"', {}),
        (b'""', {}),
        (b"true", {}),
        (b"null", {}),
        (b"[1,2]", {}),
        (b"1" + b"0" * 400, {}),
        (b"not json", {}),
        (b'{"a":' + b"1" * 20_000 + b"}", {}),
    ],
)
def test_only_numbers_are_drawn(state: bytes, numbers: dict[str, float]) -> None:
    assert numbers_of(state) == numbers


def test_fields_that_come_later_are_drawn_from_then_on_and_there_are_never_too_many() -> None:
    series = grown(Series(), 1, 0.1, b'{"a":1}')
    series = grown(series, 2, 0.2, b'{"b":5}')
    series = grown(series, 3, 0.3, b'{"a":2,"b":6}')
    assert line_of(series, "a") == [(1, 1), (3, 2)]
    assert line_of(series, "b") == [(2, 5), (3, 6)]
    assert line_of(series, "c") == []
    many = "{" + ",".join(f'"k{number}":{number}' for number in range(500)) + "}"
    assert len(grown(series, 4, 0.4, many.encode()).fields) <= FIELDS
