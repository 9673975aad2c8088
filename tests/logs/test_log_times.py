"""When lines arrived: looked up against a list of pairs, and where somebody wants to go."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.logs import times as module
from pyalma_tui.logs.goal import LineNumber, Share, TimeOfDay, goal
from pyalma_tui.logs.times import PAIR, Times


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("times") / "1.times"


@given(
    steps=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=12),
    offsets=st.lists(st.integers(0, 100), max_size=8),
    torn=st.integers(0, 15),
    at_once=st.integers(1, 5),
)
def test_a_byte_arrived_when_the_log_was_first_seen_to_hold_it(
    path: Path, steps: list[tuple[int, int]], offsets: list[int], torn: int, at_once: int
) -> None:
    size, at, pairs = 0, 1000.0, []
    for grown, seconds in steps:
        size, at = size + grown, at + seconds
        pairs.append((size, at))
    path.write_bytes(b"".join(PAIR.pack(*pair) for pair in pairs) + b"\x01" * torn)
    times = Times(path)
    times.refresh()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "AT_ONCE", at_once)
        found = times.of(sorted(offsets))
    assert found == [next((at for size, at in pairs if size > offset), None) for offset in sorted(offsets)]
    assert times.last() == (pairs[-1][1] if pairs else None)
    for moment in (999.0, 1003.0, 2000.0):
        before = [size for size, at in pairs if at < moment]
        assert times.offset(moment) == (None if not pairs else before[-1] if before else 0)
    times.close()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1200", LineNumber(1200)),
        (" 50% ", Share(0.5)),
        ("12.5 %", Share(0.125)),
        ("14:05", TimeOfDay(14, 5, 0)),
        ("9:05:30", TimeOfDay(9, 5, 30)),
        ("101%", None),
        ("24:00", None),
        ("14:60", None),
        ("soon", None),
        ("", None),
        ("9" * 400, None),
    ],
)
def test_a_goal_is_a_line_a_share_or_a_time(text: str, meant: object) -> None:
    assert goal(text) == meant


def test_a_time_of_the_day_is_the_last_one_before_the_end() -> None:
    end = time.mktime((2026, 3, 1, 12, 0, 0, 0, 0, -1))
    assert TimeOfDay(11, 59, 0).moment(end) == end - 60
    assert time.localtime(TimeOfDay(12, 1, 0).moment(end))[:5] == (2026, 2, 28, 12, 1)
