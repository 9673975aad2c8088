"""A window that is dragged while a room is open: nothing ends, and what was seen and focused is there again."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from pyalma_tui.tui.screens.plots import MADE, PlotsScreen
from tests.tui.driving import opened
from tests.tui.test_every_action import lived
from tests.tui.test_plots import measured

ROOMS = {
    "filtered list": ("slash", *"gap>0"),
    "failures": ("F",), "runs": ("v",), "groups": ("R", "b"), "plots": ("P",),
    "one plot": ("P", "tab", "tab", "enter"), "forecast": ("percent_sign",),
    "history": ("H",), "help": ("question_mark",),
    "log": ("v", "G", "k", "k", "enter", "w", "number_sign", "slash", *"loss"),
    "search": ("asterisk", *"loss", "enter"),
    "compare": ("space", "down", "space", "equals_sign"), "palette": ("ctrl+p",), "leaving": ("q",),
}  # fmt: skip
SMALLER = [(80, 24), (40, 10), (1, 1)]


@pytest.mark.parametrize("room", ROOMS)
async def test_a_room_outlives_every_size(room: str, tmp_path: Path) -> None:
    made = lived(tmp_path)
    for run in (9, 10):  # it stands still, so that both pictures are of the same moment
        made.done(run)
    async with opened(made.snapshot(), size=(130, 36)) as t:
        await t.press(*ROOMS[room])
        before = ""
        while before != t.text() or "looking" in before:  # threads have told what they found
            before = t.text()
            await t.pilot.pause(0.3)
        focused, stack = t.app.focused, len(t.app.screen_stack)
        for size in (*SMALLER, (130, 36)):
            await t.pilot.resize_terminal(*size)
            await t.pilot.pause()
            assert t.app.is_running, size
        await t.until(lambda: t.text() == before)
        assert (t.app.focused, len(t.app.screen_stack)) == (focused, stack)


async def test_plots_are_made_for_every_size() -> None:
    async with opened(measured().snapshot(), size=(130, 36)) as t:
        await t.press("P")
        await t.sees("runs ended", "p50")
        screen = t.app.screen
        assert isinstance(screen, PlotsScreen)
        for (name, make), width, height in product(MADE.items(), (*range(1, 90, 8), 220), (*range(1, 14), 60)):
            assert make(screen._drawn, width, height).plain, (name, width, height)
