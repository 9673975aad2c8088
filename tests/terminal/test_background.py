"""A terminal that answers whether it is dark or light, over a line that cuts the answer wherever it likes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pyalma_tui.tui.background import QUESTION
from pyalma_tui.tui.themes import LIGHT
from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import Terminal

SLOW = 0.3  # seconds between two pieces, in which an escape that stands alone is a key


@pytest.mark.parametrize(
    "pieces",
    [("\x1b]11;rgb:ffff/ffff/ff", "ff\x1b", "\\"), ("\x1b", "]11;rg", "b:ffff/ffff/ffff\x07")],
    ids=["before its end", "behind its escape"],
)
def test_an_answer_in_pieces_is_understood_and_the_keys_behind_it_are_keys(
    tmp_path: Path, pieces: tuple[str, ...]
) -> None:
    """Else the end of it is lost, and with it the next sixty keys, `ctrl+c` among them; or its letters are keys."""
    write(tmp_path, COUNTING, "alpha.txt")
    preferred = {"COLORTERM": "truecolor", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with Terminal(tmp_path, "exp.py", "alpha.txt", environment=preferred) as terminal:
        terminal.see("alpha.txt")
        terminal.wait(lambda _: QUESTION.encode() in terminal.raw, "the question")
        for piece in pieces:
            terminal.press(piece)
            until = time.monotonic() + SLOW
            while time.monotonic() < until:
                terminal.read()
        background = str(LIGHT.background).lstrip("#")
        terminal.wait(lambda _: terminal.screen.buffer[0][0].bg == background, "the light theme")
        terminal.press("ctrl+c")
        terminal.see("interrupted")
        terminal.press("q")
        assert terminal.end() == 130
