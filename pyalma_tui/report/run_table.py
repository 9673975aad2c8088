"""Runs as a table in the scrollback: those that somebody has asked for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.printable import clip, clip_middle, printable
from pyalma_tui.model.states import one_line
from pyalma_tui.model.status_style import STYLES
from pyalma_tui.model.words import clock, duration, plural, run_name

NAME_CELLS = 48
LEAST_NAME, LEAST_STATE = 8, 12
OTHER_CELLS = 27  # glyph, status, time, and the air between all columns


def print_runs(
    console: Console,
    instances: Sequence[Instance],
    runs_of: Sequence[Sequence[int]],
    runs: Sequence[Run],
    total: int,
    now: float | None = None,
) -> None:
    """Print a line for each of these runs, and how many of `total` they are, as wide as the console.

    A run that is running counts until `now`, None where nobody runs it any more.
    """
    names = [printable(run_name(instances[r.instance].label, r.iteration, len(runs_of[r.instance]))) for r in runs]
    if runs:
        most = max(LEAST_NAME, min(NAME_CELLS, console.width - OTHER_CELLS - LEAST_STATE))
        widest = max(min(most, cell_len(name)) for name in names)
        room = max(LEAST_STATE, console.width - widest - OTHER_CELLS)
        table = Table(box=None, pad_edge=True, header_style="dim")
        table.add_column("", width=1, no_wrap=True)
        table.add_column("run", overflow="ellipsis", no_wrap=True, max_width=widest)
        table.add_column("status", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("last saved state, or error", overflow="ellipsis", no_wrap=True, max_width=room)
        for run, name in zip(runs, names, strict=True):
            table.add_row(*_cells(run, clip_middle(name, widest), room, now))
        console.print(table)
    console.print(Text(f"  {len(runs):,} of {plural(total, 'run')}"))


def _cells(run: Run, name: str, room: int, now: float | None) -> list[Text]:
    word = s.word(run.status)
    look = STYLES[word]
    failed = isinstance(run.status, s.Failed)
    said = run.status.error.message if isinstance(run.status, s.Failed) else one_line(run.state) if run.state else ""
    told = clock if isinstance(run.status, s.Running) and now else duration
    return [
        Text(look.glyph, style=look.colour),
        Text(name),
        Text(word, style=look.colour),
        Text(told(worked(run, now)) if run.attempt else ""),
        Text(clip(printable(said), room), style="red" if failed else ""),
    ]
