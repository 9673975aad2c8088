"""What other commands tell of a program that stands open and calls nothing any more."""

from __future__ import annotations

import json
from pathlib import Path

from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import Terminal
from tests.terminal.test_detach import pyalma


def test_a_screen_that_is_left_open_when_all_is_done_is_not_told_to_run(tmp_path: Path) -> None:
    def told() -> tuple[str, str, str]:
        pyalma(tmp_path, "report", "exp.py", "--html", "page.html")
        (listed,) = (
            each["standing"]
            for each in json.loads(pyalma(tmp_path, "list", "--json").stdout)["experiments"]
            if each["target"] == str(tmp_path / "exp.py")
        )
        return pyalma(tmp_path, "status", "exp.py").stderr, (tmp_path / "page.html").read_text(), listed

    with Terminal(tmp_path, *write(tmp_path, COUNTING, "alpha.txt")) as terminal:
        terminal.see("● running")
        status, page, listed = told()
        assert "running now, process" in status
        assert "running now, process" in page
        assert listed == "running"
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        terminal.wait(lambda _: terminal.screen.title == "exp · all done", "the title at the end")
        status, page, listed = told()
        assert "running now" not in status + page
        assert status.startswith("pyalma-tui: open in process ")
        assert "which runs nothing now" in page
        assert listed == "open"
        assert "nothing runs" in pyalma(tmp_path, "list").stdout
        terminal.press("q")
        assert terminal.end() == 0
    assert "open in" not in told()[0]
