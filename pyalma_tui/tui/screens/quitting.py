"""What to do with busy runs when somebody wants to leave."""

from __future__ import annotations

from typing import ClassVar, Final, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.loading.target import typed
from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.hook_text import IF_CUT_OFF
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.screens.box import Box, choice
from pyalma_tui.tui.view_moment import Moment, is_ending

LONGEST: Final = 200  # characters
Way: TypeAlias = Literal["detach", "interrupt"]
"""How a screen is left while something runs."""


class Quitting(Box[Way | None]):
    """Asks how; closes with None where the user stays."""

    scope: ClassVar[KeyScope] = "quitting"
    BINDINGS: ClassVar[list[BindingType]] = strokes("quitting")

    def __init__(self, moment: Moment, *, detaches: bool) -> None:
        """`detaches` tells that the experiment can go on without this terminal."""
        super().__init__(moment, "leave?")
        self._detaches = detaches

    def content(self) -> ComposeResult:
        """What runs, and what each key does with it."""
        yield Static(id="quitting-text")

    def paint(self) -> None:
        """Tell what is busy now; once all of it is stopped or being stopped, there is nothing to ask any more."""
        if self.is_current and (self.snapshot.phase == "idle" or is_ending(self.snapshot)):
            self.dismiss("interrupt")
            return
        self.query_one("#quitting-text", Static).update(quitting_text(self.moment, detaches=self._detaches))

    def action_leave(self, way: Way) -> None:
        """Close with this way; what cannot be is not done."""
        if way == "interrupt" or self._detaches:
            self.dismiss(way)


def quitting_text(moment: Moment, *, detaches: bool) -> Content:
    """What is busy, and one line for each way."""
    snapshot = moment.snapshot
    running, hook = snapshot.counts.running, isinstance(snapshot.done_hook.status, s.HookRunning)
    busy = "done() is running" if hook else f"{words.plural(running, 'run is', 'runs are')} running"
    lines = [Content.styled(busy, "bold"), Content("")]
    if detaches:
        again = plain(typed(snapshot.target, snapshot.state_dir), LONGEST)
        lines += [
            choice("quitting", "d", "go on without a screen"),
            Content.styled("   Nothing is interrupted, and it is shown again by", MUTED),
            Content.styled(f"   pyalma-tui attach {again}", MUTED),
        ]
    lines.append(choice("quitting", "i", "wait for it and leave" if hook else "interrupt and leave"))
    lines.append(
        Content.styled(f"   {IF_CUT_OFF}", COLOURS["failed"])
        if hook
        else Content.styled("   What was saved is kept; the next start goes on from there.", MUTED)
    )
    return Content("\n").join([*lines, choice("quitting", "escape", "stay")])
