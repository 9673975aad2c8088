"""`--debug` in a terminal, under a shell that has job control."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.terminal.experiments import write
from tests.terminal.screen import Terminal
from tests.terminal.shell import shell

STOPS = """
import time

def run(instance, save, state):
    number = int(state or 0)
    breakpoint()
    while True:
        number += 1
        save(str(number))
        time.sleep(0.01)
"""


def test_pdb_has_the_terminal_and_the_shell_its_jobs(tmp_path: Path) -> None:
    command = " ".join([sys.executable, "-m pyalma_tui", *write(tmp_path, STOPS, "a.txt"), "--debug a.txt"])
    with shell(tmp_path) as terminal:
        terminal.press(command, "enter")
        terminal.see("a.txt: attempt 1, no state", "(Pdb)")
        terminal.press("\x1a")
        terminal.see("Stopped")
        terminal.press("echo the shell is $((6 * 7))", "enter")
        terminal.see("the shell is 42")
        terminal.press("fg", "enter", "p 'number', number", "enter")
        terminal.see("('number', 0)")
        terminal.press("c", "enter", "ctrl+c")
        terminal.see("Program interrupted.")
        terminal.press("p 'still', type(save)", "enter")
        terminal.see("('still', <class 'function'>)")
        terminal.press("ctrl+c")
        terminal.see("a.txt: interrupted; state")
        terminal.press("echo the code is $?", "enter")
        terminal.see("the code is 130")
        terminal.press("stty -a | grep -ow icanon && exit 7", "enter")
        assert terminal.end() == 7, "the terminal is as it was"
    (run,) = json.loads((tmp_path / "exp.alma" / "db.json").read_text())["runs"].values()
    assert (run["status"], run["attempts"], run["saves"] > 0) == ("interrupted", 1, True)


def test_before_the_run_ctrl_c_ends_it_as_any_start(tmp_path: Path) -> None:
    arguments = write(tmp_path, "import time\nprint('imports')\ntime.sleep(600)\n", "a.txt")
    with Terminal(tmp_path, *arguments, "--debug", "a.txt") as terminal:
        terminal.see("loading exp.py")
        terminal.press("ctrl+c")
        terminal.see("interrupted before anything was started")
        assert terminal.end() == 130
    assert not (tmp_path / "exp.alma").exists()
