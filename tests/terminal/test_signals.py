"""What becomes of an experiment when its terminal, or its program, goes away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from pyalma_tui.store.lock import holder
from pyalma_tui.store.opening import read_store
from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import PATIENCE, Terminal


def until(true: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"never: {why}"
        time.sleep(0.01)


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def states(folder: Path) -> dict[str, object]:
    store = read_store(folder / "exp.alma")
    assert store is not None
    runs = store.ledger.runs
    names = store.ledger.instances
    return {names[run.instance].name: msgspec.json.decode(run.state or b"null") for run in runs}


def test_sigterm_restores_the_terminal_stops_with_grace_and_exits_with_143(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    (tmp_path / "go0").touch()
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("has reached 1")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 143
        terminal.assert_restored()
    assert states(tmp_path) == {"alpha.txt": "1"}


def test_without_its_terminal_the_experiment_goes_on_to_the_end(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    (tmp_path / "go0").touch()
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("has reached 1")
        pid = terminal.pid
        terminal.hang_up()
        until((tmp_path / "exp.alma" / "session.log").exists, "a line in the session log")
        assert psutil.pid_exists(pid)
        for step in range(1, 5):
            (tmp_path / f"go{step}").touch()
        until((tmp_path / "done.txt").exists, "done() was called")
        until(lambda: holder(tmp_path / "exp.alma") is None, "the lock is free")
        until(lambda: not terminal.process.isalive(), "it has ended by itself")
    assert states(tmp_path) == {"alpha.txt": "5"}
    assert "the terminal has gone away" in (tmp_path / "exp.alma" / "session.log").read_text()


@pytest.mark.parametrize("daemon", [False, True], ids=["workers", "and their children"])
def test_kill_9_of_the_program_leaves_no_worker_and_a_free_lock(tmp_path: Path, daemon: bool) -> None:
    child = "import subprocess; subprocess.Popen(['sleep', '1000'])\n" if daemon else ""
    arguments = write(tmp_path, child + COUNTING, "alpha.txt")
    (tmp_path / "go0").touch()
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("has reached 1")
        family = psutil.Process(terminal.pid).children(recursive=True)
        assert len(family) >= 1 + daemon
        os.kill(terminal.pid, signal.SIGKILL)
        until(lambda: not any(map(alive, family)), "every worker and its children are gone")
        until(lambda: holder(tmp_path / "exp.alma") is None, "the lock is free")
    for step in range(1, 5):
        (tmp_path / f"go{step}").touch()
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("begins at 1", "100 %")
        terminal.press("q")
        assert terminal.end() == 0


def test_a_second_start_is_refused_with_4_and_says_who_runs_it(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("running")
        (tmp_path / "link.py").symlink_to("exp.py")
        with Terminal(tmp_path, "./exp.py") as second:
            assert second.end() == 4
            assert f"process {terminal.pid}" in second.text.replace("\n", " ")
        terminal.press("q")
        assert terminal.end() == 130


def test_ctrl_z_suspends_and_comes_back(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("running")
        os.kill(terminal.pid, signal.SIGTSTP)
        os.kill(terminal.pid, signal.SIGCONT)
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        terminal.see("100 %")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
