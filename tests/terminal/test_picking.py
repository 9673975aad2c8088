"""A start that names no instances, in a terminal and without one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import Terminal


def test_instances_are_picked_where_none_are_known_and_remembered(tmp_path: Path) -> None:
    write(tmp_path, COUNTING, "alpha.txt", "beta.txt")
    for step in range(5):
        (tmp_path / f"go{step}").touch()
    with Terminal(tmp_path, "exp.py") as terminal:
        terminal.see("instances for exp.py", "alpha.txt")
        terminal.press("*.txt")
        terminal.see("2 instances: enter starts", "beta.txt")
        terminal.press("enter")
        terminal.see("2/2", "100 %")
        terminal.press("q")
        assert terminal.end() == 0
    with Terminal(tmp_path, "exp.py") as terminal:
        terminal.see("2/2", "100 %")
        terminal.press("q")
        assert terminal.end() == 0


def test_who_picks_nothing_gets_the_line_that_is_told_without_a_terminal(tmp_path: Path) -> None:
    write(tmp_path, COUNTING, "alpha.txt")
    told = subprocess.run([sys.executable, "-m", "pyalma_tui", "exp.py"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 2
    with Terminal(tmp_path, "exp.py", columns=300) as terminal:
        terminal.see("instances for exp.py", "alpha.txt")
        terminal.press("escape")
        assert terminal.end() == 2
        terminal.assert_restored()
        assert told.stderr.strip() in terminal.text
    assert not (tmp_path / "exp.alma" / "db.json").exists()


def test_a_search_that_takes_its_time_does_not_hold_up_who_leaves(tmp_path: Path) -> None:
    """A link to all of /proc in each of 200 folders; Textual's own threads are waited for at the end."""
    write(tmp_path, COUNTING, "alpha.txt")
    for number in range(200):
        (tmp_path / f"{number:03}").mkdir()
        (tmp_path / f"{number:03}" / "link").symlink_to("/proc")
    with Terminal(tmp_path, "exp.py") as terminal:
        terminal.see("instances for exp.py")
        terminal.press("**/nothing*")
        terminal.see("**/nothing* ")
        terminal.press("escape")
        asked = time.monotonic()
        assert terminal.end() == 2
        assert time.monotonic() - asked < 10
