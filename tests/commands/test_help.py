"""The help of every command, at the widths that terminals have."""

from __future__ import annotations

import pytest

from pyalma_tui.cli.main import main

FRAME = dict.fromkeys(map(ord, "╭─╮│╰╯"), " ")
WIDE = 1000  # columns: nothing is wrapped


@pytest.mark.parametrize("command", ["", "demo", "status", "logs", "export", "import", "reset", "doctor"])
def test_no_word_of_it_is_broken(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {}
    for columns in (WIDE, 60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main([*command.split(), "--help"]) == 0
        told = capsys.readouterr().out
        assert max(map(len, told.splitlines())) <= columns
        words[columns] = {*told.translate(FRAME).split()}
    assert words[60] == words[80] == words[200] == words[WIDE]
