"""A filter means the same runs wherever it is typed: on four screens, in four commands, and in Python."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from textual.widgets import Input

from pyalma_tui.results import read
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.tui.screens.failures import FailuresScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.results import ResultsScreen
from pyalma_tui.tui.screens.runs import RunsScreen
from pyalma_tui.tui.widgets.filter_bar import FilterBar
from pyalma_tui.tui.widgets.row_table import RowTable
from tests.catalogue.experiment import Experiment
from tests.tui.driving import Opened, opened

MODULE = """
INSTANCES = [{"n": n, "kind": kind} for n, kind in ((10, "ring"), (20, "star"), (30, "ring"), (40, "tree"))]

def instances():
    return INSTANCES

def run(instance, save, state, record, iteration):
    n = instance["n"]
    if n != 40:
        record(step=0, early=iteration)
        record(step=n // 10 + iteration, best={"gap": iteration / 4}, how="exact" if iteration else "greedy")
    save({"cost": n * (iteration + 1), "found": f"tour {iteration}"})
    if n >= 30 and iteration == 2:
        raise ValueError(f"negative weight {n} on edge {iteration}")
"""
"""Four instances by three: rows of three of them, of two of which the last run fails."""

Runs: TypeAlias = set[tuple[int, int]]
"""By n of the instance, and iteration."""

ASKED: dict[str, Runs] = {
    "step>=4": {(20, 2), (30, 1), (30, 2)},
    "step=3": {(10, 2), (20, 1), (30, 0)},
    "step<9 cost<=20": {(10, 0), (10, 1), (20, 0)},
    "step>2 kind:ring": {(10, 2), (30, 0), (30, 1), (30, 2)},
    "step>2 status:failed": {(30, 2)},
    "step>2 !status:failed !name:star": {(10, 2), (30, 0), (30, 1)},
    "best.gap>=0.25 n<20": {(10, 1), (10, 2)},
    "best.gap:0.5 status:done": {(10, 2), (20, 2)},
    "how:greedy": {(10, 0), (20, 0), (30, 0)},
    "how=exact error:weight": {(30, 2)},
    "how:/^ex/ iteration:1": {(10, 1), (20, 1), (30, 1)},
    'early:"" cost>80': {(30, 2)},
    "early>=1 data.n:10": {(10, 1), (10, 2)},
    "state.cost>80 n=30": {(30, 2)},
    'found:"tour 2" step>=0': {(10, 2), (20, 2), (30, 2)},
    "negative weight": {(30, 2), (40, 2)},
    "error:/edge [0-9]/ attempts:1": {(30, 2), (40, 2)},
    "status:done saves=1 step>3": {(20, 2), (30, 1)},
    "name:star time<60s early<2": {(20, 0), (20, 1)},
    "instance:star worker>=0 how:exact": {(20, 1), (20, 2)},
}
WITH_ROWS = {10, 20, 30}


def test_of_these_filters_each_means_the_same_in_every_command(experiment: Experiment) -> None:
    assert experiment.write(MODULE).run("--iterations", "3").code == 1
    for text, expected in ASKED.items():
        told = experiment.says("status", experiment.name, "--json", "--where", text)
        assert (told.err, of_objects(json.loads(told.out)["runs"])) == ("", expected), text
        shown = experiment.says("status", experiment.name, "--where", text)
        assert f"{len(expected)} of 12 runs" in shown.out, text
        exported = experiment.says("export", experiment.name, "--where", text)
        assert (exported.err, of_objects(csv.DictReader(io.StringIO(exported.out, newline="")))) == ("", expected), text
        rows = experiment.says("results", experiment.name, "--format", "jsonl", "--where", text)
        with_rows = {run for run in expected if run[0] in WITH_ROWS}
        assert of_rows(map(json.loads, rows.out.splitlines())) == with_rows, text
        assert rows.err == "", text
        assert of_rows(read(experiment.state_dir, text)) == with_rows, text


async def each_leaves_its_failed_runs(t: Opened, left: Callable[[], Runs]) -> None:
    """Of the runs that have failed, those that each filter means, and no others, are `left` on the screen."""
    for text, expected in ASKED.items():
        await typed(t, text)
        failed = {run for run in expected if run in {(30, 2), (40, 2)}}
        await t.until(lambda failed=failed: left() == failed)  # type: ignore[misc]


async def test_of_these_filters_each_means_the_same_on_every_screen(experiment: Experiment) -> None:
    assert experiment.write(MODULE).run("--iterations", "3").code == 1
    viewer = Viewer(experiment.state_dir, experiment.module)
    viewer.look()
    shown = viewer.snapshot()
    async with opened(shown) as t:
        for text, expected in ASKED.items():
            await typed(t, text)
            names = sorted({n for n, _ in expected})
            await t.until(lambda names=names: [n_of(shown, i) for i in sorted(t.listing.order)] == names)  # type: ignore[misc]
        await clear(t)
        await t.press("F")
        await t.on(FailuresScreen)
        await each_leaves_its_failed_runs(t, lambda: of_ids(shown, failures(t)))
        await clear(t)
        await t.press("enter")
        await t.on(RunsScreen)
        await each_leaves_its_failed_runs(t, lambda: of_ids(shown, t.app.screen._shown))  # type: ignore[attr-defined]
        await t.press("enter", *["escape"] * 3)
        await t.on(MainScreen)
        await t.press("R")
        await t.on(ResultsScreen)
        for text, expected in ASKED.items():
            await typed(t, text)
            with_rows = {run for run in expected if run[0] in WITH_ROWS}
            await t.until(lambda with_rows=with_rows: of_rows(in_table(t)) == with_rows)  # type: ignore[misc]
            assert "▼ no " not in t.text()


def test_where_rows_are_meant_each_row_is_and_where_runs_are_the_last_one_that_has_the_field(
    experiment: Experiment,
) -> None:
    experiment.write(MODULE).run("--iterations", "3")
    told = experiment.says("status", experiment.name, "--json", "--where", "step:0")
    assert json.loads(told.out)["runs"] == []
    assert [row["step"] for row in read(experiment.state_dir, "step:0")] == [0] * 9


# --- which runs -------------------------------------------------------------------------------------------------------


def of_objects(runs: Iterable[Any]) -> Runs:
    """Those of `status --json`, or of an export."""
    return {(json.loads(run["instance"])["n"], int(run["iteration"])) for run in runs}


def of_rows(rows: Iterable[Any]) -> Runs:
    return {(json.loads(row["instance"])["n"], row["iteration"]) for row in rows if row is not None}


def of_ids(shown: Snapshot, ids: Iterable[int]) -> Runs:
    runs = [shown.runs[run - 1] for run in ids]
    return {(n_of(shown, run.instance), run.iteration) for run in runs}


def n_of(shown: Snapshot, instance: int) -> int:
    n: int = json.loads(shown.instances[instance].data or b"")["n"]
    return n


def failures(t: Opened) -> list[int]:
    screen = t.app.screen
    assert isinstance(screen, FailuresScreen)
    return [run for group in screen._shown for run in group.runs]


def in_table(t: Opened) -> Sequence[Any]:
    table = t.app.screen.query_one(RowTable)
    screen = t.app.screen
    assert isinstance(screen, ResultsScreen)
    made = screen._table
    return table._fetch(0, table.count) if made is not None and made.wanted == screen._wanted else []


async def typed(t: Opened, text: str) -> None:
    """Write a filter as one pastes it."""
    bar = t.app.screen.query_one(FilterBar)
    bar.ask()
    await t.until(lambda: bool(t.app.screen.query("#filter")))
    t.app.screen.query_one("#filter", Input).value = text
    await t.until(lambda: bar.query_now.text == text)


async def clear(t: Opened) -> None:
    await t.press("enter", "escape")
    await t.until(lambda: not t.app.screen.query_one(FilterBar).query_now.text)
