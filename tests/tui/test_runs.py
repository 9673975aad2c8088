"""The runs of an instance on a screen of their own, and what the list says of several runs of one instance."""

from __future__ import annotations

from typing import Any

import pytest

from pyalma_tui.model import jsontext
from pyalma_tui.model.view import Tally
from pyalma_tui.runner import commands as c
from pyalma_tui.tui.screens.log import LogScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.runs import RunsScreen
from pyalma_tui.tui.widgets.rows import standing_pieces
from pyalma_tui.tui.widgets.run_list import RunList
from pyalma_tui.tui.widgets.run_rows import run_columns
from pyalma_tui.tui.widgets.run_strip import RunStrip, per_line
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import Experiment
from tests.tui.test_failures import assert_harmless
from tests.tui.test_screens import HOSTILE, raw

SIZES = [(80, 24), (120, 40), (220, 60)]


def twenty() -> Experiment:
    """g000 with twenty iterations: #6 and #13 failed, #14 interrupted, #16 runs, the others up to #15 done."""
    made = Experiment(["g000", "g001"], iterations=20, title="lab", phase="busy", workers=2)
    for iteration in range(16):
        run = 2 * iteration + 1
        if iteration in (6, 13):
            made.failed(run, f"ValueError: negative weight {iteration}")
        elif iteration == 14:
            made.interrupted(run)
        else:
            made.done(run, state=b'{"gap":0.%d}' % iteration)
    made.running(33)
    return made


def run_of(iteration: int) -> int:
    return 2 * iteration + 1


def runs(t: Opened) -> RunList:
    return t.app.screen.query_one(RunList)


@pytest.mark.parametrize("size", SIZES)
async def test_each_iteration_is_a_sign_and_a_line(size: tuple[int, int]) -> None:
    async with opened(twenty().snapshot(), size=size) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.sees("✓✓✓✓✓✓✗✓✓✓ ✓✓✓✗‖✓●○○○", "○ 3 pending  ● 1 running  ‖ 1 interrupted  ✗ 2 failed  ✓ 13 done")
        await t.sees("run  status", "attempts", "#16  running", "{ } to failed", "g000 · #16")
        await t.press("g")
        await t.sees('#0   done         {"gap":0.0}', "5000000000" if size[0] > 200 else "#0   done")


async def test_curly_brackets_go_to_the_failed_run_before_and_after() -> None:
    async with opened(twenty().snapshot()) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.until(lambda: runs(t).cursor == run_of(16))
        for key, iteration, told in (
            ("left_curly_bracket", 13, ""),
            ("left_curly_bracket", 6, ""),
            ("left_curly_bracket", 6, "no failed run before this one"),
            ("right_curly_bracket", 13, ""),
            ("right_curly_bracket", 13, "no failed run after this one"),
        ):
            await t.press(key)
            await t.until(lambda iteration=iteration: runs(t).cursor == run_of(iteration))  # type: ignore[misc]
            await t.says(told)


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (["left_curly_bracket", "f"], c.Retry((run_of(13),))),
        (["left_curly_bracket", "x", "y"], c.Forget((run_of(13),))),
        (["i"], c.Interrupt((run_of(16),))),
        (["down", "n"], c.Next((run_of(17),))),
        (["slash", *"status:failed", "enter", "a", "f"], c.Retry((run_of(6), run_of(13)))),
        (["left_curly_bracket", "space", *["left_curly_bracket"] * 2, "space", "f"], c.Retry((run_of(6), run_of(13)))),
    ],
)
async def test_keys_mean_the_one_run_that_is_selected_or_the_marked_ones(keys: list[str], command: Any) -> None:
    async with opened(twenty().snapshot()) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.until(lambda: runs(t).cursor == run_of(16))
        await t.press(*keys)
        await t.sends(command)


async def test_what_is_not_possible_for_a_run_is_said_of_the_run() -> None:
    async with opened(twenty().snapshot()) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.until(lambda: runs(t).cursor == run_of(16))
        await t.press("f")
        await t.says("the selected run has not failed")
        await t.press("up", "i")
        await t.says("the selected run is not running")
    async with opened(twenty().snapshot(), read_only=True) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.press("i", "x")
        await t.says("this view is read only")
        assert t.sent == []


