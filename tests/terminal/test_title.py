"""The title of the terminal, as it receives it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.terminal.experiments import COUNTING, write
from tests.terminal.screen import Terminal

FOCUS_IN, FOCUS_OUT = "\x1b[I", "\x1b[O"


def test_the_title_tells_how_far_it_is_and_how_it_ended(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt", "beta.txt")
    with Terminal(tmp_path, *arguments, "--workers", "2") as terminal:
        terminal.wait(lambda _: terminal.screen.title == "exp 0 %", "the title at the beginning")
        terminal.press("ctrl+c")
        terminal.wait(lambda _: terminal.screen.title == "exp · interrupted", "the title after ctrl+c")
        terminal.press("r")
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        terminal.wait(lambda _: terminal.screen.title == "exp · all done", "the title at the end")
        written = len(terminal.titles)
        terminal.press("down", "up", "q")
        assert terminal.end() == 0
        assert len(terminal.titles) == written, "the same title is not written again"
        terminal.assert_restored()


def test_who_looks_elsewhere_is_told_of_the_end_once_and_the_title_is_marked_until_he_looks(tmp_path: Path) -> None:
    environment = {"TERM": "xterm-256color", "TMUX": ""}
    with Terminal(tmp_path, *write(tmp_path, COUNTING, "alpha.txt"), environment=environment) as terminal:
        terminal.wait(lambda _: terminal.screen.title == "exp 0 %", "the title at the beginning")
        terminal.press(FOCUS_OUT)
        for step in range(5):
            (tmp_path / f"go{step}").touch()
        terminal.wait(lambda _: terminal.screen.title == "! exp · all done", "the title at the end")
        terminal.press(FOCUS_IN)
        terminal.wait(lambda _: terminal.screen.title == "exp · all done", "the title without the mark")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
    assert terminal.raw.count(b"\x1b]9;exp: all done\x1b\\") == 1


def test_ctrl_c_and_leaving_puts_the_title_back(tmp_path: Path) -> None:
    with Terminal(tmp_path, *write(tmp_path, COUNTING, "alpha.txt")) as terminal:
        terminal.wait(lambda _: terminal.screen.title == "exp 0 %", "the title")
        terminal.press("ctrl+c", "q")
        assert terminal.end() == 130
        terminal.assert_restored()
        assert terminal.raw.count(b"\x1b[23;2t") == 1


def test_a_hostile_name_does_nothing_to_the_title(tmp_path: Path) -> None:
    write(tmp_path, COUNTING, "alpha.txt")
    name = "a\x1b]2;owned\x07\x9b31m\x9c\u202eb\n.experiment"
    (tmp_path / name).write_text(json.dumps({"load": "./exp.py", "batch": "./exp.batch"}))
    (tmp_path / "exp.batch").write_text(json.dumps({"instances": ["alpha.txt"]}))
    with Terminal(tmp_path, name) as terminal:
        terminal.wait(lambda _: "%" in terminal.screen.title, "a title")
        terminal.press("ctrl+c", "q")
        assert terminal.end() == 130
        terminal.assert_restored()
    assert terminal.titles[0] == "a␛]2;owned␇\\x9b31m\\x9c‹202E›b⏎ 0 %"
    assert all(title.isprintable() for title in terminal.titles)


def test_without_a_screen_there_is_no_title(tmp_path: Path) -> None:
    for step in range(5):
        (tmp_path / f"go{step}").touch()
    with Terminal(tmp_path, *write(tmp_path, COUNTING, "alpha.txt"), "--plain") as terminal:
        assert terminal.end() == 0
        assert terminal.titles == []
        assert b"\x1b[22;2t" not in terminal.raw


def test_an_editor_gets_the_terminal_with_its_own_title(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'the editor is here\\n'\nwhile [ ! -e closed ]; do sleep 0.05; done\n")
    editor.chmod(0o700)
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    with Terminal(tmp_path, *arguments, environment={"VISUAL": str(editor)}) as terminal:
        terminal.wait(lambda _: terminal.titles == ["exp 0 %"], "the title")
        terminal.press("E")
        terminal.see("the editor is here")
        terminal.assert_restored()
        (tmp_path / "closed").touch()
        terminal.wait(lambda _: terminal.titles == ["exp 0 %"] * 2, "the title again")
        terminal.press("ctrl+c", "q")
        assert terminal.end() == 130
        terminal.assert_restored()
