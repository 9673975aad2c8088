"""The wait before leaving."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.hook_text import IF_CUT_OFF
from pyalma_tui.model.states import one_line
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import borrowed
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment, at_risk
from pyalma_tui.tui.widgets.notices import stop_text

RUNS_SHOWN = 8


class LeavingBox(TextBox):
    """Shown while busy runs are being stopped: how far that is, what was saved, what a second press would lose."""

    BINDINGS: ClassVar[list[BindingType]] = borrowed("quit")

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment, "leaving", "q or ctrl+c  kill them now")

    def subject(self) -> object:
        """What is still busy, and the clocks of its deadlines."""
        snapshot = self.snapshot
        return snapshot.slots, snapshot.done_hook, snapshot.phase, self.moment.now, self.moment.monotonic

    def text(self, width: int) -> Content:
        """How far it is."""
        return leaving_text(self.moment, width)


def leaving_text(moment: Moment, width: int) -> Content:
    """What happens, and one line for each run that is still busy."""
    snapshot = moment.snapshot
    runs = [moment.run(slot.run) for slot in snapshot.slots if slot.run is not None]
    if isinstance(snapshot.done_hook.status, s.HookRunning):
        return Content(f"Waiting for done(). {IF_CUT_OFF}")
    if not runs:
        return Content("Writing the checkpoint…")
    how = stop_text(moment)
    lines = [
        Content.assemble((words.plural(len(runs), "run"), "bold"), f" {how}" if how else " will be interrupted"),
        Content("What was saved is kept, and the next start goes on from there."),
        Content(""),
    ]
    labels = [moment.name(run) for run in runs[:RUNS_SHOWN]]
    name_width = max(8, min(max(map(len, labels)), width // 2))
    for run, label in zip(runs, labels, strict=False):
        name = cells.fit_middle(plain(label, name_width), name_width)
        lines.append(Content.assemble((name, "bold"), (f"  {_kept(moment, run)}", MUTED)))
    if len(runs) > RUNS_SHOWN:
        lines.append(Content.styled(f"… and {len(runs) - RUNS_SHOWN} more", MUTED))
    return Content("\n").join(lines)


def _kept(moment: Moment, run: Run) -> str:
    state = f"saved {cells.fit(plain(one_line(run.state), 16), 16).rstrip()}" if run.state is not None else "no state"
    risk = at_risk(run, moment.now)
    return state if risk is None else f"{state}, {words.span(risk)} not saved"
