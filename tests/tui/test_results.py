"""All rows on the screen: what stands there, what each key does, how long and how large a table may be."""

from __future__ import annotations

import csv
import threading
import time
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.model import jsontext
from pyalma_tui.model.extents import Extent
from pyalma_tui.store import layout
from pyalma_tui.store.rows import row_line
from pyalma_tui.tui.row_source import Arranging
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.results import ResultsScreen
from pyalma_tui.tui.widgets.row_table import RowTable
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import Experiment
from tests.tui.recorded import measured, record
from tests.tui.test_failures import assert_harmless
from tests.tui.test_screens import HOSTILE, raw


def table(t: Opened) -> RowTable:
    return t.app.screen.query_one(RowTable)


def column(t: Opened, name: str) -> list[object]:
    """The values of a column in sight, from top to bottom."""
    shown = table(t)
    found = shown._fetch(shown.in_sight.start, shown.in_sight.stop)
    return [row.get(name) for row in found if row is not None]


async def opened_results(t: Opened, rows: int) -> None:
    await t.press("R")
    await t.on(ResultsScreen)
    await t.until(lambda: table(t).count == rows)


async def select(t: Opened, name: str) -> None:
    """Go to the column of this name."""
    while table(t).column != name:
        before = table(t).column
        await t.press("right")
        assert table(t).column != before


async def test_rows_name_their_hosts_where_these_are_several(tmp_path: Path) -> None:
    made = measured(tmp_path, 3)
    for number, run in enumerate(list(made.runs)):
        made.runs[number] = msgspec.structs.replace(run, host=f"node{run.id % 2}")
    record(made, 4, [{"n": 99, "host": "of its own"}])
    async with opened(made.snapshot()) as t:
        await opened_results(t, 13)
        assert column(t, "host") == ["node1"] * 6 + ["node0"] * 6 + ["of its own"]
        assert table(t).names[2:] == ["host", "n", *table(t).names[4:-1], "seed"]


async def test_rows_are_in_the_order_of_the_table_and_come_as_they_are_recorded(tmp_path: Path) -> None:
    made = measured(tmp_path, 3)
    async with opened(made.snapshot()) as t:
        await opened_results(t, 12)
        await t.sees("results", "12 rows", "instance", "how", "uf20-01.cnf", "1 of 12")
        assert column(t, "iteration") == [0] * 3 + [1] * 3 + [0] * 3 + [1] * 3
        record(made, 1, [{"n": 99, "fresh": "yes"}])
        await t.show(made.snapshot())
        await t.until(lambda: table(t).count == 13)
        await t.sees("fresh")
        assert column(t, "n")[3] == 99
        made.pending(3)
        made.put(3, extents=())  # it was reset
        await t.show(made.snapshot())
        await t.until(lambda: table(t).count == 10)


async def test_a_click_on_a_title_sorts_by_its_column_as_the_key_does(tmp_path: Path) -> None:
    made = measured(tmp_path, 3)
    async with opened(made.snapshot()) as t:
        await t.press("R")
        await t.on(ResultsScreen)
        await t.until(lambda: table(t).count > 0)
        titles = t.app.screen.query_one("#titles")
        at = t.lines()[titles.region.y][titles.region.x :].index("gap")
        recorded = column(t, "gap")
        await t.pilot.click(titles, offset=(at, 0))
        await t.until(lambda: column(t, "gap") == sorted(recorded, key=str) and "gap ↑" in t.text())
        await t.pilot.click(titles, offset=(at, 0))
        await t.until(lambda: column(t, "gap") == sorted(recorded, key=str, reverse=True) and "gap ↓" in t.text())
        assert table(t).column == "gap"
        await t.pilot.click(titles, offset=(at, 0))
        await t.until(lambda: column(t, "gap") == recorded)
        await t.pilot.click(titles, offset=(titles.size.width - 1, 0))
        assert column(t, "gap") == recorded, "there is no column"


