"""When runs ended as columns, pauses, and the bins and ticks of plots."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model import ends
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.scale import histogram, short, ticks
from pyalma_tui.model.vector import Frozen, Vector


def done(number: int, begun: float, ended: float, instance: int = 0) -> Run:
    took = ended - begun
    status = s.Done(at=ended, duration=took)
    return Run(number, instance, 0, 5, status=status, seconds=took, began=begun, attempt=1)


def failed(number: int, begun: float, ended: float) -> Run:
    run = done(number, begun, ended)
    return msgspec.structs.replace(run, status=s.Failed(s.Error("ValueError: x"), ended))


def known(runs: list[Run]) -> ends.EndColumns:
    looked = ends.Ends()
    looked.update(Vector(runs).freeze())
    return looked.all()


def test_only_blocks_that_changed_are_looked_at_and_a_run_that_begins_again_is_gone() -> None:
    runs = Vector([done(number, 0, number) for number in range(1, 1001)])
    looked = ends.Ends()
    assert looked.update(runs.freeze())
    assert not looked.update(runs.freeze())
    assert len(looked.all().run) == 1000
    runs[500] = Run(501, 0, 0, 5)
    assert looked.update(runs.freeze())
    columns = looked.all()
    assert len(columns.run) == 999
    assert 501 not in columns.run
    assert columns.run == sorted(columns.run)


def test_a_look_that_is_cut_short_knows_runs_from_all_over_and_goes_on() -> None:
    """One that goes from the front would show the first hours of an experiment as if they were all."""
    runs = Vector([done(number, 0, number) for number in range(1, 100 * 256 + 1)]).freeze()
    looked = ends.Ends()
    budget = iter([False] * 8 + [True])
    looked.update(runs, lambda: next(budget))
    assert looked.behind
    assert looked.looked_at == pytest.approx(0.08)
    some = looked.all().run
    assert some[0] < 0.2 * len(runs)
    assert some[-1] > 0.8 * len(runs)
    while looked.behind:
        looked.update(runs)
    assert looked.all().run == list(range(1, len(runs) + 1))


def test_blocks_of_which_nothing_ended_are_not_decoded() -> None:
    class Untouched(tuple[Run, ...]):
        words = b"p" * 256

        def __iter__(self) -> None:  # type: ignore[override]
            raise AssertionError("it was decoded")

    looked = ends.Ends()
    looked.update(Frozen((Untouched(),), 256))
    assert looked.all().run == []


def test_time_in_which_nothing_ran_is_cut_out_as_a_pause() -> None:
    columns = known([done(1, 1000, 1100), done(2, 1050, 1200), failed(3, 9000, 9100)])
    line = ends.timeline(columns)
    assert line.spans == ((1000, 1200), (9000, 9100))
    assert line.length == 300
    assert line.pauses() == [(200, 7800)]
    assert line.place(9050) == 250
    assert line.place(5000) == 200
    assert line.moment(250) == 9050
    assert ends.counted(columns, line, 3, "done") == [0, 1, 1]
    assert ends.counted(columns, line, 3, "failed") == [0, 0, 1]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.001, 1e4)), min_size=1, max_size=40), st.integers(1, 50))
def test_what_was_occupied_is_all_the_time_that_runs_took(attempts: list[tuple[float, float]], bins: int) -> None:
    """One that counts a run only where it ends, or twice at the edge of two bins, fails."""
    columns = known([done(number, at, at + took) for number, (at, took) in enumerate(attempts, 1)])
    line = ends.timeline(columns)
    busy = ends.occupied(columns, line, bins)
    assert len(busy) == bins
    assert min(busy) >= -1e-6
    assert sum(busy) * line.length / bins == pytest.approx(sum(columns.took), rel=1e-6, abs=1e-6 * len(attempts))
    assert sum(ends.counted(columns, line, bins, "done")) == len(attempts)


def test_the_slowest_are_those_that_are_done_and_took_longest() -> None:
    columns = known([done(1, 0, 5, 0), done(2, 0, 9, 1), failed(3, 0, 50), done(4, 0, 1, 0)])
    assert ends.slowest(columns, 2) == [(2, 9), (1, 5)]
    assert ends.by_instance(columns, 5) == [(1, 9, 1), (0, 3, 2)]
    assert ends.durations(columns) == [1, 5, 9]


@given(st.lists(st.floats(0, 1e7) | st.just(0.0), min_size=1, max_size=300), st.integers(1, 24))
def test_each_value_is_in_its_bin(values: list[float], most: int) -> None:
    bins = histogram(values, most)
    assert 1 <= len(bins) <= max(most, 2)
    assert sum(each.count for each in bins) == len(values)
    for each, following in pairwise(bins):
        assert each.low < each.high == following.low
    for each in bins[1:-1]:
        assert each.count == sum(each.low <= value < each.high for value in values)


def test_a_wide_range_is_told_in_lengths_of_time_and_a_narrow_one_in_equal_steps() -> None:
    wide = histogram([1, 2, 40, 90, 600, 4000], 30)
    assert {30, 45, 60, 90} <= {each.low for each in wide}
    narrow = histogram([0.2, 0.22, 0.29], 10)
    assert all(each.high - each.low == pytest.approx(0.01) for each in narrow)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (0.25, "0.25"), (-3.5, "-3.5"), (1234, "1234"), (98765, "98.8k"), (2.5e9, "2.5G"),
     (1e-7, "1e-7"), (3e20, "3e20")],
)  # fmt: skip
def test_numbers_in_plots_are_short(value: float, text: str) -> None:
    assert short(value) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(1, 12))
def test_ticks_lie_between_the_ends_and_are_few(low: float, width: float, most: int) -> None:
    high = low + width
    if high > low:
        assert len(ticks(low, high, most)) <= most + 1
