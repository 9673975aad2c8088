"""Whatever numbers runs save, and whenever they end: plots on the screen and on a page are drawn of them."""

from __future__ import annotations

import math

from hypothesis import example, given
from hypothesis import strategies as st

from pyalma_tui.model import ends, jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.ends import EndColumns
from pyalma_tui.model.scale import histogram
from pyalma_tui.model.series import Samples, Series, grown, line_of
from pyalma_tui.report import svg
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets import charts
from pyalma_tui.tui.widgets.braille import y_labels
from pyalma_tui.tui.widgets.charts import Drawn
from tests.tui.fake_conductor import NOW, Experiment

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
WORDS: tuple[s.Word, ...] = ("done", "failed", "interrupted")


def assert_drawn(picture: str) -> None:
    assert "nan" not in picture
    assert "inf" not in picture


@given(st.lists(NUMBERS, min_size=2, max_size=8), st.integers(1, 130), st.integers(1, 50))
@example([1.7e308, -1.7e308], 80, 20)  # their distance is no float: a range of ticks without an end
@example([10**17, 10**17], 80, 20)  # to which neither 0.5 nor 1 can be added
@example([0.0, 5e-324], 80, 20)  # whose distance has no fifth
@example([-0.0, 0.0], 80, 20)
@example([0.0, 1e300], 1, 1)
def test_any_numbers_of_a_state_are_drawn(values: list[float], width: int, height: int) -> None:
    series = Series()
    for number, value in enumerate(values, 1):
        series = grown(series, number, number, jsontext.encode({"gap": value}))
    made = Experiment(["a"], samples=Samples({1: series}))
    drawn = Drawn(Moment(made.snapshot(), NOW))
    lines = charts.saved(drawn, width, height).plain.split("\n")
    assert drawn.shown is None or len(lines) <= max(height, 4)
    if points := line_of(series, "gap"):
        assert_drawn(svg.curves([("a", points)], "gap"))
        assert all(math.isfinite(value) for _, value in points)


@given(
    st.lists(
        st.tuples(st.floats(1e9, 3e9), st.floats(0, 1e9) | st.just(0.0), st.sampled_from(WORDS)), min_size=1, max_size=8
    ),
    st.integers(1, 130),
    st.integers(1, 50),
)
def test_runs_are_drawn_whenever_they_ended(runs: list[tuple[float, float, s.Word]], width: int, height: int) -> None:
    at, took, words = (list(each) for each in zip(*runs, strict=True))
    numbers = list(range(1, len(runs) + 1))
    letters = bytearray(s.LETTER[word] for word in words)
    columns = EndColumns(numbers, [0] * len(runs), at, took, took, letters)
    made = Experiment(["a"], iterations=len(runs))
    drawn = Drawn(
        Moment(made.snapshot(), NOW), columns, ends.timeline(columns), ends.durations(columns), ends.slowest(columns)
    )
    for plot in (charts.finished, charts.took, charts.load):
        assert plot(drawn, width, height).plain
    for picture in (svg.ended(columns, drawn.line), svg.load(columns, drawn.line, [])):
        assert_drawn(picture)
    if drawn.durations:
        assert_drawn(svg.lengths(histogram(drawn.durations, 20)))


@given(st.floats(1, 9999), st.integers(4, 40))
@example(1.5, 7)
@example(1.0000000000000002, 4)
def test_an_axis_of_counts_has_whole_numbers_and_more_than_one(high: float, height: int) -> None:
    texts = [text for _, text in y_labels(0, high, height, counts=True)]
    assert len(texts) > 1
    assert all(text.isdigit() for text in texts)