async def test_a_table_is_sorted_up_and_down_and_as_it_was_recorded(tmp_path: Path) -> None:
    async with opened(measured(tmp_path, 5).snapshot()) as t:
        await opened_results(t, 20)
        recorded = column(t, "gap")
        await select(t, "gap")
        await t.press("o")
        await t.until(lambda: column(t, "gap") == sorted(recorded, key=str) and "gap ↑" in t.text())
        await t.press("o")
        await t.sees("gap ↓")
        assert column(t, "gap") == sorted(recorded, key=str, reverse=True)
        await t.press("o")
        await t.until(lambda: column(t, "gap") == recorded)


async def test_a_filter_means_rows_and_groups_have_statistics_of_any_field(tmp_path: Path) -> None:
    async with opened(measured(tmp_path).snapshot()) as t:
        await opened_results(t, 40)
        await t.press("slash", *"n:8 name:uf20", "enter")
        await t.until(lambda: table(t).count == 8)
        await select(t, "how")
        await t.press("b")
        await t.sees("groups 2", "by how of n", "median")
        assert column(t, "mean") == [8.0] * 2
        await t.press("v")
        await t.sees("by how of gap")
        await t.press("right", "o")
        await t.until(lambda: column(t, "n") == sorted(column(t, "n"), key=str))
        await t.until(lambda: not getattr(t.app.screen, "pending", False))  # else escape only stops the sorting
        await t.press("escape")  # the filter
        await t.until(lambda: sum(int(str(n)) for n in column(t, "n")) == 40)
        await t.press("escape")  # the groups
        await t.until(lambda: table(t).count == 40)
        await t.press("escape")
        await t.on(MainScreen)


async def test_a_column_that_no_row_has_is_told_with_the_nearest(tmp_path: Path) -> None:
    async with opened(measured(tmp_path).snapshot()) as t:
        await opened_results(t, 40)
        await t.press("slash", *"gapp<1")
        await t.sees("▼ no row has gapp so far. Did you mean gap?")
        await t.press(*["backspace"] * 3, *"<1")
        await t.until(lambda: "▼ no " not in t.text() and table(t).count > 0)


async def test_b_again_shows_all_rows_and_v_without_groups_says_what_it_needs(tmp_path: Path) -> None:
    async with opened(measured(tmp_path).snapshot(), read_only=True) as t:
        await opened_results(t, 40)
        await t.press("v")
        await t.says("group by a column first")
        await t.press("b")
        await t.until(lambda: table(t).count == 2)
        await t.press("b")
        await t.until(lambda: table(t).count == 40)
        await t.press("R")
        await t.on(MainScreen)
        assert t.sent == []


async def test_what_is_shown_is_copied_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened(measured(tmp_path / "sat.alma").snapshot()) as t:
        await opened_results(t, 40)
        await select(t, "gap")
        await t.press("slash", *"n:8", "enter", "o")
        await t.until(lambda: table(t).count == 16 and "gap ↑" in t.text())
        await t.press("y")
        await t.until(lambda: t.app.clipboard.startswith("instance,iteration,n,gap,how,ok,seed\nuf"))
        assert len(t.app.clipboard.split("\n")) == 17
        await t.press("e", "enter")
        await t.says("wrote 16 rows to sat-results.csv")
        written = list(csv.DictReader((tmp_path / "sat-results.csv").open()))
        gaps = [float(row["gap"]) for row in written]
        assert gaps == sorted(gaps)
        assert {row["n"] for row in written} == {"8"}
        await t.press("e")
        await t.press(*["backspace"] * 20, *"x.doc", "enter")
        await t.says("x.doc: its name must end in .csv")
        assert not (tmp_path / "x.doc").exists()


async def test_the_detail_of_a_run_has_its_last_rows_under_its_state(tmp_path: Path) -> None:
    made = measured(tmp_path, 30)
    async with opened(made.snapshot()) as t:
        await t.sees("30 rows · R shows all")
        last = 8 * 2 ** (29 % 3)
        assert f"n {last}" in t.text()
        record(made, 3, [{"n": "last one"}])
        await t.show(made.snapshot())
        await t.sees("31 rows", "n last one")