async def test_a_run_leads_to_its_log_and_back_and_is_copied() -> None:
    async with opened(twenty().snapshot()) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.press("left_curly_bracket", "enter")
        await t.on(LogScreen)
        await t.sees("g000 · #13")
        await t.press("escape", "y")
        await t.until(lambda: "ValueError" in t.app.clipboard)
        await t.press("a", "y")
        await t.until(lambda: t.app.clipboard.split("\n")[:2] == ["g000#0", "g000#1"])
        await t.press("escape", "v")
        await t.on(MainScreen)


async def test_a_click_on_a_sign_selects_its_run() -> None:
    async with opened(twenty().snapshot(), size=(80, 24)) as t:
        await t.press("o", "v")
        await t.on(RunsScreen)
        await t.pilot.click(RunStrip, offset=(3 + 6, 0))  # three cells of air in front
        await t.until(lambda: runs(t).cursor == run_of(6))
        await t.pilot.click(RunStrip, offset=(3 + 14, 0))  # one between the tens
        await t.until(lambda: runs(t).cursor == run_of(13))


async def test_a_thousand_iterations_are_three_lines_around_the_selected_one() -> None:
    made = Experiment(["g000"], iterations=1000)
    for run in range(1, 1001):
        made.done(run)
    made.failed(700)
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("v")
        await t.on(RunsScreen)
        await t.until(lambda: runs(t).cursor == 700)
        strip = [line for line in t.lines() if line.count("✓") > 30]
        assert len(strip) == 3
        assert "✗" in "".join(strip)
        await t.press("g")
        await t.until(lambda: "✗" not in "".join(line for line in t.lines() if line.count("✓") > 30))


async def test_nobody_s_name_or_state_does_anything() -> None:
    names = ("live link", "clipboard", "c1", "right to left", "surrogate", "lines", "long", "empty")
    texts = [HOSTILE[name] for name in names]
    made = Experiment(texts, iterations=3, phase="busy")
    for number, text in enumerate(texts):
        made.failed(number + 1, text or "x", text)
        made.done(len(texts) + number + 1, state=jsontext.encode(text))
    async with opened(made.snapshot(), size=(100, 30)) as t:
        for number in range(len(texts)):
            await t.press("v")
            await t.on(RunsScreen)
            for keys in (["g"], ["down"], ["x"], ["n"]) if number % 4 == 0 else (["g"], ["down"]):
                await t.press(*keys)
                assert_harmless(raw(t))
            await t.press("escape", "down")


# In the list


@pytest.mark.parametrize(
    ("tally", "text"),
    [
        (Tally(pending=1), "pending"),
        (Tally(failed=1), "failed"),
        (Tally(done=20), "done"),
        (Tally(pending=3, done=17), "pending"),
        (Tally(running=1, done=19), "1 running"),
        (Tally(failed=3, done=17), "3 failed"),
        (Tally(failed=3, interrupted=1, done=16), "3 ✗ 1 ‖"),
        (Tally(running=2, failed=3, interrupted=1, done=16), "2 ● 3 ✗ 1 ‖"),
        (Tally(running=12, failed=113, interrupted=14), "12● 113✗ 14‖"),
        (Tally(interrupted=12_345), "12,345 ‖"),
    ],
)
def test_one_status_of_an_instance_hides_no_other(tally: Tally, text: str) -> None:
    pieces = standing_pieces(tally, 14)
    assert "".join(text for text, _ in pieces) == f"{text:14}  "


async def test_the_panel_says_which_runs_the_keys_mean() -> None:
    async with opened(twenty().snapshot()) as t:
        await t.press("o")
        await t.sees("f i n x: all 20 runs", "1 ● 2 ✗ 1 ‖")
        await t.press("left_square_bracket")
        await t.sees("f i n x: #15 alone")
        await t.press("space")
        await t.sees("f i n x: 1 marked instance")
    async with opened(Experiment(["a"]).snapshot()) as t:
        assert "f i n x" not in t.text()


def test_columns_and_signs_fill_a_width_and_never_more() -> None:
    for width in range(1, 230):
        for longest in (2, 5, 80):
            assert len(run_columns(width, longest).titles.rstrip()) <= max(width, 16)
        assert 1 <= per_line(width) + (per_line(width) - 1) // 10 <= width
