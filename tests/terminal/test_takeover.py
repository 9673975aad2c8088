"""An experiment that another process runs, seen from a second terminal and taken over there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pyalma_tui.cli.echo import MOMENT
from pyalma_tui.store.lock import holder
from tests.catalogue.experiment import until
from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import FULL_SCREEN, LEFT, Terminal


def runs(folder: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "pyalma_tui", "status", "exp.py", "--json"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found: list[dict[str, object]] = json.loads(told.stdout)["runs"]
    return found


def second_of(first: Terminal, folder: Path, *arguments: str, columns: int = 100) -> Terminal:
    """A second terminal, once the first one runs the experiment."""
    first.see("● running")
    return Terminal(folder, *arguments, columns=columns)


def left_behind(terminal: Terminal) -> str:
    """What stands on the terminal after the full screen."""
    return re.sub(r"\x1b\[\?\d+[hl]", "", terminal.raw.rpartition(LEFT)[2].decode())


def log(folder: Path, run: int, attempt: int) -> str:
    return (folder / "exp.alma" / "logs" / str(run) / f"{attempt}.log").read_text()


def test_after_a_hang_up_it_is_seen_read_only_and_taken_over_with_nothing_lost(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt", "beta.txt")
    state_dir = tmp_path / "exp.alma"
    with Terminal(tmp_path, *arguments, "--workers", "2") as first:
        (tmp_path / "go0").touch()
        first.wait(lambda text: text.count(" 1 ") >= 2, "state 1 in both rows")
        first.hang_up()
        session = state_dir / "session.log"
        until(session.exists, lambda: "it says that the terminal has gone away")
        assert "the terminal has gone away" in session.read_text()

        with Terminal(tmp_path, *arguments, "--workers", "2", columns=80, lines=24) as second:
            second.see(f"in use by process {first.pid} since ", "read only", "T takes over", "alpha.txt", "● running")
            second.see("alpha.txt has reached 1")
            (tmp_path / "go1").touch()
            (tmp_path / "go2").touch()
            second.wait(lambda text: text.count(" 3 ") >= 2, "both states advance while they are looked at")
            second.resize(150, 40)
            second.see("has reached 3", "T takes over")

            second.press("ctrl+c", "r")
            second.see("this view is read only")
            second.press("T")
            second.see("take over?", f"2 runs will be interrupted in process {first.pid}")
            second.press("enter")
            second.wait(lambda text: "take over?" not in text, "enter is no")
            assert psutil.pid_exists(first.pid)
            assert [run["attempts"] for run in runs(tmp_path)] == [1, 1]

            second.press("T", "y")
            second.see("2 attempts", "● running")
            second.wait(lambda text: "read only" not in text, "it is ours now")
            assert first.end_unseen() == 143
            who = holder(state_dir)
            assert who is not None
            assert who.pid == second.pid
            until(lambda: "begins at 3" in log(tmp_path, 1, 2) and "begins at 3" in log(tmp_path, 2, 2), lambda: "3")
            (tmp_path / "go3").touch()
            (tmp_path / "go4").touch()
            second.see("2/2", "100 %")
            until((tmp_path / "done.txt").exists, lambda: "done() was called")
            second.press("q")
            assert second.end() == 0
            second.assert_restored()
            assert b"has handed over" in second.raw
    assert [(run["state"], run["attempts"]) for run in runs(tmp_path)] == [("5", 2), ("5", 2)]
    assert (tmp_path / "done.txt").read_text() == "done\n"
    assert "interrupting 2 runs" in session.read_text()


def test_leaving_the_view_says_in_one_line_who_runs_it_and_ends_nothing(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    with Terminal(tmp_path, *arguments) as first:
        first.see("● running")
        with Terminal(tmp_path, *arguments, columns=200) as second:
            second.see("read only", "● running")
            second.press("q")
            assert second.end() == 4
            second.assert_restored()
            assert f"the experiment is in use by process {first.pid} since " in second.text
            assert left_behind(second).count("\n") == 1
        with Terminal(tmp_path, *arguments, "--plain", columns=200) as third:
            assert third.end() == 4
            assert FULL_SCREEN not in third.raw
            assert third.raw.decode() == left_behind(second)
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        first.see("1/1", "100 %")
        until((tmp_path / "done.txt").exists, lambda: "done() was called")
        first.press("q")
        assert first.end() == 0
    assert [run["attempts"] for run in runs(tmp_path)] == [1]


def test_what_has_ended_while_it_was_viewed_goes_on_here(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    (tmp_path / "go0").touch()
    with Terminal(tmp_path, *arguments) as first, second_of(first, tmp_path, *arguments) as second:
        second.see("has reached 1")
        first.see("has reached 1")
        pid = first.pid
        first.press("q", "i")
        assert first.end() == 130
        second.see(f"process {pid} has ended", "T goes on here", "interrupted")
        second.press("T")
        second.see("2 attempts", "● running")
        for step in range(1, 5):
            (tmp_path / f"go{step}").touch()
        second.see("1/1", "100 %")
        until((tmp_path / "done.txt").exists, lambda: "done() was called")
        second.press("q")
        assert second.end() == 0
    assert log(tmp_path, 1, 2).startswith("alpha.txt begins at 1\n")


def test_what_has_ended_is_summed_up_when_the_view_is_left(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    with Terminal(tmp_path, *arguments) as first, second_of(first, tmp_path, *arguments) as second:
        second.see("read only", "● running")
        os.kill(first.pid, signal.SIGKILL)
        second.see("has ended", "interrupted")
        second.press("q")
        assert second.end() == 130
        assert "1 interrupted" in left_behind(second)


@pytest.mark.parametrize("how", ["hang up", "SIGTERM"])
def test_the_view_can_be_closed_like_any_terminal(tmp_path: Path, how: str) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    with Terminal(tmp_path, *arguments) as first, second_of(first, tmp_path, *arguments) as second:
        second.see("read only", "● running")
        if how == "SIGTERM":
            os.kill(second.pid, signal.SIGTERM)
            assert second.end() == 143
            second.assert_restored()
        else:
            second.hang_up()
            with suppress(ProcessLookupError):  # it has ended before the third
                for _ in range(3):  # the kernel sends one after SIGHUP, at which Textual starts to paint again
                    os.kill(second.pid, signal.SIGCONT)
            assert second.end_unseen() == 129
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        first.see("1/1", "100 %")
        until((tmp_path / "done.txt").exists, lambda: "done() was called")
        first.press("q")
        assert first.end() == 0


DEAF = """
import time

