"""A screen that is left while its runs go on, shown again by `attach` and ended by `stop`, from a shell."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from pyalma_tui.cli import waiter
from pyalma_tui.store.lock import holder
from tests.catalogue.experiment import until
from tests.terminal.screen import Terminal
from tests.terminal.shell import shell

SAVING = """
import os, time

instances = [{"data": number} for number in range(2)]

def run(instance, save, state):
    number = int(state or 0)
    with open(f"told.{instance['data']}", "a", buffering=1) as told:
        told.write(f"begins at {number}\\n")
        while True:
            number += 1
            save(number)
            told.write(f"{number}\\n")
            time.sleep(0.01)
"""
PROGRAM = f"{sys.executable} -m pyalma_tui"


def pyalma(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyalma_tui", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_g167_detached_runs_are_not_interrupted_lose_no_save_and_are_attached_to_and_stopped(tmp_path: Path) -> None:
    (tmp_path / "exp.py").write_text(SAVING)
    with shell(tmp_path) as terminal:
        terminal.press(f"{PROGRAM} exp.py --workers 2; echo code $?", "enter")
        terminal.see("● running", "quit")
        terminal.press("q")
        terminal.see("leave?", "2 runs are running", "go on without a screen", " pyalma-tui attach exp.py ")
        terminal.press("d")
        terminal.see("code 0", "goes on without a screen: `pyalma-tui attach exp.py`")
        terminal.assert_restored()
        who = holder(tmp_path / "exp.alma")
        assert who is not None
        assert os.getsid(who.pid) == who.pid, "it has a session of its own, and so no terminal"
        terminal.press("echo the shell is $((6 * 7))", "enter")
        terminal.see("the shell is 42")
        terminal.press(f"clear; {PROGRAM} attach exp.py; echo code $?", "enter")
        terminal.see("read only", "T takes over", "● running")
        terminal.press("q")
        terminal.see("code 0", f"process {who.pid} goes on")
        terminal.press(f"clear; {PROGRAM}; echo code $?", "enter")
        terminal.see("exp.py", "watch")
        terminal.press("enter")
        terminal.see("read only", "T takes over")
        terminal.press("q")
        terminal.see("code 0", f"process {who.pid} goes on")
    assert psutil.pid_exists(who.pid), "it outlives the terminal"
    seen = len((tmp_path / "told.0").read_text().splitlines())
    until(lambda: len((tmp_path / "told.0").read_text().splitlines()) > seen + 20, lambda: "it goes on saving")
    assert pyalma(tmp_path, "attach", "exp.py").returncode == 2, "there is no terminal"
    assert "`pyalma-tui list` shows which" in pyalma(tmp_path, "attach").stderr
    stopped = pyalma(tmp_path, "stop", "exp.py")
    assert stopped.returncode == 0, stopped
    assert f"process {who.pid} has ended" in stopped.stderr
    assert holder(tmp_path / "exp.alma") is None
    runs = json.loads(pyalma(tmp_path, "status", "exp.py", "--json").stdout)["runs"]
    for number, run in enumerate(runs):
        told = (tmp_path / f"told.{number}").read_text().splitlines()
        assert told == ["begins at 0", *map(str, range(1, len(told)))], "it was called once, and never stopped"
        assert (run["status"], run["attempts"]) == ("interrupted", 1)
        assert run["saves"] == run["state"]
        assert run["state"] in (len(told) - 1, len(told)), "the last save stopped it"
    assert pyalma(tmp_path, "stop", "exp.py").returncode == 0, "nothing runs any more"
    assert pyalma(tmp_path, "attach", "exp.py").returncode == 2


DEAF = """
import time

def run(instance, save, state):
    save("kept")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
"""


AWAY = ("--state", "away")


def test_stop_now_does_not_wait_for_a_run_that_does_not_save(tmp_path: Path) -> None:
    (tmp_path / "exp.py").write_text(DEAF)
    command = [sys.executable, "-m", "pyalma_tui", "exp.py", "a.txt", "--plain", "--grace", "1000", *AWAY]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as program:
        until(lambda: "kept" in pyalma(tmp_path, "status", "exp.py", *AWAY, "--json").stdout, lambda: "it has saved")
        stopped = pyalma(tmp_path, "stop", "exp.py", *AWAY, "--now")
        assert stopped.returncode == 0, stopped
        assert "`pyalma-tui exp.py --state away` goes on" in stopped.stderr, "what it names is what was stopped"
        assert program.wait(60) == 143
    (run,) = json.loads(pyalma(tmp_path, "status", "exp.py", *AWAY, "--json").stdout)["runs"]
    assert (run["status"], run["state"]) == ("interrupted", "kept")


def test_g168_a_shell_that_loses_the_outer_process_ends_no_run(tmp_path: Path) -> None:
    (tmp_path / "exp.py").write_text(SAVING)
    with Terminal(tmp_path, "exp.py") as terminal:
        terminal.see("● running")
        inner = terminal.pid
        assert terminal.process.pid not in (None, inner)
        until(lambda: is_the_waiter(psutil.Process(terminal.process.pid)), lambda: "it only waits")
        os.kill(int(terminal.process.pid or 0), signal.SIGKILL)
        session = tmp_path / "exp.alma" / "session.log"
        until(session.exists, lambda: "it says that the terminal has gone away")
        assert re.search("the terminal has gone away: .* goes on without a screen", session.read_text())
    assert psutil.pid_exists(inner)
    assert pyalma(tmp_path, "stop", "exp.py").returncode == 0


def is_the_waiter(process: psutil.Process) -> bool:
    """Whether it runs that file of the program, which may be an installed one."""
    return any(Path(word).parts[-3:] == ("pyalma_tui", "cli", "waiter.py") for word in process.cmdline())


def test_the_outer_process_imports_nothing_beside_os() -> None:
    told = "import os, sys; before = set(sys.modules); import waiter; print(*sorted(set(sys.modules) - before))"
    found = subprocess.check_output(
        [sys.executable, "-S", "-E", "-c", told], cwd=Path(waiter.__file__).parent, text=True
    )
    assert found.split() == ["__future__", "waiter"]  # it has a process for itself as long as a screen is shown


def test_ctrl_z_stops_both_processes_and_fg_lets_both_go_on(tmp_path: Path) -> None:
    (tmp_path / "exp.py").write_text(SAVING)
    with shell(tmp_path) as terminal:
        terminal.press(f"{PROGRAM} exp.py", "enter")
        terminal.see("● running", "quit")
        terminal.press("\x1a")
        terminal.see("Stopped")
        terminal.press("fg", "enter")
        terminal.see("● running", "quit")
        terminal.press("q", "i")
        terminal.see("1 interrupted", "the same command continues")
        terminal.press("echo code $?", "enter")
        terminal.see("code 130")


def test_the_demo_tells_how_to_come_back_to_it_from_the_folder_in_which_it_was_begun(tmp_path: Path) -> None:
    with Terminal(tmp_path, "demo") as terminal:
        terminal.see("● running")
        terminal.press("q")
        terminal.see("leave?", " pyalma-tui attach pyalma-demo/maxsat.py ")
        terminal.press("i")
        assert terminal.end() == 130
