"""`--install-completion`, and the answers to a shell that completes.

The shell runs the program at each tab key; how it asks and what it is told is click's.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from pyalma_tui.cli.parsing import ASKED, NAME
from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.speak import say
from pyalma_tui.errors import UsageError

FILES = {  # where a shell looks by itself, but for zsh
    "bash": f".local/share/bash-completion/completions/{NAME}",
    "zsh": f".zsh/completions/_{NAME}",
    "fish": f".config/fish/completions/{NAME}.fish",
}


def complete(program: click.Command, asked: str) -> int:
    """Answer what the shell asks; the exit code, 1 for a question that nobody knows."""
    shell, _, question = asked.partition("_")
    known = get_completion_class(shell)
    if known is None or question != "complete":
        return 1
    Out().text(known(program, {}, NAME, ASKED).complete() + "\n")
    return 0


def install(program: click.Command, shell: str | None, output: Path | None) -> int:
    """Write what lets a shell ask, and have it read at its start; the exit code. Raises UsageError."""
    shells = (shell, _parent(), os.path.basename(os.environ.get("SHELL", "")))
    shell = next((each for each in shells if each in FILES), None)
    known = get_completion_class(shell) if shell is not None else None
    if shell is None or known is None:
        raise UsageError(f"--install-completion: which shell is this? Give --shell {', '.join(FILES)}")
    path = output or Path.home() / FILES[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(known(program, {}, NAME, ASKED).source())
        start = _have_read(shell, path)
    except OSError as error:
        raise UsageError(f"--install-completion: {error.filename or path}: {error.strerror}. Give --output") from error
    say(f"{shell} completes {NAME} from its next start on: {path}" + (f", read by {start}" if start else ""))
    return 0


def _parent() -> str:
    """The name of the program that has started us, "" where that cannot be told."""
    try:
        return Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    except OSError:
        return ""


def _have_read(shell: str, path: Path) -> Path | None:
    """Let a start of the shell read it, unless it does; the file that tells it to."""
    quoted = shlex.quote(str(path))
    match shell:
        case "bash":
            start, line = Path.home() / ".bashrc", f"[ -f {quoted} ] && . {quoted}"
        case "zsh":
            start, line = Path.home() / ".zshrc", f"fpath=({shlex.quote(str(path.parent))} $fpath)"
        case _:
            return None
    text = start.read_text(errors="surrogateescape") if start.exists() else ""
    if line not in text.splitlines():
        told = f"# {NAME} completion\n{line}\n"
        with_it = told + text if shell == "zsh" else text + "\n" * (text[-1:] not in ("", "\n")) + told
        start.write_text(with_it, errors="surrogateescape")
    return start
