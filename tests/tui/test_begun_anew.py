"""What is looked at is begun anew by another process: rooms about runs that are no more are left, whatever they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.view_moment import is_another
from tests.tui.driving import opened
from tests.tui.fake_conductor import Experiment
from tests.tui.test_every_action import PLACES, lived

ROOMS = {place: keys for place, keys in PLACES.items() if keys} | {
    "runs of a kind": ["F", "enter"],
    "log of a run": ["v", "g", "l"],
    "help": ["question_mark"],
    "workers": ["w"],
    "palette": ["ctrl+p"],
    "question": ["G", "x"],
}


@pytest.mark.parametrize("names", [["c"], []], ids=["one", "none"])
async def test_every_room_is_left_for_the_list(names: list[str], tmp_path: Path) -> None:
    for way in ROOMS.values():
        async with opened(lived(tmp_path).snapshot(), size=(90, 26)) as t:
            await t.press(*way)
            await t.until(lambda: len(t.app.screen_stack) > 1)
            await t.show(Experiment(names, phase="idle").snapshot())
            await t.on(MainScreen)
            await t.says("the experiment was begun anew")
            await t.press("down", "enter", "escape", "F", "v", "escape", "P", "escape")
            await t.sees(*names)


@pytest.mark.parametrize("keys", [["a"], ["shift+down"], ["left_square_bracket"], ["a", "a"]])
async def test_what_was_marked_or_stepped_to_is_forgotten(keys: list[str], tmp_path: Path) -> None:
    async with opened(lived(tmp_path).snapshot(), size=(90, 26)) as t:
        await t.press("G", *keys)
        await t.show(Experiment(["c"], phase="idle").snapshot())
        await t.press("u", "y", "i", "f", "x", "escape", "space", "equals_sign", "v", "escape")
        await t.sees("c")
        assert t.listing.marks == {0}


async def test_a_room_stays_where_a_run_ends_a_batch_grows_or_an_instance_is_removed(tmp_path: Path) -> None:
    made = lived(tmp_path)
    async with opened(made.snapshot(), size=(90, 26)) as t:
        await t.press("F")
        await t.until(lambda: t.app.page.scope == "failures")
        made.done(9)
        grown = Experiment(["a", "b", "c"], iterations=6)
        removed = [replace(made.instances[0], name="", removed=True), made.instances[1]]
        for fields in ({}, {"instances": list(made.instances)}, {"instances": removed}):
            await t.show(made.snapshot(**fields))
            assert t.app.page.scope == "failures"
        assert not is_another(made.snapshot(), grown.snapshot())
        assert is_another(grown.snapshot(), made.snapshot())
        assert is_another(made.snapshot(), Experiment(["b", "a"], iterations=6).snapshot())
