"""Keys that come at once, as from a slow line, a paste, or `tmux send-keys`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal.screen import Terminal

MODULE = """
def run(instance, save, state):
    print("step 1")
    save("1")
"""


@pytest.mark.parametrize("focus", ["list", "log"])
def test_what_is_typed_at_once_is_typed_in_its_order(tmp_path: Path, focus: str) -> None:
    (tmp_path / "lines.py").write_text(MODULE)
    names = [f"{letter}.txt" for letter in "abfux"]
    for name in names:
        (tmp_path / name).touch()
    with Terminal(tmp_path, "lines.py", *names) as terminal:
        terminal.see("5/5 runs")
        if focus == "log":
            terminal.press("\x0fd")
        terminal.press("/fux.txt\r")
        terminal.see("0 match /fux.txt", "Escape clears the filter")
        terminal.press("/\x15b.txt\r")
        terminal.see("1 match /b.txt")
        terminal.press("/\x15u.txt\r ")  # a space behind Enter is for the list: it marks there
        terminal.see("1 match /u.txt", "1 marked")
        terminal.press("l:0:00:61\r")
        terminal.see("0:00:61: where is that?")
        terminal.press("/step\r")
        terminal.see("“step” 1 of 1")
        terminal.press("lq")
        assert terminal.end() == 0
