"""What the house's themes paint can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from pyalma_tui.tui.background import WEIGHTS
from pyalma_tui.tui.themes import DARK, LIGHT
from tests.tui.driving import Opened, opened
from tests.tui.test_every_action import lived

READABLE = 4.5  # WCAG 2.1, 1.4.3


def ratio(one: Color, other: Color) -> float:
    """The contrast of two colours, from 1 to 21."""
    darker, brighter = sorted(map(luminance, (one, other)))
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: Color) -> float:
    """How much light it gives, relative to white."""
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in colour.normalized]
    return sum(weight * each for weight, each in zip(WEIGHTS, linear, strict=True))


def faint(t: Opened) -> dict[str, float]:
    """Words on the screen, with their contrast, where that is too little."""
    found = {}
    for strip in t.app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if style is None or style.color is None or style.bgcolor is None or not any(map(str.isalnum, segment.text)):
                continue
            fore, back = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            fore = back.blend(fore, 0.5) if style.dim else fore
            if (contrast := ratio(fore, back)) < READABLE:
                found[segment.text.strip()] = round(contrast, 2)
    return found


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
async def test_words_can_be_read_in_every_room(tmp_path: Path, theme: str) -> None:
    async with opened(lived(tmp_path).snapshot(), size=(120, 36), theme=theme) as t:
        for keys in ((), ("space",), ("v",), ("v", "G", "enter"), ("F",), ("R",), ("P",), ("H",)):
            await t.press("escape", *keys)
            assert not faint(t), (keys, faint(t))
            while len(t.app.screen_stack) > 1:
                t.app.pop_screen()
                await t.pilot.pause()


def coloured_on_colour(t: Opened) -> list[str]:
    """Words of a colour, or of the cursor, on a ground of one: of 16 colours nobody knows which go together."""
    found = []
    for strip in t.app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if style is None or style.bgcolor is None or not any(map(str.isalnum, segment.text)):
                continue
            if not style.bgcolor.is_default or (style.reverse and style.color and not style.color.is_default):
                found.append(segment.text.strip())
    return found


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_with_16_colours_no_word_of_a_colour_stands_on_a_ground_of_one(tmp_path: Path, theme: str) -> None:
    async with opened(lived(tmp_path).snapshot(), size=(120, 36), theme=theme) as t:
        for keys in (
            (),
            ("space",),
            ("tab",),
            ("v",),
            ("F", "space"),
            ("R",),
            ("P",),
            ("H",),
            ("x",),
            ("q",),
            ("ctrl+o",),
        ):
            await t.press("escape", *keys)
            assert not coloured_on_colour(t), (keys, coloured_on_colour(t))
            while len(t.app.screen_stack) > 1:
                t.app.pop_screen()
                await t.pilot.pause()
