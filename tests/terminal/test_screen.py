"""What the other tests take for a terminal that is as it was before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.terminal.screen import Terminal

SHOWN = r"\033[22;2t\033]2;exp\007\033[?1049h\033[?25l\033[?1000h\033[?2004h painted "
LEFT = r"\033[?2004l\033[?1000l\033[?25h\033[?1049l\033[23;2t"
UNRESTORED = {
    "nothing at all": ("", "never shown"),
    "lines only": (r"1 done\r\n", "never shown"),
    "nothing after the screen": (SHOWN, "never shown, or not left"),
    "a screen that is shown again": (SHOWN + LEFT + SHOWN, "never shown, or not left"),
    "a hidden cursor": (SHOWN + LEFT.replace(r"\033[?25h", ""), "modes [25] are not"),
    "a mouse that still reports": (SHOWN + LEFT.replace(r"\033[?1000l", ""), "modes [1000] are not"),
    "a mode that we have no name for": (SHOWN + r"\033[?1003h" + LEFT, "modes [1003] are not"),
    "a title that stays": (SHOWN + LEFT.replace(r"\033[23;2t", ""), "b'\\x1b[22;2t'"),
}


def written(folder: Path, text: str) -> Terminal:
    """A program that writes this, and has ended."""
    with Terminal(folder, program=("printf", text)) as terminal:
        assert terminal.end() == 0
    return terminal


@pytest.mark.parametrize(("text", "why"), UNRESTORED.values(), ids=UNRESTORED)
def test_what_is_not_restored_is_said(tmp_path: Path, text: str, why: str) -> None:
    terminal = written(tmp_path, text)
    with pytest.raises(AssertionError, match=re.escape(why)):
        terminal.assert_restored()


def test_what_is_restored_passes_also_after_it_was_shown_twice(tmp_path: Path) -> None:
    written(tmp_path, SHOWN + LEFT).assert_restored()
    written(tmp_path, (SHOWN + LEFT) * 2).assert_restored()
