"""Where keys go: to something that is on the screen, and to the list where nothing else was chosen."""

from __future__ import annotations

import pytest

from pyalma_tui.runner import commands as c
from pyalma_tui.runner.snapshot import Elsewhere, Snapshot
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import NOW, small


def hidden(t: Opened) -> list[str]:
    """The widgets that could have the focus though they are not on the screen."""
    return [
        str(widget)
        for screen in t.app.screen_stack
        for widget in screen.query("*")
        if widget.focusable and not widget.display
    ]


async def test_g140_a_filtered_list_that_becomes_empty_keeps_the_keys() -> None:
    made = small()
    async with opened(made.snapshot()) as t:
        await t.press("slash", *"status:running", "enter")
        await t.until(lambda: len(t.listing.order) == 1)
        made.done(1)
        made.slots = []
        await t.show(made.snapshot())
        await t.sees("none of 6 instances matches")
        assert t.app.focused is t.listing
        await t.press("p", "a", "space")
        assert t.main.wanted.query.text == "status:running"
        await t.sends(c.Pause(True))
        made.running(5)
        await t.show(made.snapshot())
        await t.until(lambda: list(t.listing.order) == [4])
        await t.press("escape")
        assert (t.main.wanted.query.text, t.app.focused) == ("", t.listing)


@pytest.mark.parametrize("looks", range(4))
async def test_g140_a_view_that_opens_before_anything_is_known_has_the_focus_in_its_list(looks: int) -> None:
    there = small().snapshot(elsewhere=Elsewhere(1234, NOW))
    async with opened(Snapshot(), read_only=True) as t:
        await t.sees("opening…")
        before = t.conductor.looks
        await t.until(lambda: t.conductor.looks >= before + looks)
        await t.show(there)
        await t.press("down")
        await t.until(lambda: t.listing.cursor == t.listing.order[1])
        assert t.app.focused is t.listing


async def test_g140_what_is_hidden_by_a_small_terminal_hands_the_focus_to_the_list() -> None:
    async with opened(small().snapshot(), size=(100, 30)) as t:
        await t.press("tab", "tab")
        assert t.app.focused is not None
        assert t.app.focused.id == "log"
        await t.pilot.resize_terminal(100, 10)
        await t.until(lambda: t.app.focused is t.listing)


@pytest.mark.parametrize(
    "keys", [(), ("slash", "enter"), ("l",), ("l", "slash", "escape"), ("c",), ("x",), ("w",), ("s",)]
)
async def test_g140_nothing_that_is_hidden_can_have_the_focus(keys: tuple[str, ...]) -> None:
    async with opened(small().snapshot()) as t:
        await t.press(*keys)
        assert hidden(t) == []
        assert t.app.focused is not None