def run(instance, save, state):
    save("kept")
    while True:
        time.sleep(0.01)
"""


def test_a_stopped_holder_is_not_asked_and_a_slow_one_is_waited_for_until_ctrl_c(tmp_path: Path) -> None:
    arguments = write(tmp_path, DEAF, "alpha.txt")
    with Terminal(tmp_path, *arguments, "--grace", "1000") as first:
        with second_of(first, tmp_path, *arguments, columns=120) as second:
            os.kill(first.pid, signal.SIGSTOP)
            second.see("it is stopped: `fg` in its terminal lets it go on")
            os.kill(first.pid, signal.SIGCONT)
            second.see("T takes over")
            second.press("T", "y")
            second.see(f"waiting for process {first.pid} to hand over (", "ctrl+c gives up")
            second.press("ctrl+c")
            assert second.end() == 130
            assert f"not waited for any longer; process {first.pid} goes on stopping" in left_behind(second)
        assert holder(tmp_path / "exp.alma") is not None
        time.sleep(MOMENT)  # within which it would be one with that of the taking over
        os.kill(first.pid, signal.SIGTERM)
        assert first.end() == 143
    assert [(run["status"], run["state"]) for run in runs(tmp_path)] == [("interrupted", "kept")]


SCRIPT = """
import pyalma_tui.experiment as experiment
dispatcher = experiment.load("exp.py", instances=["alpha.txt"])
dispatcher.start()
print("begun", flush=True)
dispatcher.join()
"""


def test_a_script_that_would_not_survive_it_is_not_asked(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    (tmp_path / "script.py").write_text(SCRIPT)
    script = subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert script.stdout is not None
        assert script.stdout.readline() == "begun\n"
        with Terminal(tmp_path, *arguments) as view:
            view.see(f"in use by process {script.pid}", "● running", "end it there")
            view.press("T")
            view.wait(lambda text: text.count("end it there") == 2, "why it is refused")
            view.press("q")
            assert view.end() == 4
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        assert script.wait(30) == 0
    finally:
        script.kill()
        script.wait()
