"""`--install-completion`, and what a shell completes then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal.experiments import COUNTING, write
from tests.terminal.shell import shell

INSTALL = (sys.executable, "-m", "pyalma_tui", "--install-completion")
FILES = {
    "bash": (".local/share/bash-completion/completions/pyalma-tui", ".bashrc"),
    "zsh": (".zsh/completions/_pyalma-tui", ".zshrc"),
    "fish": (".config/fish/completions/pyalma-tui.fish", None),
}


def install(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Install a completion into this home."""
    env = os.environ | {"HOME": str(home)} | environment
    return subprocess.run([*INSTALL, *words], env=env, capture_output=True, text=True, timeout=60)


TYPED = {
    "stat": "status",
    "ex": "exp",  # of export and exp.py
    "exp.": "exp.py",
    "exp.py al": "exp.py alpha.txt",
    "exp.py --retry": "exp.py --retry-failed",
    "exp.py alpha.txt --sync g": "exp.py alpha.txt --sync group",
    "--plain exp.py --state go": "--plain exp.py --state goods/",
    "exp.py --batch al": "exp.py --batch alpha.txt",
    "reset exp.py --status f": "reset exp.py --status failed",
    "status al": "status alpha.txt",
    "status exp.py --js": "status exp.py --json",
}


def test_bash_completes_commands_options_their_values_and_files(tmp_path: Path) -> None:
    home = tmp_path / "home of mine"
    home.mkdir()
    (home / ".bashrc").write_text("mine=kept")
    assert install(home, "--shell", "bash").returncode == 0
    assert install(home, "--shell", "bash").returncode == 0
    (tmp_path / "goods").mkdir()
    write(tmp_path, COUNTING, "alpha.txt")
    with shell(tmp_path, HOME=str(home), PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}") as terminal:
        terminal.press('. ~/.bashrc; echo "$mine"; clear', "enter")
        terminal.wait(lambda text: text.split() == ["prompt>"], "an empty screen")
        for typed, completed in TYPED.items():
            terminal.press(f"pyalma-tui {typed}\t")
            terminal.wait(lambda text, line=completed: text.strip() == f"prompt> pyalma-tui {line}", completed)  # type: ignore[misc]
            terminal.press("\x15")  # which empties the line
        terminal.press("exit", "enter")
        assert terminal.end() == 0
    lines = (home / ".bashrc").read_text().splitlines()
    assert lines[0] == "mine=kept"
    assert len(lines) == 3


@pytest.mark.parametrize("shell_name", FILES)
def test_each_shell_has_it_where_it_looks(shell_name: str, tmp_path: Path) -> None:
    told = install(tmp_path, SHELL=f"/usr/bin/{shell_name}")
    assert told.returncode == 0
    path, start = FILES[shell_name]
    assert str(tmp_path / path) in told.stderr
    assert f"_PYALMA_TUI_COMPLETE={shell_name}_complete" in (tmp_path / path).read_text()
    assert {each.name for each in tmp_path.iterdir() if each.is_file()} == ({start} if start else set())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--shell", "tcsh"], "Invalid value for '--shell': 'tcsh' is not one of 'bash', 'zsh', 'fish'."),
        ([], "--install-completion: which shell is this? Give --shell bash, zsh, fish"),
        (["--shell", "bash", "--output", "/proc/nowhere/file"], "--install-completion: /proc/nowhere: "),
    ],
    ids=["another shell", "no shell", "no place"],
)
def test_it_is_refused_in_a_line(words: list[str], told: str, tmp_path: Path) -> None:
    refused = install(tmp_path, *words, SHELL="/bin/tcsh")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"pyalma-tui: {told}")
    assert not any(tmp_path.iterdir())
