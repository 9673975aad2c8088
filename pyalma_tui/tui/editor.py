"""Opening a file in the user's editor or pager while the screen stands aside."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path


def editor_command(path: Path) -> list[str]:
    """What $VISUAL or $EDITOR says, else vi."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    return [*shlex.split(command), str(path)]


def pager_command(path: Path) -> list[str]:
    """What $PAGER says, else less, which is told to keep colours if it is not told otherwise."""
    return [*shlex.split(os.environ.get("PAGER") or "less -R"), str(path)]


def run_editor(path: Path) -> str:
    """Run it until it is closed; what went wrong, "" if nothing did."""
    return _run("editor", editor_command, path)


def run_pager(path: Path) -> str:
    """Run it until it is closed; what went wrong, "" if nothing did."""
    return _run("pager", pager_command, path)


def _run(what: str, command_for: Callable[[Path], list[str]], path: Path) -> str:
    """The terminal sends Ctrl+C to both: it is that program's alone. A handler, unlike SIG_IGN, ends with the exec."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = command_for(path)
        return "" if subprocess.run(command, check=False).returncode == 0 else f"{command[0]} failed"
    except (OSError, ValueError) as error:
        return f"the {what} cannot be started: {error}"
    finally:
        signal.signal(signal.SIGINT, before)
