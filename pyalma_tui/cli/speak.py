"""Saying something to the person at the terminal: foreign text made visible, one line each, on stderr."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

from pyalma_tui.cli.stalled import leave
from pyalma_tui.errors import PyalmaError
from pyalma_tui.model.printable import printable
from pyalma_tui.model.terminal import knows_controls

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str) -> None:
    """One line on stderr."""
    _put(f"pyalma-tui: {printable(text)}\n")


def tick(text: str) -> None:
    """What is waited for, on a line of stderr that the next such text replaces; nothing where that cannot be."""
    if sys.stderr.isatty() and knows_controls():
        _put(f"\r{printable(text)}\x1b[K")


def untick() -> None:
    """Take that line away again."""
    if sys.stderr.isatty() and knows_controls():
        _put("\r\x1b[K")


def _put(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError, RuntimeError):  # nobody is there to read it, or a signal came amid another line
        return


def warn(text: str) -> None:
    """One line about something that does not stop us."""
    say(f"warning: {text}")


def complain(error: PyalmaError) -> None:
    """The user's own traceback, if there is one, then what failed in one line."""
    if error.details:
        _put(printable(error.details.rstrip("\n"), "\n") + "\n")
    say(error.message)


def ask(question: str) -> bool:
    """Whether the answer at the terminal is yes; no terminal is a no."""
    if not sys.stdin.isatty():
        return False
    _put(f"{printable(question)} [y/N] ")
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


def leave_terminal() -> None:
    """Have no more to do with a terminal that is gone; a file or pipe beside it is kept."""
    leave(*[fd for fd in (0, 1, 2) if stat.S_ISCHR(os.fstat(fd).st_mode)])


def console() -> Console:
    """Rich on stdout, as wide as the terminal, 100 columns in a pipe."""
    from rich.console import Console

    plain = None if knows_controls() else False
    width = None if sys.stdout.isatty() else 100
    return Console(highlight=False, emoji=False, markup=False, force_terminal=plain, width=width)
