"""What was chosen on the screen holds at the next start, also of a session that was killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.catalogue.experiment import until
from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import Terminal


def chosen(folder: Path) -> dict[str, Any]:
    """What `db.json` says of it."""
    found: dict[str, Any] = json.loads((folder / "exp.alma" / "db.json").read_text())["meta"]["1"]["chosen"]
    return found


def test_workers_and_limits_of_the_screen_are_remembered(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt", "beta.txt")
    with Terminal(tmp_path, *arguments, "--", "--depth", "3") as terminal:
        terminal.see("1 worker ", "-- --depth 3")
        terminal.press("+")
        terminal.see("2 workers")
        until(lambda: chosen(tmp_path).get("workers") == 2, lambda: f"2 workers in {chosen(tmp_path)}")
        terminal.press("c")
        terminal.see("timeout")
        terminal.press("6", "0", "enter")
        until(lambda: chosen(tmp_path).get("timeout") == 60, lambda: f"60 s in {chosen(tmp_path)}")
        os.kill(terminal.pid, signal.SIGKILL)
    for _ in range(2):  # once more after a start that said nothing
        with Terminal(tmp_path, *arguments) as terminal:
            terminal.see("2 workers", "-- --depth 3")
            terminal.press("s")
            terminal.see("session log", "as last time: 2 workers, timeout 60 s")
            terminal.press("escape")
            terminal.wait(lambda text: "session log" not in text, "the list alone")
            terminal.press("q", "i")
            assert terminal.end() == 130
