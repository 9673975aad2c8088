"""What done() and the import of the module print, and which code a run was made by, as a person sees it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.terminal.experiments import write
from tests.terminal.screen import Terminal

TALKING = """
import os, time
print("hello from the import")

def run(instance, save, state):
    save("7")

def done():
    print("first words \\x1b[2J\\x1b]2;owned\\x07", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    print("last words", flush=True)
    raise OSError("no mail server")
"""


def test_the_output_of_done_is_followed_while_it_runs_and_that_of_the_import_is_there(tmp_path: Path) -> None:
    with Terminal(tmp_path, *write(tmp_path, TALKING, "alpha.txt")) as terminal:
        terminal.see("done() is running", "D shows its log")
        terminal.press("D")
        terminal.see("● running  done()", "first words ␛[2J")
        (tmp_path / "go").touch()
        terminal.see("✗ failed  done()", "first words", "last words", "OSError: no mail server")
        terminal.press("q")
        terminal.see("no mail server · d runs it again · D shows its log")
        terminal.press("d", "y", "D")
        terminal.see("✗ failed  done() · call 2 of 2", "last words")
        terminal.press("q")
        terminal.see("instances")
        terminal.press("L")
        terminal.see("loading exp.py", "hello from the import")
        terminal.press("q")
        terminal.see("instances")
        terminal.press("q")
        assert terminal.end() == 1
        terminal.assert_restored()
    assert not any("owned" in title for title in terminal.titles)


def test_a_run_that_was_made_by_other_code_says_so(tmp_path: Path) -> None:
    arguments = write(tmp_path, TALKING, "alpha.txt")
    (tmp_path / "go").touch()
    old = code(tmp_path)
    with Terminal(tmp_path, *arguments, columns=150, lines=40) as terminal:
        text = terminal.see("no mail server", f"code      {old}")
        assert "not this session's" not in text
        terminal.press("q")
        terminal.end()
    (tmp_path / "exp.py").write_text(TALKING + "\n# edited\n")
    with Terminal(tmp_path, *arguments, columns=150, lines=40) as terminal:
        terminal.see(f"code      {old} · not this session's, {code(tmp_path)}")
        terminal.press("q")
        terminal.end()


def code(folder: Path) -> str:
    return hashlib.sha256((folder / "exp.py").read_bytes()).hexdigest()[:12]
