"""The help of every command, at the widths that terminals have."""

from __future__ import annotations

import os
import subprocess
import sys

COMMANDS = ("", "demo", "status", "logs", "export", "import", "reset", "doctor")
SHOW = f"from pyalma_tui.cli.main import main\nfor command in {COMMANDS}: main([*command.split(), '--help'])"
FRAME = dict.fromkeys(map(ord, "╭─╮│╰╯"), " ")
WIDE = 1000  # columns: nothing is wrapped


def helped(columns: int) -> str:
    """The help of all commands in a terminal of this width."""
    env = os.environ | {"COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run([sys.executable, "-c", SHOW], env=env, capture_output=True, text=True, check=True).stdout


def test_a138_no_word_of_it_is_broken() -> None:
    whole = {*helped(WIDE).translate(FRAME).split()}
    assert {"--timeout", "[choices:", "interrupted,"} <= whole
    for columns in (60, 80, 200):
        told = helped(columns)
        assert max(map(len, told.splitlines())) <= columns
        assert {*told.translate(FRAME).split()} == whole
