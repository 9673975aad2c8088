"""Instances picked on a screen: a live count, a preview, a tree; nothing starts that means nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DirectoryTree, Input

from pyalma_tui.loading.entries import expand_arguments
from pyalma_tui.tui.picking import PickingApp
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.themes import DARK
from tests.tui.test_experiments import text_of, until


def app_in(folder: Path) -> PickingApp:
    (folder / "data").mkdir()
    for name in ("data/a.txt", "data/b.txt", "data/c.csv", "two words.txt", "lab.py"):
        (folder / name).write_text("x\n")
    (folder / "lab.alma").mkdir()

    def found(words: Any, pause: Any) -> list[str]:
        return [entry.file for entry in expand_arguments(words, folder, pause=pause)]

    return PickingApp("lab.py", folder, found, Preferences(theme=DARK.name))


async def test_a_pattern_is_counted_and_previewed_while_it_is_typed_and_enter_starts(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"nothing/*", "enter")
        await until(pilot, lambda: "nothing/*" in text_of(app) and "2 instances" not in text_of(app))
        assert not app.picked
        app.query_one(Input).value = ""
        await pilot.press(*"data/*.txt")
        await until(pilot, lambda: "2 instances: enter starts" in text_of(app))
        assert "data/b.txt" in text_of(app)
        assert "lab.alma" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert app.picked == ("data/*.txt",)


async def test_the_tree_adds_what_is_chosen_in_it(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        tree = app.query_one(DirectoryTree)
        await until(pilot, lambda: "two words.txt" in text_of(app))
        tree.focus()
        await pilot.press("end", "enter")
        await until(pilot, lambda: "1 instance: enter starts" in text_of(app))
        assert app.query_one(Input).value == "'two words.txt'"
        await pilot.press("escape")
        await until(pilot, lambda: not app.is_running)
    assert app.picked == ()


async def test_to_look_into_a_folder_is_not_to_take_it_and_what_is_taken_again_is_taken_out(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        tree = app.query_one(DirectoryTree)
        await until(pilot, lambda: "two words.txt" in text_of(app))
        tree.focus()
        await pilot.press("home", "down", "enter")
        await until(pilot, lambda: "b.txt" in text_of(app))
        assert app.query_one(Input).value == ""
        await pilot.press("j", "enter", "k", "space")
        assert app.query_one(Input).value == "data/a.txt data"
        await pilot.press("down", "space")
        assert app.query_one(Input).value == "data"
        await pilot.press("end", "space", "space", "enter", "enter")
        assert app.query_one(Input).value == "data"


async def test_a_tilde_is_the_home_folder_and_what_is_not_there_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    app = app_in(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "data"))
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Input).value = "~/*.txt"
        await until(pilot, lambda: "2 instances: enter starts" in text_of(app))
        app.query_one(Input).value = "~/a.txt data/mistyped.txt"
        await until(pilot, lambda: "2 instances: enter starts · 1 of them not there" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert app.picked == (f"{tmp_path}/data/a.txt", "data/mistyped.txt")


async def test_a_search_that_is_not_over_is_told_given_up_for_another_and_holds_up_no_end(tmp_path: Path) -> None:
    going, ended = threading.Event(), threading.Event()

    def found(words: Any, pause: Any) -> list[str]:
        if words == ("good",):
            return ["good"]
        try:
            while not ended.wait(0.01):
                going.set()
                pause()
        finally:
            ended.set()
        return []

    app = PickingApp("lab.py", tmp_path, found, Preferences(theme=DARK.name))
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Input).value = "good"
        await until(pilot, lambda: "1 instance: enter starts" in text_of(app))
        app.query_one(Input).value = "**"
        await until(pilot, lambda: going.is_set() and "looking…" in text_of(app))
        await pilot.press("enter")
        assert app.is_running
        app.query_one(Input).value = "good"
        await until(pilot, lambda: "1 instance: enter starts" in text_of(app) and ended.is_set())


async def test_what_is_named_twice_is_told_before_it_starts(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Input).value = "data/*.txt data"
        await until(pilot, lambda: "5 instances: enter starts · 2 of them named twice" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: not app.is_running)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_it_looks_as_it_did(size: tuple[int, int], tmp_path: Path, snap_compare: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    app = app_in(tmp_path / "here")

    async def typed(pilot: Any) -> None:
        await pilot.press(*"data/*")
        await until(pilot, lambda: "3 instances" in text_of(app) and "two words.txt" in text_of(app))
        app.query_one(Input).cursor_blink = False

    assert snap_compare(app, run_before=typed, terminal_size=size)
