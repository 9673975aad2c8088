"""How a whole experiment stands, and how that is told in a line."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from pyalma_tui.model import words
from pyalma_tui.model.printable import printable
from pyalma_tui.model.status_style import STYLES
from pyalma_tui.model.view import Tally

Standing: TypeAlias = Literal["running", "unfinished", "failed", "done", "unreadable"]

GLYPHS: Final[dict[Standing, str]] = {
    "running": STYLES["running"].glyph,
    "unfinished": STYLES["interrupted"].glyph,
    "failed": STYLES["failed"].glyph,
    "done": STYLES["done"].glyph,
    "unreadable": "!",
}
LEADS: Final[dict[Standing, str]] = {
    "running": "→ watch",
    "unfinished": "→ resume",
    "failed": "→ open",
    "done": "→ open",
    "unreadable": "",
}
"""What opening it comes to."""
LONGEST: Final = 60


class StandingLine(NamedTuple):
    """A line about an experiment, in columns."""

    glyph: str
    how_far: str
    when: str


def standing(counts: Tally, *, runs: bool, problem: str) -> Standing:
    """In one word: whether it can be read, somebody runs it, something is left to do."""
    if problem:
        return "unreadable"
    if runs:
        return "running"
    if counts.done == counts.total:
        return "done"
    return "unfinished" if counts.pending or counts.interrupted else "failed"


def told(how: Standing, counts: Tally, at: float, now: float, problem: str = "") -> StandingLine:
    """How far it is and when something was saved last (`at`, `now`: seconds of the epoch, 0 for never)."""
    if problem:
        return StandingLine(GLYPHS[how], printable(problem)[:LONGEST], "")
    far = f"{counts.done:,}/{counts.total:,}" + (f"  {GLYPHS['failed']}{counts.failed:,}" if counts.failed else "")
    return StandingLine(GLYPHS[how], far, f"{words.span(max(0.0, now - at))} ago" if at else "nothing saved")
