"""Saying something to the person at the terminal: foreign text made visible, one line each, on stderr."""

from __future__ import annotations

import os
import sys
import termios
from typing import TYPE_CHECKING

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model.printable import printable

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """One line on stderr."""
    try:
        sys.stderr.write(f"pyalma-tui: {printable(text)}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody is there to read it
        return


def warn(text: str) -> None:
    """One line about something that does not stop us."""
    say(f"warning: {text}")


def complain(error: PyalmaError) -> None:
    """The user's own traceback, if there is one, then what failed in one line."""
    if error.details:
        try:
            sys.stderr.write(printable(error.details.rstrip("\n"), "\n") + "\n")
        except (OSError, ValueError):
            return
    say(error.message)


def ask(question: str) -> bool:
    """Whether the answer at the terminal is yes; no terminal is a no."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def knows_controls() -> bool:
    """Whether the terminal is one that can be painted on."""
    return os.environ.get("TERM", "") not in ("", "dumb")


def terminal_is_gone() -> bool:
    """Whether the terminal has hung up: nothing can be painted or restored any more."""
    try:
        termios.tcgetattr(2)
    except termios.error:
        return True
    return False


def leave_terminal() -> None:
    """Point the standard descriptors away from a terminal that is gone: a write would fail, a read never end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    os.close(nowhere)


def console() -> Console:
    """Rich on stdout, as wide as the terminal, 100 columns in a pipe."""
    from rich.console import Console

    plain = None if knows_controls() else False
    width = None if sys.stdout.isatty() else 100
    return Console(highlight=False, emoji=False, markup=False, force_terminal=plain, width=width)
