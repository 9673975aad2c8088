"""Each key: what it sends, or what it changes on the screen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.containers import VerticalScroll

from pyalma_tui.errors import StoreError, UsageError
from pyalma_tui.model import status as s
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.snapshot import Elsewhere, Load
from pyalma_tui.tui.screens.help import HelpBox
from pyalma_tui.tui.screens.leaving import LeavingBox
from pyalma_tui.tui.screens.limits import LimitsBox, limits_of
from pyalma_tui.tui.screens.log import LogScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.notes import NotesBox
from pyalma_tui.tui.screens.question import Question
from pyalma_tui.tui.screens.workers import WorkersBox
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, asked, small


def finished() -> Any:
    made = small()
    made.slots = []
    for run in range(1, 7):
        made.done(run)
    return made.snapshot(phase="idle", done_hook=s.DoneHook(s.HookDone(at=NOW - 60, duration=2), 1))


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        ("ctrl+c", c.Interrupt()),
        ("r", c.Resume()),
        ("f", c.Retry((3,))),
        ("p", c.Pause(True)),
        ("plus", c.SetWorkers(3)),
        ("minus", c.SetWorkers(1)),
    ],
)
async def test_a_key_sends_its_command(keys: str, command: c.Command) -> None:
    async with opened(small().snapshot()) as t:
        await t.press(keys)
        await t.sends(command)


async def test_pause_again_continues() -> None:
    async with opened(small().snapshot(paused=True)) as t:
        await t.sees("paused")
        await t.press("p")
        await t.sends(c.Pause(False))


async def test_ctrl_c_again_is_sent_again_and_the_screen_says_what_happens() -> None:
    made = small()
    async with opened(made.snapshot()) as t:
        await t.press("ctrl+c")
        made.running(1, stopping=asked(7))
        await t.show(made.snapshot(phase="stopping"))
        await t.sees("stopping 1 run", "SIGINT in 7 s", "^c again kills now")
        await t.press("ctrl+c")
        await t.sends(c.Interrupt(), c.Interrupt())


async def test_ctrl_c_reaches_the_runs_from_the_filter_the_help_and_a_question() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("slash", "ctrl+c", "escape", "question_mark", "ctrl+c", "escape", "x", "ctrl+c")
        await t.sends(*[c.Interrupt()] * 3)


async def test_a_key_that_cannot_do_anything_says_why() -> None:
    async with opened(finished()) as t:
        for key, why in (
            ("ctrl+c", "nothing is running"),
            ("f", "nothing has failed"),
            ("r", "nothing is interrupted"),
            ("i", "the selected instance is not running"),
        ):
            await t.press(key)
            await t.says(why)
        assert t.sent == []


async def test_i_interrupts_only_the_selected_run() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("down", "i")  # the failed one is first, then the running one
        await t.sends(c.Interrupt((1,)))


async def test_workers_count_from_what_was_asked_for_not_from_an_old_snapshot() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("plus", "plus", "minus")
        await t.sends(c.SetWorkers(3), c.SetWorkers(4), c.SetWorkers(3))


async def test_there_is_always_one_worker() -> None:
    async with opened(small().snapshot(workers=1)) as t:
        await t.press("minus")
        await t.sends(c.SetWorkers(1))


# Marks


async def test_marks_are_what_actions_apply_to() -> None:
    made = small()
    made.failed(5)
    async with opened(made.snapshot()) as t:
        await t.press("slash", *"status:failed", "enter", "a", "escape")
        await t.sees("2 marked")
        await t.press("f")
        await t.sends(c.Retry((3, 5)))


@pytest.mark.parametrize(
    ("key", "command"),
    [("f", c.Retry((1, 3))), ("x", c.Forget((1, 3))), ("n", c.Next((1, 3))), ("i", c.Interrupt((5,)))],
)
async def test_what_acts_on_runs_acts_on_the_selected_or_the_marked_ones_alone(
    key: str, command: c.Retry | c.Forget | c.Next | c.Interrupt
) -> None:
    made = Experiment(["a.cnf", "b.cnf"], iterations=3, phase="busy", workers=2)
    for run in (1, 2, 3, 4):
        made.failed(run)
    made.running(5, slot=0)
    made.running(6, slot=1)
    answer = ["y"] if key == "x" else []
    async with opened(made.snapshot()) as t:
        await t.press("o", key, *answer)  # by name: a.cnf is selected
        await t.sends(command)
        await t.press("down", "space", key, *answer)
        assert t.listing.marks == {1}
        assert t.sent[1:] == [type(command)((6,) if key == "i" else (2, 4))]


async def test_all_failed_runs_are_retried_only_after_a_question_that_says_how_many() -> None:
    made = small()
    made.failed(5)
    async with opened(made.snapshot()) as t:
        retry_all = next(each for each in t.app.get_system_commands(t.app.screen) if each.title == "retry all failed")
        retry_all.callback()
        await t.sees("2 runs failed: call them again?")
        await t.press("enter")
        await t.on(MainScreen)
        assert t.sent == []
        retry_all.callback()
        await t.on(Question)
        await t.press("y")
        await t.sends(c.Retry())


async def test_f_on_what_has_not_failed_says_so() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("down", "f")
        await t.says("the selected instance has not failed")
        assert t.sent == []


async def test_space_marks_and_goes_on_and_escape_unmarks() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("space", "space")
        await t.until(lambda: t.listing.marks == {0, 2})
        await t.press("i")
        await t.sends(c.Interrupt((1,)))
        await t.press("escape")
        await t.until(lambda: t.listing.marks == set())


async def test_a_marks_all_that_are_listed_and_again_none() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("a")
        await t.until(lambda: t.listing.marks == set(range(6)))
        await t.press("a")
        await t.until(lambda: t.listing.marks == set())


# Questions


async def test_forgetting_says_how_many_and_what_is_lost_and_enter_is_no() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("x")
        await t.on(Question)
        await t.sees("1 run of uf20-03.cnf")
        await t.sees("1 saved state and 1:14 of work")
        await t.press("enter")
        await t.on(MainScreen)
        assert t.sent == []


@pytest.mark.parametrize("no", ["n", "escape", "q"])
async def test_no_is_no(no: str) -> None:
    async with opened(small().snapshot()) as t:
        await t.press("x", no)
        await t.on(MainScreen)
        assert t.sent == []


async def test_y_is_yes() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("x", "y")
        await t.sends(c.Forget((3,)))


async def test_forgetting_leaves_running_runs_alone() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("a", "x")
        await t.sees("3 runs")
        await t.press("y")
        await t.sends(c.Forget((2, 3, 4)))


async def test_a_running_run_is_not_forgotten() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("down", "x")
        await t.on(MainScreen)
        await t.says("interrupt it first")


async def test_done_is_called_again_only_after_a_question() -> None:
    async with opened(finished()) as t:
        await t.press("d")
        await t.sees("call done() again?")
        assert t.sent == []
        await t.press("y")
        await t.sends(c.RerunDone())


async def test_done_is_not_offered_while_runs_are_left() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("d")
        await t.on(MainScreen)
        await t.says("when every run is done")


# Leaving


async def test_q_with_nothing_busy_asks_the_runner_and_leaves_when_it_is_closed() -> None:
    async with opened(finished()) as t:
        await t.press("q")
        await t.sends(c.Quit())
        assert not isinstance(t.app.screen, LeavingBox)
        assert t.app.is_running
        t.conductor.change(phase="closed")
        await t.until(lambda: not t.app.is_running)


async def test_q_with_busy_runs_shows_a_countdown_what_is_saved_and_what_is_not() -> None:
    made = small()
    async with opened(made.snapshot()) as t:
        await t.press("q")
        await t.sees("1 run is running", "i  interrupt and leave", "esc  stay")
        await t.press("d")  # which needs a process that the shell waits for
        assert t.app.is_running
        assert t.sent == []
        await t.press("i")
        await t.sends(c.Quit())
        await t.on(LeavingBox)
        made.running(1, stopping=asked(7))
        await t.show(made.snapshot(phase="stopping"))
        await t.sees("leaving", "SIGINT in 7 s", "uf20-01.cnf", "saved 7, 3 s not saved", "kill them now")
        t.conductor.change(phase="closed")
        await t.until(lambda: not t.app.is_running)


@pytest.mark.parametrize("again", ["q", "ctrl+c", "ctrl+q"])
async def test_a_second_press_while_leaving_is_at_once(again: str) -> None:
    async with opened(small().snapshot()) as t:
        await t.press("q", "i", again)
        await t.sends(c.Quit(), c.Quit())


async def test_the_mouse_does_what_a_box_says_that_a_key_does() -> None:
    async with opened(small().snapshot(), detaches=True) as t:
        await t.press("q")
        await t.sees("leave?")
        await t.click("leave?")
        await t.sees("leave?")
        await t.click("esc  stay")
        await t.on(MainScreen)
        await t.press("q")
        await t.click("interrupt and leave")
        await t.sends(c.Quit())
    async with opened(small().snapshot(), detaches=True) as t:
        await t.press("q")
        await t.click("go on without a screen")
        await t.until(lambda: t.app.detached)


@pytest.mark.parametrize("stay", ["escape", "q"])
async def test_who_is_asked_may_stay(stay: str) -> None:
    async with opened(small().snapshot()) as t:
        await t.press("ctrl+q", "ctrl+q", stay)
        await t.on(MainScreen)
        assert t.sent == []
        assert not t.app.quitting


async def test_the_question_is_over_when_all_that_runs_is_being_stopped() -> None:
    made = small()
    async with opened(made.snapshot()) as t:
        await t.press("ctrl+c", "q")
        made.running(1, stopping=asked(7))
        await t.show(made.snapshot(phase="stopping"))
        await t.on(LeavingBox)
        await t.sends(c.Interrupt(), c.Quit())


async def test_a_runner_that_closes_by_itself_ends_the_screen() -> None:
    async with opened(small().snapshot()) as t:
        t.conductor.change(phase="closed")
        await t.until(lambda: not t.app.is_running)


async def test_a_failure_of_the_runner_stays_on_the_screen_until_q() -> None:
    async with opened(
        small().snapshot(failure=StoreError("the store: sat.alma/db.json: No space left").failure, phase="closed")
    ) as t:
        await t.sees("sat.alma/db.json: No space left", "q leaves")
        assert t.app.is_running
        await t.press("q")
        await t.until(lambda: not t.app.is_running)


async def test_a_read_only_view_sends_nothing() -> None:
    async with opened(small().snapshot(elsewhere=Elsewhere(1234, NOW)), read_only=True) as t:
        await t.sees("read only")
        await t.press("ctrl+c", "r", "f", "i", "x", "d", "p", "plus", "minus")
        assert t.sent == []
        await t.press("q")
        await t.until(lambda: not t.app.is_running)
        assert t.sent == []


async def test_the_log_in_a_read_only_view_says_why_nothing_is_interrupted_also_below_a_box() -> None:
    async with opened(small().snapshot(elsewhere=Elsewhere(1234, NOW)), read_only=True) as t:
        for keys in (["l"], ["question_mark"]):
            await t.press(*keys, "ctrl+c")
            await t.says("this view is read only · T in the list takes over")
            t.app.clear_notifications()
        assert t.sent == []


async def test_a_view_of_another_process_says_whose_it_is_and_takes_over_after_a_yes_only() -> None:
    elsewhere = Elsewhere(1234, NOW)
    async with opened(small().snapshot(elsewhere=elsewhere), read_only=True, size=(80, 24)) as t:
        await t.sees("in use by process 1234 since 2023-11-1", "read only · T takes over")
        await t.press("r")
        await t.says("this view is read only · T takes over, q leaves")
        await t.press("T")
        await t.on(Question)
        await t.sees("1 run will be interrupted in process 1234.", "continues here from its last save")
        await t.press("enter")
        await t.on(MainScreen)
        assert t.app.is_running
        await t.press("T", "y")
        await t.until(lambda: not t.app.is_running)
        assert t.app.takes_over
        assert t.sent == []


async def test_leaving_a_view_takes_nothing_over() -> None:
    async with opened(small().snapshot(elsewhere=Elsewhere(1234, NOW)), read_only=True) as t:
        await t.press("T", "n", "q")
        await t.until(lambda: not t.app.is_running)
        assert not t.app.takes_over


async def test_what_is_not_to_be_had_says_why() -> None:
    elsewhere = Elsewhere(1234, NOW, "it is somebody else's")
    async with opened(small().snapshot(elsewhere=elsewhere), read_only=True) as t:
        await t.sees("read only · it is somebody else's")
        await t.press("T")
        await t.says("it is somebody else's")
        await t.on(MainScreen)


async def test_what_has_ended_elsewhere_goes_on_here_without_a_question() -> None:
    snapshot = small().snapshot(phase="idle", idle_reason="process 1234 has ended")
    async with opened(snapshot, read_only=True) as t:
        await t.sees("process 1234 has ended · read only · T goes on here")
        await t.press("T")
        await t.until(lambda: not t.app.is_running)
        assert t.app.takes_over


async def test_what_runs_here_is_not_taken_over() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("T")
        await t.says("it runs here already")
        assert t.app.is_running


# Screens


@pytest.mark.parametrize("key", ["enter", "l"])
async def test_the_log_in_one_key_and_back(key: str, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "3" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("restart 14, best 3 unsatisfied\n")
    async with opened(small().snapshot(state_dir=tmp_path)) as t:
        await t.press(key)
        await t.on(LogScreen)
        await t.sees("restart 14, best 3 unsatisfied", "uf20-03.cnf")
        await t.press("escape")
        await t.on(MainScreen)


async def test_attempts_of_a_log_are_stepped_through(tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "3"
    folder.mkdir(parents=True)
    for attempt in (1, 2, 3):
        (folder / f"{attempt}.log").write_text(f"this is number {attempt}\n")
    made = small()
    made.failed(3, attempt=3)
    async with opened(made.snapshot(state_dir=tmp_path)) as t:
        await t.press("l")
        await t.sees("this is number 3", "attempt 3 of 3")
        await t.press("left_parenthesis")
        await t.sees("this is number 2", "attempt 2 of 3")
        await t.press("left_parenthesis", "left_parenthesis")
        await t.sees("this is number 1", "attempt 1 of 3")
        await t.press("right_parenthesis")
        await t.sees("this is number 2", "attempt 2 of 3")


def written(folder: Path, *logs: str) -> Path:
    """The state directory with these logs; each says its own name."""
    for name in logs:
        log = folder / "logs" / name
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"this is {name}\n")
    return folder


async def test_the_calls_of_done_are_stepped_through_and_a_new_one_is_shown_and_followed(tmp_path: Path) -> None:
    written(tmp_path, "done/1.log", "done/2.log")
    failed = s.HookFailed(error=s.Error("no mail"), at=NOW)
    snapshot = msgspec.structs.replace(finished(), state_dir=tmp_path, done_hook=s.DoneHook(failed, 2))
    async with opened(snapshot) as t:
        await t.sees("no mail · d runs it again · D shows its log")
        await t.press("D")
        await t.on(LogScreen)
        await t.sees("✗ failed", "done() · call 2 of 2", "this is done/2.log")
        await t.press("left_parenthesis")
        await t.sees("call 1 of 2", "this is done/1.log")
        running = msgspec.structs.replace(snapshot, done_hook=s.DoneHook(s.HookRunning(NOW), 3))
        await t.show(running)
        await t.sees("● running", "call 1 of 3", "this is done/1.log")  # chosen, so it stays
        await t.press("right_parenthesis", "right_parenthesis")
        await t.sees("call 3 of 3", "no output")
        await t.show(msgspec.structs.replace(running, done_hook=s.DoneHook(s.HookRunning(NOW), 4)))
        await t.sees("call 4 of 4")
        written(tmp_path, "done/4.log")
        await t.sees("this is done/4.log")
        with (tmp_path / "logs" / "done" / "4.log").open("a") as log:
            log.write("and it goes on\n")
        await t.sees("and it goes on")
        await t.press("escape")
        await t.on(MainScreen)


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        (s.DoneHook(s.HookNotYet()), "done() has not been called yet"),
        (s.DoneHook(s.HookAbsent()), "the run module has no done()"),
    ],
)
async def test_there_is_no_log_of_a_done_that_was_never_called(hook: s.DoneHook, why: str) -> None:
    async with opened(small().snapshot(done_hook=hook)) as t:
        assert "done() log" not in [command.title for command in t.app.get_system_commands(t.app.screen)]
        await t.press("D")
        await t.says(why)
        await t.on(MainScreen)


async def test_a_cut_off_done_names_the_key_of_its_log_also_in_a_read_only_view(tmp_path: Path) -> None:
    written(tmp_path, "done/1.log")
    snapshot = finished()
    snapshot = msgspec.structs.replace(snapshot, state_dir=tmp_path, done_hook=s.DoneHook(s.HookCutOff(since=NOW), 1))
    async with opened(snapshot, read_only=True, size=(80, 24)) as t:
        await t.sees("D shows its log")
        await t.press("D")
        await t.sees("‖ cut off", "done()", "this is done/1.log")


async def test_the_logs_of_loading_are_those_that_hold_something_in_the_order_of_time(tmp_path: Path) -> None:
    written(tmp_path, "load/first.log", "load/000002-002.log", "load/000001-002.log")
    (tmp_path / "logs" / "load" / "000003-001.log").touch()
    for name, at in (("000001-002", 1000), ("first", 2000), ("000002-002", 3000)):
        os.utime(tmp_path / "logs" / "load" / f"{name}.log", (at, at))
    async with opened(small().snapshot(state_dir=tmp_path)) as t:
        commands = {command.title: command for command in t.app.get_system_commands(t.app.screen)}
        commands["load log"].callback()
        await t.on(LogScreen)
        await t.sees("loading sat.py", "load 3 of 3", "this is load/000002-002.log")
        await t.press("left_parenthesis")
        await t.sees("load 2 of 3", "this is load/first.log")
        await t.press("left_parenthesis")
        await t.sees("load 1 of 3", "this is load/000001-002.log")


async def test_a_module_that_printed_nothing_while_it_was_loaded_has_no_load_log(tmp_path: Path) -> None:
    (tmp_path / "logs" / "load").mkdir(parents=True)
    (tmp_path / "logs" / "load" / "first.log").touch()
    for state_dir in (tmp_path, tmp_path / "removed"):
        async with opened(small().snapshot(state_dir=state_dir)) as t:
            await t.press("L")
            await t.says("printed nothing while it was loaded")
            await t.on(MainScreen)


@pytest.mark.parametrize(("key", "log"), [("l", "3/1.log"), ("D", "done/1.log"), ("L", "load/first.log")])
async def test_e_edits_the_log_that_is_shown(
    key: str, log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "3/1.log", "done/1.log", "load/first.log")
    edited: list[Path] = []

    def edit(path: Path) -> str:
        edited.append(path)
        return ""

    monkeypatch.setattr("pyalma_tui.tui.handing.run_editor", edit)
    hook = s.DoneHook(s.HookCutOff(since=NOW), 1)
    async with opened(small().snapshot(state_dir=tmp_path, done_hook=hook)) as t:
        monkeypatch.setattr(type(t.app._driver), "can_suspend", True)
        await t.press(key)
        await t.on(LogScreen)
        await t.press("e")
        await t.until(lambda: edited == [tmp_path / "logs" / log])


async def test_searching_in_the_log_asks_for_text(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "3" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {n}\n" for n in range(200)) + "end\n")
    async with opened(small().snapshot(state_dir=tmp_path), size=(100, 24)) as t:
        await t.press("l")
        await t.sees("end")
        assert "line 77" not in t.text()
        await t.press("slash", *"line 77", "enter")
        await t.sees("line 77", "“line 77” 1 of 1")
        await t.press("escape")
        await t.until(lambda: "“line 77”" not in t.text())
        await t.press("escape")
        await t.on(MainScreen)


async def test_help_lists_every_key_and_closes() -> None:
    async with opened(small().snapshot(), size=(140, 140)) as t:
        await t.press("question_mark")
        await t.on(HelpBox)
        await t.sees("Interrupt every run", "Forget the saved state", "estimated")
        await t.press("escape")
        await t.on(MainScreen)


@pytest.mark.parametrize(
    ("keys", "here", "elsewhere"),
    [
        ([], "Reverse the order.", "Failures: the runs of this kind"),
        (["F"], "Failures: the runs of this kind", "Sort by batch order"),
        (["l"], "Search for a text or a pattern", "Sort by batch order"),
    ],
)
async def test_help_begins_with_the_place_where_one_is(keys: list[str], here: str, elsewhere: str) -> None:
    async with opened(small().snapshot(), size=(140, 120)) as t:
        await t.press(*keys, "question_mark")
        await t.on(HelpBox)
        await t.sees(here, "Elsewhere", elsewhere)
        text = t.text()
        assert text.index(here) < text.index("Elsewhere") < text.index(elsewhere)
        assert not keys or text.index(here) < text.index("Move by a screenful")


async def test_the_session_log() -> None:
    from pyalma_tui.model.records import Note

    async with opened(small().snapshot(notes=(Note(NOW, "module changed"),))) as t:
        await t.press("s")
        await t.on(NotesBox)
        await t.sees("module changed")
        await t.show(small().snapshot(notes=(Note(NOW, "module changed"), Note(NOW, "worker 2 replaced"))))
        await t.sees("worker 2 replaced")


async def test_the_session_log_follows_its_end_until_one_scrolls_up() -> None:
    from pyalma_tui.model.records import Note

    notes = [Note(NOW, f"note number {number}") for number in range(90)]

    def stands() -> tuple[int, int]:
        text = t.app.screen.query_one(VerticalScroll)
        return text.scroll_offset.y, text.max_scroll_y

    async with opened(small().snapshot(notes=tuple(notes[:80])), size=(80, 24)) as t:
        await t.press("s")
        await t.sees("note number 79")
        first = stands()
        assert first[0] == first[1] > 0
        await t.show(small().snapshot(notes=tuple(notes[:85])))
        await t.until(lambda: stands() == (first[0] + 5, first[1] + 5))
        await t.press("home")
        await t.until(lambda: stands()[0] == 0)
        await t.show(small().snapshot(notes=tuple(notes)))
        await t.until(lambda: stands()[1] == first[1] + 10)
        assert stands()[0] == 0


async def test_a_new_note_is_said_once_and_old_ones_are_not() -> None:
    from pyalma_tui.model.records import Note

    async with opened(small().snapshot(notes=(Note(NOW, "old"),))) as t:
        await t.says("old")
        await t.show(small().snapshot(notes=(Note(NOW, "old"), Note(NOW, "[/]new"))))
        await t.says("[/]new")
        assert "old" not in t.toasts()


async def test_t_opens_the_themes() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("t")
        await t.until(lambda: len(t.app.screen_stack) == 2)
        assert t.app.screen.is_modal


async def test_the_palette_does_what_a_key_does() -> None:
    async with opened(small().snapshot()) as t:
        commands = {command.title: command for command in t.app.get_system_commands(t.app.screen)}
        commands["interrupt"].callback()
        await t.sends(c.Interrupt())
        assert "done()" not in commands  # not possible now


async def test_a_click_in_the_key_bar_does_the_action() -> None:
    async with opened(small().snapshot(), size=(80, 24)) as t:
        x = t.lines()[-1].index("resume")
        await t.pilot.click("KeyBar", offset=(x, 0))
        await t.sends(c.Resume())


# Copying and editing


async def test_y_copies_the_error_with_the_traceback() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("y")
        await t.until(lambda: 'File "/home/user/sat/dimacs.py", line 17, in parse' in t.app.clipboard)


async def test_y_copies_the_state_without_control_characters() -> None:
    made = small()
    made.running(1, state=b'"\\u001b]52;c;ZXZpbA==\\u0007x"')
    async with opened(made.snapshot()) as t:
        await t.press("down", "y")
        await t.until(lambda: "\x1b" not in t.app.clipboard)
        await t.until(lambda: "\x07" not in t.app.clipboard)
        await t.until(lambda: t.app.clipboard.endswith("x"))


async def test_y_copies_the_names_of_several_marked_ones() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("space", "space", "y")
        await t.until(lambda: t.app.clipboard == "uf20-01.cnf\nuf20-03.cnf")


async def test_e_opens_the_log_in_the_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "logs" / "3" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("x\n")
    called: list[list[str]] = []

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        called.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setenv("VISUAL", "ed --wait")
    monkeypatch.setattr(subprocess, "run", run)
    async with opened(small().snapshot(state_dir=tmp_path)) as t:
        monkeypatch.setattr(type(t.app._driver), "can_suspend", True)
        await t.press("e")
        assert called == [["ed", "--wait", str(log)]]
        assert t.app.is_running


# Iterations


async def test_brackets_step_through_iterations_and_x_then_means_one_run() -> None:
    made = Experiment(["a.cnf", "b.cnf"], iterations=3, phase="idle")
    for run in (1, 3, 5):
        made.done(run, state=b'"%d"' % run)
    async with opened(made.snapshot()) as t:
        await t.press("o")  # by name
        await t.sees("a.cnf · #2")
        await t.press("left_square_bracket")
        await t.sees("a.cnf · #1")
        await t.press("x", "y")
        await t.sends(c.Forget((3,)))
        await t.press("left_square_bracket", "left_square_bracket")
        await t.sees("a.cnf · #0")
        await t.press("right_square_bracket")
        await t.sees("a.cnf · #1")


async def test_without_stepping_x_means_all_iterations() -> None:
    made = Experiment(["a.cnf"], iterations=3, phase="idle")
    for run in (1, 2):
        made.done(run)
    async with opened(made.snapshot()) as t:
        await t.press("x", "y")
        await t.sends(c.Forget((1, 2)))


async def test_only_matching_lines_of_the_log_and_copying_them(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "3" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"{'even' if n % 2 == 0 else 'odd'} {n}\n" for n in range(20)))
    async with opened(small().snapshot(state_dir=tmp_path), size=(100, 40)) as t:
        await t.press("l")
        await t.sees("even 18", "odd 19")
        await t.press("ampersand", *"odd", "enter")
        await t.until(lambda: "odd 19" in t.text() and "even 18" not in t.text())
        await t.press("y")
        await t.until(lambda: "odd 17" in t.app.clipboard and "even" not in t.app.clipboard)


# Limits, workers, run next


async def test_run_next_takes_what_is_selected_or_marked_and_left_to_run() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("end", "n")  # the done one: sorted last
        await t.says("the selected instance has nothing left to run")
        await t.press("a", "n")
        await t.sends(c.Next((3, 4, 5, 6)))


async def test_limits_are_changed_in_a_dialog_that_refuses_what_is_no_limit() -> None:
    async with opened(small().snapshot(limits=c.Limits(90.0, 2))) as t:
        await t.press("c")
        await t.on(LimitsBox)
        await t.sees("90", "From now on")
        await t.press("end", "x", "enter")
        await t.sees("timeout: 90x: it is a number of seconds")
        await t.press("backspace", "5", "tab", "backspace", "3", "enter")
        await t.sends(c.SetLimits(c.Limits(905.0, 3)))
        await t.on(MainScreen)


async def test_limits_that_stay_as_they_are_send_nothing() -> None:
    async with opened(small().snapshot(limits=c.Limits(None, 1))) as t:
        await t.press("c", "enter")
        await t.on(MainScreen)
        await t.press("c", "9", "escape")
        await t.on(MainScreen)
        assert t.sent == []


@pytest.mark.parametrize(
    ("timeout", "retries", "why"),
    [
        ("-1", "0", "more than 0"),
        ("0", "0", "more than 0"),
        ("inf", "0", "more than 0"),
        ("nan", "0", "more than 0"),
        ("1", "-1", "at least 0"),
        ("1", "1.5", "whole number"),
    ],
)
def test_what_is_no_limit_is_refused(timeout: str, retries: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        limits_of(timeout, retries)


def test_empty_fields_are_no_limits() -> None:
    assert limits_of(" ", "") == c.Limits(None, 0)


async def test_the_workers_are_listed_with_what_they_take() -> None:
    made = small()
    made.running(5, slot=1, seconds=7200, stopping=asked(7))
    made.slots = [msgspec.structs.replace(slot, load=Load(132_400_000, 0.98)) for slot in made.slots]
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("w")
        await t.on(WorkersBox)
        await t.sees("4000", "132 MB", "98 %", "uf20-01.cnf", "2:00:00", "SIGINT in 7 s", "265 MB", "196 %")
        await t.press("plus")
        await t.sends(c.SetWorkers(3))


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (132, ("does       host    instance", "running    node1   uf20-01.cnf", "node␛1")),
        (80, ("does       instance", "     on node1", "     on node␛1")),
    ],
)
async def test_hosts_are_a_column_where_there_is_room(width: int, told: tuple[str, ...]) -> None:
    made = small()
    made.running(5, slot=1)
    hosts = ["node1", "node\x1b1"]
    made.slots = [msgspec.structs.replace(slot, host=host) for slot, host in zip(made.slots, hosts, strict=True)]
    async with opened(made.snapshot(), size=(width, 24)) as t:
        await t.press("w")
        await t.sees(*told)


async def test_without_workers_the_list_of_them_says_so() -> None:
    async with opened(finished()) as t:
        await t.press("w")
        await t.sees("none now; up to 2 workers")


async def test_the_detail_tells_what_a_running_run_takes_and_where_an_ended_one_ran() -> None:
    made = small()
    made.slots = [msgspec.structs.replace(slot, load=Load(1_500_000_000, 3.5)) for slot in made.slots]
    made.put(3, began=NOW - 374, slot=1, host="lab\x1b7")
    async with opened(made.snapshot(), size=(150, 40)) as t:
        await t.sees("on worker 1 of lab␛7")
        await t.press("down")
        await t.sees("1.5 GB of memory · 350 % of a processor")


async def test_the_palette_marks_all_of_a_status() -> None:
    made = small()
    made.failed(6)
    async with opened(made.snapshot()) as t:
        commands = {command.title: command.callback for command in t.app.get_system_commands(t.app.screen)}
        assert "mark all failed" in commands
        commands["mark all failed"]()
        await t.press("f")
        await t.sends(c.Retry((3, 6)))
