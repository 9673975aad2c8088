"""Failures by kind on the screen: what stands there, and what each key does with a kind."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.model.failures import Failures
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui import screens
from pyalma_tui.tui.screens.failures import FailuresScreen
from pyalma_tui.tui.screens.log import LogScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.runs import RunsScreen
from pyalma_tui.tui.widgets.group_list import GroupList
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import NOW, Experiment
from tests.tui.test_screens import HOSTILE, raw

SIZES = [(80, 24), (120, 40), (220, 60)]


def traceback(line: int, message: str) -> str:
    frames = ((61, "run", "solve(graph)"), (line, "check", "raise it"))
    told = "".join(f'  File "/home/user/lab/lab.py", line {at}, in {name}\n    {code}\n' for at, name, code in frames)
    return f"Traceback (most recent call last):\n{told}{message}\n"


def lab() -> Experiment:
    """Twenty instances by three: four negative weights, two keys, a killed one."""
    made = Experiment([f"g{i:03}" for i in range(20)], iterations=3, title="lab", phase="busy", workers=2)
    for number, run in enumerate((4, 7, 24, 27)):
        message = f"ValueError: negative weight {-number} on edge {17 * number}"
        failed = s.Failed(s.Error(message, traceback(42, message)), NOW - 3600 + 60 * number)
        made.failed(run, status=failed)
    for number, run in enumerate((9, 10)):
        message = "KeyError: 'objective'"
        made.failed(run, status=s.Failed(s.Error(message, traceback(16, message)), NOW - 1800 + number))
    made.failed(12, "killed by SIGKILL, not by pyalma-tui", "")
    made.running(13)
    made.done(1)
    return made


def groups(t: Opened) -> GroupList:
    return t.app.screen.query_one(GroupList)


@pytest.mark.parametrize("size", SIZES)
async def test_each_kind_has_a_line_and_the_selected_one_its_traceback(size: tuple[int, int]) -> None:
    async with opened(lab().snapshot(), size=size) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.sees("what failed, and why", "✗ 7 failed runs", "kinds 3")
        lines = t.lines()
        assert len(lines) == size[1]
        first = next(line for line in lines if "negative weight # on edge #" in line)
        assert first.split("│")[1].split()[0] == "4"
        assert "lab.py:42" in first
        assert any("2  KeyError: 'objective'" in line and "lab.py:16" in line for line in lines)
        assert any("1  killed by SIGKILL" in line for line in lines)
        await t.sees("4 in 2 instances: g006#1", "negative weight -3 on", "esc back", "f retry")
        await t.sees('File "/home/user/lab/lab.py", line 42, in')


async def test_a_traceback_that_is_longer_than_its_pane_is_there_when_its_kind_is_selected() -> None:
    """The bar beside it makes it narrower: what it is made of is wrapped a second time."""
    made = lab()
    deep = "".join(f'  File "/home/user/lab/lab.py", line {n}, in level{n}\n    deeper()\n' for n in range(20))
    told = f"Traceback (most recent call last):\n{deep}RecursionError: too deep\n"
    made.failed(15, status=s.Failed(s.Error("RecursionError: too deep", told), NOW - 60))
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.sees("negative weight")
        await t.until(lambda: len(groups(t).order) == 4)
        for _ in range(3):
            await t.press("down")
        await t.sees("for example · g014", "Traceback (most recent call last)", "in level0")


async def test_the_selected_kind_is_told_and_the_cursor_stays_on_its_kind_when_the_order_changes() -> None:
    made = lab()
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press("down")
        await t.sees("for example · g009#0", "2 in 2 instances: g009#0, g008#0")
        message = "KeyError: 'objective'"
        for run in (30, 31, 32):
            made.failed(run, status=s.Failed(s.Error(message, traceback(16, message)), NOW))
        await t.show(made.snapshot())
        await t.sees("✗ 10 failed runs", "5 in 4 instances", "for example · g009#0")  # calm: the same traceback
        selected = groups(t).selected
        assert selected is not None
        assert str(selected.kind) == message
        assert selected.kind.location.line == 16


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (["f"], c.Retry((4, 7, 24, 27))),
        (["down", "f"], c.Retry((9, 10))),
        (["down", "space", "space", "f"], c.Retry((9, 10, 12))),
        (["a", "f"], c.Retry((4, 7, 9, 10, 12, 24, 27))),
        (["down", "n"], c.Next((9, 10))),
        (["down", "x", "y"], c.Forget((9, 10))),
        (["slash", *"g003", "enter", "f"], c.Retry((4, 24))),
    ],
)
async def test_keys_act_on_all_failed_runs_of_the_kind_or_of_the_marked_ones(keys: list[str], command: Any) -> None:
    async with opened(lab().snapshot()) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press(*keys)
        await t.sends(command)


async def test_a_question_names_the_runs_that_it_is_about() -> None:
    async with opened(lab().snapshot()) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press("x")
        await t.sees("4 runs of g003, g006 will begin anew", "g003#0, g006#0, g003#1, g006#1")
        await t.press("n")
        await t.on(FailuresScreen)
        assert t.sent == []


async def test_enter_shows_the_runs_of_the_kind_and_escape_leads_back_step_by_step() -> None:
    made = lab()
    async with opened(made.snapshot()) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press("down", "enter")
        await t.on(RunsScreen)
        await t.sees("KeyError: 'objective'", "g008#0", "g009#0", "✗ 2 failed")
        made.done(9)  # it stays in sight whatever becomes of it
        await t.show(made.snapshot())
        await t.sees("✗ 1 failed", "✓ 1 done", "g008#0")
        await t.press("l")
        await t.on(LogScreen)
        await t.press("escape", "escape")
        await t.on(FailuresScreen)
        await t.press("space", "slash", *"killed")
        await t.sees("1 match /killed")
        await t.press("escape")
        await t.until(lambda: len(groups(t).order) == 3)
        assert len(groups(t).marks) == 1
        await t.press("escape")
        await t.until(lambda: not groups(t).marks)
        await t.press("escape")
        await t.on(MainScreen)


async def test_what_is_copied_is_the_latest_error_or_the_counts_of_the_marked_kinds() -> None:
    async with opened(lab().snapshot()) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press("y")
        await t.until(lambda: "negative weight -3" in t.app.clipboard and "Traceback" in t.app.clipboard)
        await t.press("a", "y")
        await t.until(lambda: "4 ValueError: negative weight # on edge #  lab.py:42" in t.app.clipboard)
        assert len(t.app.clipboard.split("\n")) == 3


async def test_a_kind_that_is_gone_leaves_the_list_and_the_last_one_says_so() -> None:
    made = lab()
    async with opened(made.snapshot()) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        for run in (4, 7, 24, 27, 9, 10):
            made.pending(run)
        await t.show(made.snapshot())
        await t.sees("kinds 1", "✗ 1 failed run")
        made.done(12)
        await t.show(made.snapshot())
        await t.sees("nothing has failed any more. Escape leads back.")
        await t.press("f", "y", "enter", "space", "a")
        assert t.sent == []
        assert t.app.is_running


async def test_without_a_failure_the_key_says_so_and_a_read_only_view_says_why_not() -> None:
    async with opened(Experiment(["a"]).snapshot()) as t:
        await t.press("F")
        await t.says("nothing has failed")
    async with opened(lab().snapshot(), read_only=True) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press("f")
        await t.says("this view is read only · T in the list takes over")
        assert t.sent == []


async def test_nobody_s_error_does_anything() -> None:
    texts = list(HOSTILE.values())
    made = Experiment(texts, iterations=2, phase="busy")
    for number, text in enumerate(texts):
        frames = f'Traceback (most recent call last):\n  File "{text}", line 3, in {text}\n    {text}\nE: {text}\n'
        made.failed(number + 1, f"E: {text}" if number % 2 else text, frames)
    async with opened(made.snapshot(), size=(100, 30)) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        for number in range(len(texts)):
            for keys in (["x"], ["n"], ["down"]) if number % 4 else (["enter"], ["escape"], ["space"]):
                await t.press(*keys)
                assert_harmless(raw(t))
        await t.press("slash", *"E")
        assert_harmless(raw(t))


def assert_harmless(seen: str) -> None:
    """Nothing in what reaches the terminal is obeyed by it."""
    assert not {"\x1b", "\x07", "\u202e"} & set(seen)
    assert not any("\x80" <= character <= "\x9f" for character in seen)


def many(count: int, failed: int) -> Snapshot:
    made = Experiment([f"uf20-{i:06}.cnf" for i in range(count)], phase="idle")
    for run in range(1, failed + 1):
        message = f"ValueError: negative weight {run} on edge {2 * run}"
        made.failed(run, status=s.Failed(s.Error(message, traceback(16 + run % 3, message)), NOW - run))
    return made.snapshot()


async def test_fifty_thousand_failures_open_at_once_and_are_counted_while_one_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counts, the same on every machine: each look at the clock takes 1 ms, and nothing else does."""
    looked, lines, clock = [0], [0], itertools.count(1000)
    looks: list[int] = []
    look_at, pieces, paint = Failures._look_at, GroupList.pieces, FailuresScreen.paint

    def count(self: Failures, first: int, block: Any, touched: set[int]) -> None:
        looked[0] += len(block)
        look_at(self, first, block, touched)

    def count_lines(self: GroupList, key: int) -> Any:
        lines[0] += 1
        return pieces(self, key)

    def count_looks(self: FailuresScreen) -> None:
        paint(self)
        looks.append(looked[0])

    monkeypatch.setattr(FailuresScreen, "paint", count_looks)
    monkeypatch.setattr(Failures, "_look_at", count)
    monkeypatch.setattr(GroupList, "pieces", count_lines)
    monkeypatch.setattr(screens.failures, "time", SimpleNamespace(monotonic=lambda: next(clock) / 1000))
    async with opened(many(100_000, 50_000)) as t:
        await t.pilot.press("F")
        await t.on(FailuresScreen)
        await t.sees("✗ 50,000 failed runs", "kinds 3", "16,667")
        each = [after - before for before, after in itertools.pairwise([0, *looks])]
        assert 0 < each[0] <= 21 * 256, "before the first painting"
        assert max(each) <= 51 * 256
        assert lines[0] <= 3 * (len(each) + 2), "three kinds, painted once more with each look"
        assert looked[0] <= 100_000 + 256, "no run twice"


