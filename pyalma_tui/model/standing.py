"""How a whole experiment stands, and how that is told in a line."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.printable import printable
from pyalma_tui.model.status_style import STYLES
from pyalma_tui.model.view import Tally

Standing: TypeAlias = Literal["running", "open", "unfinished", "failed", "done", "unreadable"]

GLYPHS: Final[dict[Standing, str]] = {
    "running": STYLES["running"].glyph,
    "open": STYLES["pending"].glyph,
    "unfinished": STYLES["interrupted"].glyph,
    "failed": STYLES["failed"].glyph,
    "done": STYLES["done"].glyph,
    "unreadable": "!",
}
LEADS: Final[dict[Standing, str]] = {
    "running": "→ watch",
    "open": "→ watch",
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


def is_running(counts: Tally, aside: Tally, hook: s.DoneHook) -> bool:
    """Whether a run, or done(), is called at this moment; `aside` are runs that are not in the batch any more."""
    return counts.running + aside.running > 0 or isinstance(hook.status, s.HookRunning)


def held_text(who: str, *, runs: bool) -> str:
    """What to say of the process that has an experiment: it may have its screen open and call nothing."""
    return f"running now, {who}" if runs else f"open in {who}, which runs nothing now"


def standing(counts: Tally, *, held: bool, runs: bool, problem: str) -> Standing:
    """In one word: whether it can be read, a process has it, one of its runs is called, something is left to do."""
    if problem:
        return "unreadable"
    if held:
        return "running" if runs else "open"
    if counts.done == counts.total:
        return "done"
    return "unfinished" if counts.pending or counts.interrupted else "failed"


def told(how: Standing, counts: Tally, at: float, now: float, problem: str = "") -> StandingLine:
    """How far it is and when something was saved last (`at`, `now`: seconds of the epoch, 0 for never)."""
    if problem:
        return StandingLine(GLYPHS[how], printable(problem)[:LONGEST], "")
    far = f"{counts.done:,}/{counts.total:,}" + (f"  {GLYPHS['failed']}{counts.failed:,}" if counts.failed else "")
    if how == "open":
        return StandingLine(GLYPHS[how], far, "nothing runs")
    return StandingLine(GLYPHS[how], far, f"{words.span(max(0.0, now - at))} ago" if at else "nothing saved")
