"""A long line in rows: they look as the line does, and what one takes does not grow with what else is in the line."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content
from textual.style import Style

from pyalma_tui.logs.needle import Needle
from pyalma_tui.logs.reader import LIMIT, Line
from pyalma_tui.tui.literal import log_line
from pyalma_tui.tui.widgets.log_row import Look, Wrapped, content, folds, with_matches

ROWS = 40


def look(width: int, needle: str) -> Look:
    return Look(0, width, Needle(needle) if needle else None, Style(), Style(dim=True))


def line(data: bytes, *, cut_before: bool = False) -> Line:
    return Line(0, len(data), data, cut_before)


def looks(text: Content) -> list[tuple[str, Style]]:
    """Each character with its style."""
    return [(each, style) for part, style in text.render(Style(), parse_style=lambda _: Style()) for each in part]


@given(
    data=st.lists(st.sampled_from([b"\x1b[31m", b"\x1b[0m", b"\x1b[1;44m", b"loss ", "漢".encode(), b"\x07", b"\t"])),
    width=st.integers(2, 9),
    needle=st.sampled_from(["", "s", "o.s", "ss l"]),
    cut=st.booleans(),
)  # fmt: skip
def test_rows_look_as_the_line_does(data: list[bytes], width: int, needle: str, cut: bool) -> None:
    shown, how = line(b"".join(data), cut_before=cut), look(width, needle)
    whole = with_matches(shown, content(shown), how, current=False)
    wrapped, begins = Wrapped(shown, how, current=False), folds(whole.plain, width)
    rows = [wrapped.row(number) for number in range(len(begins))]
    assert [looks(each) for each in rows] == [
        looks(whole[start:stop]) for start, stop in zip(begins, [*begins[1:], len(whole)], strict=True)
    ]
    assert wrapped.row(len(begins)).plain == ""


def calls(function: Callable[[], object]) -> int:
    """How many functions written in Python it calls."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("data", [b"x" * 2 * LIMIT, b"\x1b[31mx\x1b[0my" * (LIMIT // 11)], ids=["matches", "colours"])
def test_a_row_of_a_line_with_thousands_of_matches_or_colours_takes_no_more_than_its_own(data: bytes) -> None:
    """A key in such a line took 2.6 s, for each row looked at all that is marked in the line."""
    wrapped = Wrapped(line(data), look(100, "x"), current=False)
    assert calls(lambda: [wrapped.row(number) for number in range(ROWS)]) < ROWS * 100 * 4


def test_of_thousands_of_states_of_a_progress_bar_only_those_that_show_are_looked_at() -> None:
    """A screenful of such lines took a second."""
    bars = b"\r".join(b"%5d of 9999 steps" % number for number in range(3600))
    assert calls(lambda: log_line(bars)) < 50
    assert log_line(b"a longer one\r" + bars).plain == " 3599 of 9999 steps"
    assert log_line(b"12345 of 9999 steps and more\r" + bars).plain == " 3599 of 9999 steps and more"
