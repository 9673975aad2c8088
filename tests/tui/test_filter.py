"""Filtering the list: what is typed is listed at once, completed, told where it is wrong, and taken back."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest
from textual.widgets import Input

from pyalma_tui.model import query as q
from pyalma_tui.model.experiment import Run
from pyalma_tui.store import layout
from pyalma_tui.store.rows import RowReader
from pyalma_tui.tui.lacking import of_runs
from pyalma_tui.tui.last_rows import LastRowsBeside
from pyalma_tui.tui.preferences import Preferences
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, small
from tests.tui.recorded import record


async def test_the_filter_is_live_and_escape_clears_it() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("slash", *"cnf", "space", *"status:f")
        await t.until(lambda: list(t.listing.order) == [2])
        await t.sees("1 match /cnf status:f")
        await t.press("enter")
        assert t.app.focused is t.listing
        await t.until(lambda: list(t.listing.order) == [2])
        await t.press("escape")
        await t.until(lambda: len(t.listing.order) == 6)
        assert not t.main.query_one("#filter", Input).has_class("-open")


async def test_a_filter_that_matches_nothing_says_so() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("slash", *"zzz")
        await t.sees("none of 6 instances matches")
        assert t.listing.cursor is None
        await t.press("enter", "i", "x", "l", "y", "e", "space")
        assert t.sent == []


async def test_letters_typed_into_the_filter_are_no_commands() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("slash", *"qrfdxip")
        assert t.sent == []
        assert t.app.is_running


async def test_the_filter_finds_an_error_by_its_text_and_fields_of_states() -> None:
    made = small()
    made.running(1, state=b'{"gap": 0.25}', saves=1, saved_at=NOW, last_save=1)
    async with opened(made.snapshot()) as t:
        for typed, found in (
            ("/valueerror/", [2]),
            ('"2 literals" !uf20-01', [2]),
            ("gap>=0.2", [0]),
            ("time>60s !status:done", [2, 3]),
        ):
            await t.press("slash", *typed)
            await t.until(lambda found=found: sorted(t.listing.order) == found)  # type: ignore[misc]
            await t.press("escape")
            await t.until(lambda: len(t.listing.order) == 6)


async def test_a_filter_that_cannot_be_understood_says_where_and_changes_nothing() -> None:
    async with opened(small().snapshot(), size=(80, 24)) as t:
        await t.press("slash", *"status:failed")
        await t.until(lambda: list(t.listing.order) == [2])
        await t.press("space", *"time>soon")
        await t.sees("▼ time> needs a length of time")
        error, field = next((a, b) for a, b in pairwise(t.lines()) if "▼ time" in a)
        assert error.index("▼") == field.index("soon")
        assert list(t.listing.order) == [2]
        await t.press(*["backspace"] * 4, *"70s")
        await t.until(lambda: "▼ time" not in t.text())
        assert list(t.listing.order) == [2]


async def test_fields_are_completed() -> None:
    made = small()
    made.running(1, state=b'{"optimality": 0.25}', saves=1, saved_at=NOW, last_save=1)
    async with opened(made.snapshot()) as t:
        await t.press("slash", *"sta")
        await t.sees("status:")
        await t.press("right", "f")
        await t.sees("status:failed")
        await t.press("right", "space", *"opt")
        await t.sees("optimality:")
        await t.press("right")
        assert t.main.query_one("#filter", Input).value == "status:failed optimality:"


async def test_a_mistyped_field_is_told_at_its_place_with_the_nearest_and_not_once_there_is_one() -> None:
    made = small()
    made.running(1, state=b'{"optimality": 0.25}', saves=1, saved_at=NOW, last_save=1)
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("slash", *"!cnf !optmality<1")
        await t.sees("▼ no run has optmality so far. Did you mean optimality?", "none of 6 instances matches")
        error, field = next((a, b) for a, b in pairwise(t.lines()) if "▼" in a)
        assert error.index("▼") == field.index("optm")
        made.running(1, state=b'{"optmality": 0.25}', saves=2, saved_at=NOW, last_save=2)
        await t.show(made.snapshot())
        await t.until(lambda: "▼ no " not in t.text())
        await t.press(*["backspace"] * 20, *"optimality<1")
        await t.until(lambda: list(t.listing.order) == [])
        await t.press(*["backspace"] * 20, *"uf20 zzz>1")
        await t.sees("▼ no run has zzz so far")
        await t.press(*["backspace"] * 20, *"error:x host:y data:z http://x")
        await t.sees("▼ no run has http so far")
        await t.press("escape")
        await t.until(lambda: "▼ no " not in t.text())


async def test_a_text_that_looks_like_a_field_is_none_that_is_missing() -> None:
    made = Experiment(["http://a", "n=7"])
    async with opened(made.snapshot()) as t:
        await t.press("slash", *"http://a")
        await t.until(lambda: list(t.listing.order) == [0])
        await t.press(*["backspace"] * 20, *"n=7")
        await t.until(lambda: list(t.listing.order) == [1])
        assert "▼ no " not in t.text()


async def test_a_filter_is_there_from_the_start_and_the_app_knows_the_last_one() -> None:
    async with opened(small().snapshot(), filtered="status:failed time>") as t:
        await t.until(lambda: list(t.listing.order) == [2])
        await t.sees("1 match /status:failed time>", "status:failed time>")
        assert t.app.focused is t.listing
        await t.press("slash", "end", *"70s")
        await t.until(lambda: t.app.filtered == "status:failed time>70s")
        await t.press("escape")
        await t.until(lambda: (t.app.filtered, len(t.listing.order)) == ("", 6))


async def test_what_is_shown_of_an_instance_is_a_run_that_the_filter_means() -> None:
    made = Experiment(["a", "b"], iterations=3)
    made.failed(3)  # a#1
    made.done(5, state=b'{"gap":0.5}')  # a#2
    async with opened(made.snapshot()) as t:
        await t.sees("a · #1")
        await t.press("slash", *"gap>0.1", "enter")
        await t.sees("a · #2", '{"gap": 0.5}')
        await t.press("escape")
        await t.sees("a · #1")


async def test_rows_are_read_for_a_filter_without_anybody_waiting_and_again_when_there_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Experiment(["a", "b", "c"], state_dir=tmp_path)
    record(made, 1, [{"step": 1}, {"step": 9}])
    record(made, 3, [{"step": 2}])
    read, may_read = RowReader.last_value, threading.Event()

    def slow(reader: RowReader, run: Run, path: str) -> object:
        may_read.wait()
        return read(reader, run, path)

    monkeypatch.setattr(RowReader, "last_value", slow)
    async with opened(made.snapshot(), preferences=Preferences(sort="batch")) as t:
        await t.press("slash", *"step<5")
        await t.sees("0… match /step<5")
        await t.press(*["backspace"] * 6, *"step>5", "enter")  # the disk stands still, the screen does not
        await t.sees("0… match /step>5")
        assert "▼ no " not in t.text(), "nobody knows that yet"
        may_read.set()
        await t.until(lambda: list(t.listing.order) == [0])
        await t.sees("1 match /step>5")
        record(made, 3, [{"step": 7}, {"other": 1}])
        await t.show(made.snapshot())
        await t.until(lambda: list(t.listing.order) == [0, 2])
        record(made, 1, [{"step": 3}])
        await t.show(made.snapshot())
        await t.until(lambda: list(t.listing.order) == [2])
        made.pending(3)
        made.put(3, extents=())  # it was reset
        await t.show(made.snapshot())
        await t.until(lambda: list(t.listing.order) == [])


async def test_a_field_of_rows_is_completed_and_the_nearest_of_a_mistyped_one(tmp_path: Path) -> None:
    made = Experiment(["a", "b"], state_dir=tmp_path)
    record(made, 2, [{"tardiness": 1}])
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("slash", *"tardyness<9")
        await t.sees("▼ no run has tardyness so far. Did you mean tardiness?")
        await t.press(*["backspace"] * 20, *"tard")
        await t.sees("tardiness:")
        await t.press("right", "1")
        await t.until(lambda: list(t.listing.order) == [1])
        assert "▼ no " not in t.text()


async def test_nothing_is_read_for_a_filter_that_needs_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Experiment(["a", "b"], state_dir=tmp_path)
    record(made, 1, [{"step": 1, "gap": 7}])
    made.put(1, state=b'{"gap":0.5}')
    asked: list[int] = []
    monkeypatch.setattr(RowReader, "last_value", lambda _, run, path: asked.append(run.id))
    async with opened(made.snapshot()) as t:
        for text in ("gap<1", "a status:done attempts<2", "status:pending step<9"):
            await t.press("slash", *text)
            await t.until(lambda text=text: t.main.wanted.query.text == text)  # type: ignore[misc]
            await t.press("escape")
        assert asked == []
        await t.press("slash", *"step<9")
        await t.until(lambda: asked == [1])


def test_no_field_is_told_as_missing_as_long_as_rows_are_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Experiment(["a", "b"], state_dir=tmp_path)
    record(made, 2, [{"step": 1}, {"other": 1}])
    shown = made.snapshot()
    read, may_read, reading = RowReader.last_value, threading.Event(), threading.Event()

    def slow(reader: RowReader, run: Run, path: str) -> object:
        reading.set()
        may_read.wait()
        return read(reader, run, path)

    monkeypatch.setattr(RowReader, "last_value", slow)
    last = LastRowsBeside(lambda: layout.rows(tmp_path), lambda run: run)
    lacks = of_runs(lambda: (shown.instances, shown.runs), last).lacks(q.compile("step<5 zzz>1"))
    while not reading.is_set():
        assert next(lacks) is None
    assert [next(lacks) for _ in range(100)] == [None] * 100
    may_read.set()
    assert [lack.field for lack in lacks if lack] == ["zzz"]