async def test_without_rows_it_says_so_and_with_damaged_ones_how_many_are_missing(tmp_path: Path) -> None:
    async with opened(Experiment(["a"], state_dir=tmp_path).snapshot()) as t:
        await t.press("R")
        await t.says("no run has recorded anything yet")
    made = Experiment(["a"], state_dir=tmp_path)
    made.done(1)
    async with opened(made.snapshot()) as t:
        await t.press("R")
        await t.sees("no row counts so far: run() declares `record`")
    made = measured(tmp_path, 3)
    file = sorted(layout.rows(tmp_path).iterdir())[0]
    text = bytearray(file.read_bytes())
    text[12] ^= 1
    file.write_bytes(text)
    async with opened(made.snapshot()) as t:
        await opened_results(t, 12)
        await t.sees("1 row could not be read", "–")


async def test_escape_leaves_while_the_first_table_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arranging, "run", lambda self: self._stopped.wait())  # as one that takes long
    async with opened(measured(tmp_path, 3).snapshot()) as t:
        await t.press("R")
        await t.sees("looking for rows…")
        await t.press("escape")
        await t.on(MainScreen)


async def test_nobody_s_row_does_anything(tmp_path: Path) -> None:
    texts = [text for text in HOSTILE.values() if "\ud800" not in text]
    made = Experiment(texts, state_dir=tmp_path)
    for number, text in enumerate(texts, 1):
        record(made, number, [{text: text, "list": [text, {text: 1}]}])
    async with opened(made.snapshot(), size=(160, 40)) as t:
        assert_harmless(raw(t))
        await opened_results(t, len(texts))
        for keys in (["o"], ["right"], ["right"], ["right"], ["o"], ["down"], ["b"], ["down"], ["y"], ["b"], ["end"]):
            await t.press(*keys)
            assert_harmless(raw(t))
            assert_harmless(t.app.clipboard)


async def test_a_million_rows_are_opened_at_once_and_sorted_while_one_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, goes_on = threading.Event(), Arranging._goes_on

    def half_way(work: Arranging, looked_at: int) -> bool:
        wanted = goes_on(work, looked_at)
        while wanted and looked_at >= 500_000 and not go_on.wait(0.01):
            wanted = goes_on(work, looked_at)
        return wanted

    monkeypatch.setattr(Arranging, "_goes_on", half_way)
    made = Experiment(["a", "b"], state_dir=tmp_path)
    folder = layout.rows(tmp_path)
    folder.mkdir()
    lines = b"".join(row_line(1, 1, jsontext.encode({"n": n, "gap": n * 7919 % 1000})) for n in range(1000))
    with (folder / "s00001-w0001-1.jsonl").open("wb") as file:
        for _ in range(1000):
            file.write(lines)
    made.done(1, extents=(Extent("s00001-w0001-1.jsonl", 1, 0, 1000 * len(lines), 1_000_000),))
    async with opened(made.snapshot()) as t:
        begun = time.process_time()
        await opened_results(t, 1_000_000)
        assert time.process_time() - begun < 1.5  # 0.1 s when nothing else runs
        await t.press("end")
        await t.sees("1,000,000 of 1,000,000", "999")
        await select(t, "gap")
        await t.press("o")
        await t.sees("sorting… 50 % · esc stops it")
        await t.press("up")
        await t.sees("999,999 of 1,000,000")  # it answers meanwhile
        await t.press("escape")
        await t.until(lambda: "sorting" not in t.text())
        assert isinstance(t.app.screen, ResultsScreen)
        assert column(t, "gap")[-1] == 999 * 7919 % 1000, "it stays as it was recorded"
        go_on.set()
        await t.press("o")
        await t.sees("gap ↑", "1 of 1,000,000")
        assert set(column(t, "gap")) == {0}


async def test_instances_that_differ_at_the_end_of_long_names_are_told_apart(tmp_path: Path) -> None:
    made = Experiment([f"{'graphs/random/' * 5}{number:03}.cnf" for number in range(3)], state_dir=tmp_path)
    for run in (1, 2, 3):
        record(made, run, [{"n": run}])
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await opened_results(t, 3)
        await t.sees(*(f"/{number:03}.cnf  " for number in range(3)))
        await t.press("b")
        await t.sees("groups 3", *(f"/{number:03}.cnf  " for number in range(3)))
