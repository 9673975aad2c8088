"""The table that is left in the scrollback: what became of every instance, or of those that need a look."""

from __future__ import annotations

from collections.abc import Sequence
from time import localtime, strftime

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.hook_text import hook_text
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.model.status_style import STYLES
from pyalma_tui.model.view import Row, Tally, row_word

ROWS = 20  # listed in full; beyond it those that are done are only counted
NAME_CELLS = 48
STATE_CELLS = 44
LEAST_STATE = 12
OTHER_CELLS = 37  # glyph, status, runs, time, and the air between all columns


def print_summary(
    console: Console,
    instances: Sequence[Instance],
    runs: Sequence[Run],
    rows: Sequence[Row],
    counts: Tally,
    hook: s.DoneHook,
) -> None:
    """Print the table, the counts and what became of done(), as wide as the console."""
    chosen = list(range(len(instances)))
    if len(chosen) > ROWS:
        chosen = [i for i in chosen if rows[i].tally.done < rows[i].tally.total][:ROWS]
    if chosen:
        names = max(min(NAME_CELLS, cell_len(printable(instances[i].label))) for i in chosen)
        room = max(LEAST_STATE, min(STATE_CELLS, console.width - names - OTHER_CELLS))
        console.print(_table(chosen, instances, runs, rows, room))
    left = sum(row.tally.done < row.tally.total for row in rows) - len(chosen)
    if len(instances) > ROWS and left > 0:
        console.print(Text(f"  … and {left:,} more instances that are not done", style="dim"))
    console.print(Padding(_counts(counts, hook), (0, 0, 0, 2)))


def _table(
    chosen: Sequence[int], instances: Sequence[Instance], runs: Sequence[Run], rows: Sequence[Row], room: int
) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("", width=1, no_wrap=True)
    table.add_column("instance", overflow="ellipsis", no_wrap=True, max_width=NAME_CELLS)
    table.add_column("status", no_wrap=True)
    several = any(rows[i].tally.total > 1 for i in chosen)
    if several:
        table.add_column("runs", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("last saved state", overflow="ellipsis", no_wrap=True)
    for i in chosen:
        tally, run = rows[i].tally, runs[rows[i].latest - 1]
        word = row_word(tally)
        style = STYLES[word]
        cells: list[RenderableType] = [
            Text(style.glyph, style=style.colour),
            Text(printable(instances[i].label)),
            Text(word if instances[i].in_batch else f"{word}, not in the batch", style=style.colour),
        ]
        if several:
            cells.append(Text(f"{tally.done}/{tally.total}"))
        cells += [Text(duration(run.seconds) if run.attempt else ""), _state(run, room)]
        table.add_row(*cells)
    return table


def _state(run: Run, room: int) -> Text:
    if isinstance(run.status, s.Failed):
        return Text(clip(printable(run.status.error.message), room), style="red")
    return Text(state_line(run.state, room))


def state_line(state: bytes | None, cells: int) -> str:
    """A state on one line: the text itself if it is a plain string, else its JSON."""
    if state is None:
        return ""
    text = state.decode("utf-8", "replace")
    if text[:1] == '"' and "\\" not in text:
        text = text[1:-1]
    return clip(printable(text), cells)


def _counts(counts: Tally, hook: s.DoneHook) -> Text:
    line = Text()
    for word in reversed(s.WORDS):
        number = counts.of(word)
        if number or word == "done":
            line.append(f"{STYLES[word].glyph} {number:,} {word}   ", style=STYLES[word].colour)
    said = hook_line(hook)
    if said:
        bad = isinstance(hook.status, s.HookFailed | s.HookCutOff)
        line.append(said, style="red" if bad else "")
    return line


def hook_line(hook: s.DoneHook) -> str:
    """What became of done(), in words; empty if there is nothing to say."""
    times = f", called {hook.calls} times in all" if hook.calls > 1 else ""
    match hook.status:
        case s.HookDone() | s.HookFailed():
            return hook_text(hook.status) + times
        case s.HookCutOff():
            told = hook_text(hook.status, at=lambda at: strftime("%H:%M", localtime(at)))
            return f"{told} (--rerun-done calls it again)"
        case _:
            return hook_text(hook.status)


def duration(seconds: float) -> str:
    """`0.4 s`, `41 s`, `3:12`, `2:05:00`: as precise as one wants to know it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
