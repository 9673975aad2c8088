"""Without a screen, in a terminal: lines as things happen, and a few live lines below them."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pyalma_tui.model.experiment import worked
from pyalma_tui.model.printable import clip_middle, printable
from pyalma_tui.model.records import Saved
from pyalma_tui.model.status_style import STYLES, StatusStyle
from pyalma_tui.model.words import clock, left
from pyalma_tui.report.plain import POLL, Changes, Describer, follow, run_label
from pyalma_tui.report.summary import state_line
from pyalma_tui.runner.snapshot import Change, Conductor, Snapshot

BUSY_ROWS = 8
OF_NOTES = StatusStyle(" ", "dim")


def follow_live(conductor: Conductor, changes: Changes, console: Console, over: Callable[[], bool]) -> Snapshot:
    """Lines scroll above a bar and the busy runs, until nothing runs any more; `over` tells to leave early."""
    describe = Describer()
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show(change: Change, snapshot: Snapshot) -> None:
            said = describe(change, snapshot)
            if said is not None and not isinstance(change[0], Saved):
                word, text = said
                style = STYLES.get(word, OF_NOTES)
                glyph = Text(f"{style.glyph} ", style=style.colour)
                live.console.print(Text(time.strftime("%H:%M:%S "), style="dim") + glyph + Text(text))

        while True:
            snapshot = conductor.snapshot()
            live.update(_live(snapshot, console.width), refresh=True)
            over_now = over()
            followed = follow(conductor, changes, show, lambda: True)
            if followed.phase in ("idle", "closed") or over_now:
                return followed
            time.sleep(POLL)


def _live(snapshot: Snapshot, width: int) -> RenderableType:
    counts = snapshot.counts
    head = Table.grid(padding=(0, 1))
    refused = snapshot.not_saved
    told = f"NOT SAVED {refused.message}" if refused else left(snapshot.forecast, time.time())
    head.add_row(
        Text(f"{counts.done:,}/{counts.total:,} runs"),
        ProgressBar(total=max(1, counts.total), completed=counts.done, width=min(40, width // 3)),
        Text(f"{counts.failed} failed" if counts.failed else "", style="red"),
        Text(told, style="dim"),
    )
    rows = Table.grid(padding=(0, 1))
    busy = [slot for slot in snapshot.slots if slot.run]
    for slot in busy[:BUSY_ROWS]:
        run = snapshot.runs[(slot.run or 1) - 1]
        rows.add_row(
            Text(STYLES["running"].glyph, style=STYLES["running"].colour),
            Text(clip_middle(printable(run_label(run, snapshot)), 40)),
            Text(clock(worked(run, time.time())), style="dim"),
            Text(state_line(run.state, 30)),
            Text(f"stopping: {slot.stopping.step}" if slot.stopping else "", style="yellow"),
        )
    more = Text(f"… and {len(busy) - BUSY_ROWS} more" if len(busy) > BUSY_ROWS else "", style="dim")
    return Group(head, rows, more)
