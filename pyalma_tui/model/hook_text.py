"""Where done() stands, in the words that are used wherever it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from pyalma_tui.model import status as s
from pyalma_tui.model.printable import printable

UNSURE: Final = "it may or may not have taken effect"
IF_CUT_OFF: Final = "If it is cut off, nobody knows whether it took effect."

Written: TypeAlias = Callable[[float], str]
"""How a time is written, "" where it is not told."""


def untold(_: float) -> str:
    """The time is left out."""
    return ""


def hook_text(
    status: s.HookStatus, at: Written = untold, took: Written = untold, why: Callable[[str], str] = printable
) -> str:
    """`done() returned at 11:02 after 0:03`, "" if it was not called; `why` is how the message of an error is written.

    `at` writes seconds of the epoch, `took` a number of seconds.
    """
    match status:
        case s.HookRunning():
            return "done() is running"
        case s.HookDone(at=ended, duration=seconds):
            return f"done() returned{_part('at', at(ended))}{_part('after', took(seconds))}"
        case s.HookFailed(error=error, at=ended):
            return f"done() failed{_part('at', at(ended))}: {why(error.message)}"
        case s.HookCutOff(since=since):
            return f"done() was cut off{_part('at', at(since))}; {UNSURE}"
        case _:
            return ""


def _part(word: str, told: str) -> str:
    return f" {word} {told}" if told else ""