async def test_a_field_that_no_failed_run_has_is_told_in_both_lists_of_failures() -> None:
    made = lab()
    made.done(1, state=b'{"gap": 0.5}')
    made.failed(4, status=made.runs[3].status, state=b'{"weight": 1}')
    async with opened(made.snapshot()) as t:
        await t.press("F")
        await t.on(FailuresScreen)
        await t.press("slash", *"weigth>0")
        await t.sees("▼ no failed run has weigth so far. Did you mean weight?")
        await t.press("escape", "enter")
        await t.on(RunsScreen)
        await t.press("slash", *"gap>0")
        await t.sees("▼ no run here has gap so far")


@pytest.mark.parametrize("letter", ["x", "数"])
async def test_instances_that_differ_at_the_end_of_long_names_are_told_apart(letter: str) -> None:
    made = Experiment([f"{letter * 296}{i:04}" for i in range(5)], title="lab")
    for run in (2, 4):
        message = "ValueError: negative weight"
        made.failed(run, status=s.Failed(s.Error(message, traceback(42, message)), NOW - 60 + run))
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("home", "down")
        await t.until(lambda: sum("0003 " in line for line in t.lines()) == 2)  # its row, and the title of the panel
        await t.press("F")
        await t.on(FailuresScreen)
        await t.sees("0003 ─", "2 in 2 instances: ", "0003 and", 'File "/home/user/lab/lab.py", line 42, in')
        await t.press("x")
        await t.sees("2 runs of", "0001", "0003")
