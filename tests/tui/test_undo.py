"""`u` takes back what was marked, or done to runs, the newest first; where much is at stake a key asks before."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyalma_tui.runner import commands as c
from pyalma_tui.store.layout import log_path
from pyalma_tui.tui.screens.log import LogScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.question import Question
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, small


async def test_u_takes_back_marks_and_commands_in_the_order_in_which_they_came() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("space", "a")
        await t.until(lambda: len(t.listing.marks) == 6)
        await t.press("x", "y")
        await t.sends(c.Forget((2, 3, 4)))
        await t.press("escape")
        await t.until(lambda: not t.listing.marks)
        await t.press("u")
        await t.until(lambda: len(t.listing.marks) == 6)
        await t.sees("6 marked")
        await t.press("u")
        await t.sends(c.Forget((2, 3, 4)), c.Undo())
        await t.press("u")
        await t.until(lambda: len(t.listing.marks) == 1)
        await t.press("u")
        await t.until(lambda: not t.listing.marks)
        await t.says("undone: marks as before")
        await t.press("u")  # what was done elsewhere, as before the screen was shown
        await t.until(lambda: t.sent[1:] == [c.Undo(), c.Undo()])


async def test_marks_of_a_room_that_was_left_are_not_taken_back() -> None:
    made = Experiment(["a.cnf"], iterations=3, phase="idle")
    for run in (1, 2, 3):
        made.failed(run)
    async with opened(made.snapshot()) as t:
        await t.press("v")
        await t.sees("runs 3")
        await t.press("f")
        await t.until(lambda: len(t.sent) == 1)
        await t.press("space", "escape", "escape")
        await t.on(MainScreen)
        await t.press("u")
        await t.until(lambda: t.sent[1:] == [c.Undo()])


async def test_a_view_takes_marks_back_and_says_why_nothing_else() -> None:
    async with opened(small().snapshot(), read_only=True) as t:
        await t.press("space", "u")
        await t.until(lambda: not t.listing.marks)
        await t.press("u")
        await t.says("this view is read only")
        assert t.sent == []


def at_work(runs: int, seconds: float) -> Experiment:
    made = Experiment([f"g{i:02}" for i in range(runs)], phase="busy", workers=runs)
    for run in range(1, runs + 1):
        made.running(run, slot=run - 1, seconds=seconds)
    return made


@pytest.mark.parametrize(
    ("runs", "seconds", "said"), [(21, 1.0, "21 runs will be interrupted"), (2, 400.0, "13:20 of work")]
)
async def test_much_is_interrupted_only_after_a_question(runs: int, seconds: float, said: str) -> None:
    async with opened(at_work(runs, seconds).snapshot()) as t:
        await t.press("ctrl+c")
        await t.on(Question)
        await t.sees(said)
        await t.press("escape")
        await t.on(MainScreen)
        assert t.sent == []
        await t.press("ctrl+c")
        await t.on(Question)
        await t.press("y")
        await t.sends(c.Interrupt())


async def test_ctrl_c_again_is_a_yes_and_little_is_interrupted_at_once() -> None:
    async with opened(at_work(21, 1.0).snapshot()) as t:
        await t.press("ctrl+c")
        await t.on(Question)
        await t.press("ctrl+c")
        await t.on(MainScreen)
        await t.sends(c.Interrupt())
    async with opened(at_work(20, 29.0).snapshot()) as t:
        await t.press("ctrl+c")
        await t.sends(c.Interrupt())


async def test_many_are_retried_only_after_a_question() -> None:
    made = Experiment([f"[red]{i}[/]" for i in range(25)], phase="idle", at=NOW)
    for run in range(1, 26):
        made.failed(run)
    async with opened(made.snapshot()) as t:
        await t.press("a", "f")
        await t.on(Question)
        await t.sees("25 runs failed: call them again?", "[red]0[/]")
        await t.press("y")
        await t.sends(c.Retry(tuple(range(1, 26))))


async def test_removing_says_what_is_lost_and_takes_whole_instances_but_none_that_runs() -> None:
    made = Experiment(["a.cnf", "b.cnf", "c.cnf"], iterations=2, phase="busy", workers=1)
    made.failed(1, state=b"12", saves=3)
    made.done(2)
    made.running(3, slot=0)
    async with opened(made.snapshot()) as t:
        await t.press("o", "space", "space", "delete")
        await t.on(Question)
        await t.sees("2 instances with 4 runs: a.cnf, b.cnf", "1 done, 2 saved states, 0 rows", "u takes it back")
        await t.press("enter")
        await t.on(MainScreen)
        assert t.sent == []
        await t.press("delete", "y")
        await t.sends(c.Remove((0, 1)))
        await t.press("a", "delete")
        await t.says("one of them is running: interrupt it first")
        await t.press("escape", "u", "u")  # marks
        await t.until(lambda: t.listing.marks == {0, 1})
        await t.press("u")
        await t.sends(c.Remove((0, 1)), c.Undo())


async def test_before_a_removal_after_which_all_is_done_it_is_told_that_done_is_called() -> None:
    made = Experiment(["a.cnf", "b.cnf"])
    made.done(1)
    for told in (True, False):
        made.failed(2) if told else made.failed(1)
        async with opened(made.snapshot()) as t:
            await t.press("delete")  # one that failed is listed first
            await t.sees("1 instance with 1 run: ")
            assert ("done() is called for it at once." in t.text()) == told


@pytest.mark.parametrize("key", ["", "l"])
async def test_a_run_that_was_put_back_shows_its_log_and_its_error_as_before(tmp_path: Path, key: str) -> None:
    made = Experiment(["a.cnf"], phase="idle", state_dir=tmp_path)
    made.failed(1, attempt=3, ran=1)  # called once, reset, and put back
    log = log_path(tmp_path, 1, 1)
    log.parent.mkdir(parents=True)
    log.write_text("what it printed\n")
    async with opened(made.snapshot(), (220, 60)) as t:
        if key:
            await t.press(key)
            await t.on(LogScreen)
        await t.sees("what it printed", "Traceback")
        assert "no output" not in t.text()
        assert "attempt 1 of" not in t.text()
        if not key:
            await t.sees("1 attempt")
            line = next(line for line in t.lines() if "✗ a.cnf" in line)
            assert "what it printed" in line, "the column of last lines"
