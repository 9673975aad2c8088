"""The wait before leaving."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.tui import cells
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.states import one_line
from pyalma_tui.tui.view_moment import Moment, at_risk
from pyalma_tui.tui.widgets.notices import stop_text
from pyalma_tui.tui.widgets.rows import plain

RUNS_SHOWN = 8


class Leaving(ModalScreen[None]):
    """Shown while busy runs are being stopped: how far that is, what was saved, what a second press would lose."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", "Kill now")]

    def compose(self) -> ComposeResult:
        """One text that is kept up to date."""
        with Vertical(classes="box") as box:
            box.border_title = "leaving"
            box.border_subtitle = "q or ctrl+c  kill them now"
            yield Static(id="leaving-text")

    def show(self, moment: Moment) -> None:
        """Tell how far it is."""
        text = self.query_one("#leaving-text", Static)
        text.update(leaving_text(moment, text.content_size.width or 60))


def leaving_text(moment: Moment, width: int) -> Content:
    """What happens, and one line for each run that is still busy."""
    snapshot = moment.snapshot
    runs = [moment.run(slot.run) for slot in snapshot.slots if slot.run is not None]
    if isinstance(snapshot.done_hook.status, s.HookRunning):
        return Content("Waiting for done(). If it is cut off, nobody knows whether it took effect.")
    if not runs:
        return Content("Writing the checkpoint…")
    how = stop_text(moment)
    lines = [
        Content.assemble((cells.plural(len(runs), "run"), "bold"), f" {how}" if how else " will be interrupted"),
        Content("What was saved is kept, and the next start goes on from there."),
        Content(""),
    ]
    labels = [snapshot.instances[run.instance].label for run in runs[:RUNS_SHOWN]]
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
    return state if risk is None else f"{state}, {cells.span(risk)} not saved"
