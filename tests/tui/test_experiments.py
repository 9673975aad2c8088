"""The list of experiments as a screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from pyalma_tui.model.view import Tally
from pyalma_tui.store.finding import FoundExperiment
from pyalma_tui.tui.experiments import ExperimentsApp
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.themes import DARK
from tests.tui.fake_conductor import NOW

GOING = Tally(done=5681, failed=319, running=4)
LAB = FoundExperiment(Path("/x/lab.py"), Path("/x/lab.alma"), GOING, NOW - 3, pid=77, runs=True)
COUNT = FoundExperiment(Path("/x/[red]count.py"), Path("/x/[red]count.alma"), Tally(done=1, pending=3), NOW - 90_000)
BROKEN = FoundExperiment(Path("/x/old.py"), Path("/x/old.alma"), problem="store: /x/old.alma/db.json: \x1b[2J damaged")
ALL = [LAB, COUNT, BROKEN]


def app_of(look: Callable[[], list[FoundExperiment]] = lambda: ALL) -> ExperimentsApp:
    return ExperimentsApp(look, Preferences(theme=DARK.name), clock=lambda: NOW)


def text_of(app: App[None]) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def until(pilot: Any, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, text_of(pilot.app)
        await pilot.pause(0.01)


@pytest.mark.parametrize(("last", "second"), [(["end"], ["home", "down"]), (["G"], ["g", "j"])])
async def test_enter_opens_what_is_selected_and_names_are_literal(last: list[str], second: list[str]) -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "lab.py" in text_of(app))
        assert "[red]count.py" in text_of(app)
        assert "5,681/6,004" in text_of(app)
        await pilot.press(*last, "enter")
        assert app.chosen is None, "what cannot be read is not opened"
        await pilot.press(*second, "enter")
        await until(pilot, lambda: not app.is_running)
    assert app.chosen == COUNT


def test_two_states_of_one_module_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = tmp_path / "lab.py"
    assert FoundExperiment(module, tmp_path / "lab.alma").name == "lab.py"
    assert FoundExperiment(module, tmp_path / "other.alma").name == "lab.py in other.alma"
    assert FoundExperiment(Path("/x/lab.py"), Path("/y/a.alma")).name == "/x/lab.py in /y/a.alma"


async def test_the_cursor_stays_on_its_experiment_when_others_come() -> None:
    found = [COUNT]
    app = app_of(lambda: list(found))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "count.py" in text_of(app))
        found.insert(0, LAB)
        app.look()
        await until(pilot, lambda: "lab.py" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert app.chosen == COUNT


async def test_none_is_told_and_q_leaves() -> None:
    app = app_of(list)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "No experiment below this folder" in text_of(app))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)
    assert app.chosen is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_it_looks_as_it_did(size: tuple[int, int], snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)

    async def listed(pilot: Any) -> None:
        await until(pilot, lambda: "lab.py" in text_of(pilot.app))

    assert snap_compare(app_of(), run_before=listed, terminal_size=size)
