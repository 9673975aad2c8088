"""Jump mode: a letter on each pane leads to it."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll
from textual.widget import Widget

from pyalma_tui.tui.screens.jumping import Jumping
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.plots import PlotsScreen
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.log_view import LogView
from tests.tui.driving import opened
from tests.tui.fake_conductor import small
from tests.tui.test_plots import measured


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (220, 60)])
async def test_a_letter_leads_to_its_pane_and_stands_on_it(size: tuple[int, int]) -> None:
    wanted: list[tuple[str, type[Widget]]] = [("s", VerticalScroll), ("d", LogView), ("a", InstanceList)]
    async with opened(small().snapshot(), size=size) as t:
        for letter, kind in wanted:
            await t.press("ctrl+o")
            await t.on(Jumping)
            pane = t.main.query(kind).first()
            assert t.lines()[pane.region.y][pane.region.x + 1 : pane.region.x + 4] == f" {letter} "
            await t.press(letter)
            await t.on(MainScreen)
            assert t.app.focused is pane


async def test_escape_the_same_key_and_a_letter_of_no_pane_change_nothing() -> None:
    async with opened(small().snapshot()) as t:
        for keys in (["escape"], ["ctrl+o"], ["l", "q"]):
            await t.press("ctrl+o")
            await t.on(Jumping)
            await t.press(*keys)
            await t.on(MainScreen)
            assert isinstance(t.app.focused, InstanceList)
        assert not t.sent


async def test_it_leads_to_plots_and_says_where_there_is_one_pane() -> None:
    async with opened(measured().snapshot(), size=(120, 40)) as t:
        await t.press("P", "ctrl+o", "f")
        await t.on(PlotsScreen)
        assert t.app.focused is not None
        assert t.app.focused.id == "plot-load"
        await t.press("enter")
        await t.until(lambda: len(t.app.screen.focus_chain) == 1)
        await t.press("ctrl+o")
        await t.says("there is one pane here")
