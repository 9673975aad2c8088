"""The help of each place: what it names is what its keys do there, and nothing that is done by a key is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyalma_tui.tui.keys import answered, key_of, moving, shown
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.screens.help import help_text
from pyalma_tui.tui.strokes import PALETTE
from tests.tui.driving import Opened, opened
from tests.tui.test_every_action import PLACES, lived


def bound(t: Opened) -> dict[str, str]:
    """What each key does where the focus is."""
    return {key: active.binding.action for key, active in t.app.screen.active_bindings.items()}


@pytest.mark.parametrize("scope", [scope for scope in PLACES if scope != "app"])
async def test_what_help_names_is_what_keys_do_and_the_other_way_round(scope: KeyScope, tmp_path: Path) -> None:
    async with opened(lived(tmp_path).snapshot(), size=(100, 30)) as t:
        await t.press(*PLACES[scope])
        await t.until(lambda: t.app.page.scope == scope and t.app.focused is not None)
        told = {
            key_of(key): f"app.perform('{binding.partition('.')[2]}')"
            for binding, keys in answered(scope, "app").items()
            for key in keys.split()
            if key != shown(PALETTE)
        }
        does = {key: action for key, action in bound(t).items() if action.startswith("app.perform")}
        assert told == does
        moves: set[str] = set()
        for pane in t.app.page.focus_chain:
            pane.focus()
            await t.until(lambda pane=pane: t.app.focused is pane)  # type: ignore[misc]
            moves |= bound(t).keys()
        assert {key_of(key) for keys, _ in moving(scope) for key in keys.split()} <= moves


def test_q_of_a_screen_is_told_once() -> None:
    here = help_text(80, "runs").plain.partition("Elsewhere")[0]
    assert "esc q v" in here
    assert "\n^q " in here
    assert "\nq ^q " not in here
    assert "Search all logs: which" not in help_text(80, "found").plain.partition("Elsewhere")[0]


async def test_a_page_moves_by_the_keys_that_move_in_lists(tmp_path: Path) -> None:
    async with opened(lived(tmp_path).snapshot(), size=(60, 12)) as t:
        await t.press(*PLACES["compare"])
        await t.until(lambda: t.app.page.scope == "compare" and t.app.focused is not None)
        page = t.app.focused
        assert page is not None
        await t.until(lambda: page.max_scroll_y > 3)
        for key, where in (("j", 1), ("j", 2), ("k", 1), ("G", page.max_scroll_y), ("g", 0)):
            await t.press(key)
            await t.until(lambda where=where: page.scroll_offset.y == where)  # type: ignore[misc]
