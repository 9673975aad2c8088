"""The log on the full screen, key by key: search, filters, wrap, numbers, times, marks, goals, the error beneath."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pyalma_tui.logs.times import PAIR
from pyalma_tui.model import status as s
from pyalma_tui.store.layout import log_path
from pyalma_tui.tui.log_options import LogOptions, choose_log_options, log_options
from pyalma_tui.tui.preferences import Preferences, read_preferences
from pyalma_tui.tui.screens.log import LogScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.search_logs import SearchLogsScreen
from pyalma_tui.tui.widgets.found_list import FoundList
from pyalma_tui.tui.widgets.log_view import LogView
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import NOW, TRACEBACK, small

HOSTILE = [
    "\x1b]52;c;QUJD\x07",
    "[/][@click=app.quit]x",
    "\u202egnp",
    "\x9b6n",
    "a\x00b\x1b[2J",
    "(",
    "[",
    "\\",
    "(a+)+$",
]


def state_dir(folder: Path, run: int = 3, lines: int = 200, attempt: int = 1) -> Path:
    """A state directory with the log of a run, each line of which took a second."""
    log = folder / "logs" / str(run) / f"{attempt}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    size, pairs = 0, b""
    with log.open("w") as file:
        for n in range(1, lines + 1):
            size += file.write(f"line {n} {'even' if n % 2 == 0 else 'odd'}\n")
            pairs += PAIR.pack(size, NOW + n)
    log.with_suffix(".times").write_bytes(pairs)
    return folder


def clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def first(t: Opened) -> str:
    """The first row of the log."""
    return t.lines()[2].strip("▐ ")


async def test_a_pattern_is_searched_and_counted_and_escape_takes_back_one_thing_after_the_other(
    tmp_path: Path,
) -> None:
    async with opened(small().snapshot(state_dir=state_dir(tmp_path)), size=(100, 24)) as t:
        await t.press("l", "g", "slash", *"line 1[0-4] ", "enter")
        await t.sees("/line 1[0-4] / 1 of 5", "line 10 even")
        await t.press("n", "n")
        await t.sees("/line 1[0-4] / 3 of 5")
        await t.press("N")
        await t.sees("/line 1[0-4] / 2 of 5")
        await t.press("ampersand", *"odd", "enter")
        await t.sees("100 × “odd”")
        await t.press("ampersand", *"!line 1", "enter")
        await t.sees("44 × “odd” without “line 1”")
        await t.press("minus", *"[79] ", "enter")
        await t.sees("26 × “odd” without “line 1” without /[79] /")
        assert "even" not in t.text()
        await t.press("slash", *"5 odd", "enter")
        await t.sees("“5 odd” 1 of 9")
        for gone in ("“5 odd” 1 of 9", "without /[79] /", "without “line 1”", "“odd”"):
            await t.press("escape")
            await t.until(lambda gone=gone: gone not in t.text())  # type: ignore[misc]
            assert isinstance(t.app.screen, LogScreen)
        await t.press("slash", "escape", "escape")
        await t.on(MainScreen)


async def test_where_a_search_stands_is_told_on_a_narrow_screen_when_it_begins_again(tmp_path: Path) -> None:
    async with opened(small().snapshot(state_dir=state_dir(tmp_path)), size=(80, 24)) as t:
        await t.press("l", "slash", *"line 1[0-4] (even|odd)$", "enter")
        await t.sees("5 of 5")
        await t.press("n")
        await t.sees("1 of 5 from the top again")


async def test_wrap_numbers_and_times_stand_before_lines_and_are_kept(tmp_path: Path) -> None:
    log = state_dir(tmp_path) / "logs" / "3" / "1.log"
    with log.open("a") as file:
        file.write("x" * 200 + "end\n")
    kept_in = tmp_path / "preferences.toml"
    async with opened(small().snapshot(state_dir=tmp_path), size=(80, 24), kept_in=kept_in) as t:
        await t.press("l")
        await t.sees("›")
        await t.press("w")
        await t.until(lambda: "xxxend" in t.text() and "›" not in t.text())
        await t.press("number_sign")
        await t.sees("200 line 200 even", "201 xxxx")
        await t.press("at")
        await t.sees(f"{clock(NOW + 200)} 200 line 200 even")
        await t.until(lambda: kept_in.exists() and read_preferences(kept_in).log_times)
        kept = read_preferences(kept_in)
        assert (kept.log_wrap, kept.log_numbers, kept.log_times) == (True, True, True)
        await t.press("q", "l")
        await t.sees(f"{clock(NOW + 200)} 200 line 200 even")
    async with opened(small().snapshot(state_dir=tmp_path), preferences=Preferences(log_numbers=True)):
        assert log_options() == LogOptions(numbers=True)
    choose_log_options(LogOptions())


async def test_a_wrapped_log_scrolls_by_rows_and_ends_at_its_last_row(tmp_path: Path) -> None:
    log = state_dir(tmp_path, lines=3) / "logs" / "3" / "1.log"
    with log.open("a") as file:
        file.write("".join(f"{n:04}" for n in range(1000)) + "\nshort\n" + "漢" * 100 + "\n")
    made = small()
    made.done(3)
    async with opened(made.snapshot(state_dir=tmp_path), size=(60, 24)) as t:
        await t.press("slash", *"uf20-03", "enter", "l", "w")
        view = t.app.screen.query_one(LogView)
        shown = [len(view.text.split("\n"))]
        await t.until(lambda: view.text.endswith("漢"))
        bottom = view.text.split("\n")
        await t.press("up")
        assert view.text.split("\n")[1:] == bottom[:-1]
        await t.press("down")
        assert view.text.split("\n") == bottom
        assert view.following
        await t.press("g")
        top = view.text.split("\n")
        assert top[:4] == ["line 1 odd", "line 2 even", "line 3 odd", top[3]]
        seen = top
        while not view.following:
            await t.press("down")
            seen = [*seen, view.text.split("\n")[-1]]
        text = log.read_text()
        assert "".join(seen) == text.replace("\n", "")
        assert shown[0] <= view.size.height
        assert view.lines.split("\n")[-1] == "漢" * 100
    choose_log_options(LogOptions())


async def test_marks_are_gone_to_one_after_the_other(tmp_path: Path) -> None:
    async with opened(small().snapshot(state_dir=state_dir(tmp_path)), size=(100, 24)) as t:
        await t.press("l", "apostrophe")
        await t.says("no line is marked: m marks one")
        await t.press("g", "m", "pagedown", "m")
        marked = first(t)
        await t.press("pagedown", "apostrophe")
        assert first(t) == "▌line 1 odd"
        await t.press("apostrophe")
        assert first(t) == marked
        assert marked.startswith("▌")
        await t.press("m")
        await t.until(lambda: not first(t).startswith("▌"))


@pytest.mark.parametrize(("goal", "line"), [("150", "line 150"), ("50%", "line 10"), (clock(NOW + 120), "line 120")])
async def test_a_line_a_share_and_a_time_are_gone_to(tmp_path: Path, goal: str, line: str) -> None:
    async with opened(small().snapshot(state_dir=state_dir(tmp_path)), size=(100, 24)) as t:
        await t.press("l", "colon", *goal, "enter")
        view = t.app.screen.query_one(LogView)
        await t.until(lambda: line in view.text and not view.following)


async def test_what_is_no_goal_is_said_and_a_log_without_times_has_none(tmp_path: Path) -> None:
    (state_dir(tmp_path) / "logs" / "3" / "1.times").unlink()
    async with opened(small().snapshot(state_dir=tmp_path), size=(100, 24)) as t:
        await t.press("l", "colon", *"soon", "enter")
        await t.says("soon: where is that?")
        await t.press("colon", *"14:05", "enter")
        await t.says("nobody has noted when the lines of this log arrived")
        await t.press("at")
        await t.sees("line 200 even")
    choose_log_options(LogOptions())


async def test_the_first_error_is_gone_to_and_then_the_next(tmp_path: Path) -> None:
    log = state_dir(tmp_path) / "logs" / "3" / "1.log"
    log.write_text("train error 0.1\n" * 300 + "ERROR lost\n" + "fine\n" * 300 + "OSError: gone\n" + "fine\n" * 300)
    async with opened(small().snapshot(state_dir=tmp_path), size=(100, 24)) as t:
        await t.press("l", "E")
        await t.sees("an error 1 of 2", "ERROR lost")
        await t.press("n")
        await t.sees("an error 2 of 2", "OSError: gone")


async def test_a_failed_run_has_its_traceback_beneath_and_alone_if_it_printed_nothing(tmp_path: Path) -> None:
    made = small()
    made.failed(3, message="ValueError: [/] \x1b[2J", traceback=TRACEBACK + "\x1b]52;c;QQ\x07\n", attempt=2)
    async with opened(made.snapshot(state_dir=state_dir(tmp_path)), size=(80, 24)) as t:
        await t.press("enter")
        await t.on(LogScreen)
        await t.sees("ValueError: [/] ␛[2J", "␛]52;c;QQ␇", "in parse", "no output")
        await t.press("left_parenthesis")
        await t.sees("line 200 even", "attempt 1 of 2")
        assert "in parse" not in t.text()
        await t.press("right_parenthesis")
        await t.sees("in parse")
        log = state_dir(tmp_path, attempt=2) / "logs" / "3" / "2.log"
        assert log.exists()
        await t.sees("line 200 even", "␛]52;c;QQ␇")
        made.running(3)
        await t.show(made.snapshot(state_dir=tmp_path))
        await t.until(lambda: "in parse" not in t.text())


async def test_the_error_of_done_stands_beneath_its_log(tmp_path: Path) -> None:
    hook = s.DoneHook(s.HookFailed(s.Error("KeyError: 'best'", TRACEBACK), NOW), 1)
    async with opened(small().snapshot(state_dir=tmp_path, done_hook=hook)) as t:
        await t.press("D")
        await t.sees("KeyError: 'best'", "in parse")


async def test_the_pager_opens_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    pager = tmp_path / "pager"
    pager.write_text(f'#!/bin/sh\necho "$@" > {told}\n')
    pager.chmod(0o755)
    monkeypatch.setenv("PAGER", f"{pager} -R")
    async with opened(small().snapshot(state_dir=state_dir(tmp_path)), size=(100, 24)) as t:
        monkeypatch.setattr(type(t.app._driver), "can_suspend", True)
        await t.press("l", "p")
        await t.until(told.exists)
        await t.until(lambda: told.read_text() == f"-R {tmp_path / 'logs' / '3' / '1.log'}\n")


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_searched_and_shown_as_text(tmp_path: Path, text: str) -> None:
    log = state_dir(tmp_path) / "logs" / "3" / "1.log"
    log.write_bytes(b"one\n" + text.encode() + b"\nlast\n")
    async with opened(small().snapshot(state_dir=tmp_path), size=(100, 24)) as t:
        await t.press("l")
        view = t.app.screen.query_one(LogView)
        for search in (view.search, view.only, view.first):
            search(text)
            await t.until(lambda: view._viewport is not None and not view._viewport.working)
            await t.pilot.pause()
            assert "\x1b" not in t.text() + view.badge
            assert "\u202e" not in t.text() + view.badge


# All logs


async def test_all_logs_are_searched_and_lead_to_the_first_match(tmp_path: Path) -> None:
    folder = state_dir(tmp_path)
    state_dir(tmp_path, run=2, lines=40)
    (folder / "logs" / "1").mkdir()
    (folder / "logs" / "1" / "1.log").write_text("nothing\n")
    async with opened(small().snapshot(state_dir=folder), size=(100, 24)) as t:
        await t.press("asterisk")
        await t.on(SearchLogsScreen)
        await t.press(*"line 3[0-9] ", "enter")
        await t.sees("all logs", "/line 3[0-9] /", "20 lines in 2 instances", "4 logs looked at", "line 30 even")
        found = [["10", "1", "uf20-02.cnf"], ["10", "1", "uf20-03.cnf"]]
        await t.until(lambda: [line.split()[1:4] for line in t.lines()[3:5]] == found)
        await t.press("down", "enter")
        await t.on(LogScreen)
        await t.sees("uf20-03.cnf", "/line 3[0-9] / 1 of 10", "line 30 even")
        await t.press("q")
        await t.on(SearchLogsScreen)
        await t.press("slash", *["backspace"] * 12, *"absent", "enter")
        await t.sees("no log has it. / looks for something else.")
        await t.press("escape")
        await t.on(MainScreen)


async def test_the_list_of_all_logs_is_as_wide_as_the_screen_and_shows_where_its_lines_are_cut(tmp_path: Path) -> None:
    folder = state_dir(tmp_path)
    (folder / "logs" / "3" / "1.log").write_text("needle " * 100)
    async with opened(small().snapshot(state_dir=folder), size=(130, 36)) as t:
        await t.press("asterisk", *"needle", "enter")
        await t.sees("1 line in 1 instance")
        list_ = t.app.screen.query_one(FoundList)
        await t.until(lambda: list_.region.right < 130 and "…" in t.lines()[3])
        assert [line.rstrip()[-1] for line in t.lines()[1:4]] == ["╮", "│", "│"]


async def test_leaving_a_search_of_all_logs_ends_its_thread_and_gives_its_files_back(tmp_path: Path) -> None:
    folder = state_dir(tmp_path)
    with (folder / "logs" / "3" / "1.log").open("wb") as file:
        file.truncate(1 << 32)
    before = len(os.listdir("/dev/fd"))
    async with opened(small().snapshot(state_dir=folder), size=(100, 24)) as t:
        await t.press("asterisk", *"absent", "enter")
        await t.sees("looking")
        screen = t.app.screen
        assert isinstance(screen, SearchLogsScreen)
        sweep = screen._sweep
        assert sweep is not None
        await t.press("escape")
        await t.on(MainScreen)
        await t.until(lambda: sweep.over)
    assert len(os.listdir("/dev/fd")) <= before


async def test_the_lines_of_a_run_that_ended_at_once_arrived_when_it_ended(tmp_path: Path) -> None:
    """Nobody notes times for a run of milliseconds: the end of the run is known. Of a long one it would be a lie."""
    folder = state_dir(tmp_path)
    log_path(folder, 3, 1).with_suffix(".times").unlink()
    made = small()
    made.failed(3, began=NOW - 300.2)
    async with opened(made.snapshot(state_dir=folder), size=(100, 24)) as t:
        await t.press("l", "at")
        await t.sees(f"{clock(NOW - 300)} line 200 even")
        await t.press("colon", *"23:59", "enter")
        assert "nobody has noted" not in t.toasts()
        made.failed(3, began=NOW - 400)
        await t.show(made.snapshot(state_dir=folder))
        await t.until(lambda: clock(NOW - 300) not in t.text())
        made.failed(3, began=NOW - 300.2, attempt=2)
        await t.show(made.snapshot(state_dir=folder))
        await t.press("left_parenthesis")
        await t.sees("attempt 1 of 2", "line 200 even")
        assert clock(NOW - 300) not in t.text(), "that is when the second one ended"
