"""The table that is left in the scrollback: what became of every instance, or of those that need a look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import nsmallest
from time import localtime, strftime

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.hook_text import hook_text
from pyalma_tui.model.instance import Instance, remaining_number
from pyalma_tui.model.printable import clip, clip_middle, printable
from pyalma_tui.model.states import one_line
from pyalma_tui.model.status_style import STYLES
from pyalma_tui.model.view import RANK, InstanceRow, Tally, remark, row_word, telling
from pyalma_tui.model.words import clock, duration, plural
from pyalma_tui.store.abandoned import why_interrupted

ROWS = 20  # listed in full; beyond it those that are done are only counted
NAME_CELLS = 48
STATE_CELLS = 44
LEAST_NAME, LEAST_STATE = 8, 12  # the first is as long as `instance`
OTHER_CELLS = 37  # glyph, status, runs, time, and the air between all columns


def print_summary(
    console: Console,
    instances: Sequence[Instance],
    runs: Sequence[Run],
    rows: Sequence[InstanceRow],
    runs_of: Sequence[Sequence[int]],
    counts: Tally,
    aside: Tally,
    hook: s.DoneHook,
    now: float | None = None,
) -> None:
    """Print the table, the counts and what became of done(), as wide as the console.

    `counts` are those of the batch, `aside` those of instances that are not in it any more. Runs that are running count
    until `now`, None where nobody runs them any more.
    """
    listed: Sequence[int] = range(len(instances))
    if remaining_number(instances) < len(instances):
        listed = [instance.id for instance in instances if not instance.removed]
    chosen = listed
    if len(chosen) > ROWS:  # what went wrong must not stand behind what only has not been run yet
        tallies = [row.tally for row in rows]  # in order: few of them are different objects
        unfinished = (i for i in chosen if tallies[i].done < tallies[i].total)
        chosen = nsmallest(ROWS, unfinished, key=lambda i: RANK[row_word(tallies[i])])
    if chosen:
        most = max(LEAST_NAME, min(NAME_CELLS, console.width - OTHER_CELLS - LEAST_STATE))
        names = max(LEAST_NAME, *(min(most, cell_len(printable(instances[i].label))) for i in chosen))
        room = max(LEAST_STATE, min(STATE_CELLS, console.width - names - OTHER_CELLS))
        console.print(_table(chosen, instances, runs, rows, runs_of, names, room, now))
    left = sum(row.tally.done < row.tally.total for row in rows) - len(chosen) if len(listed) > ROWS else 0
    if left > 0:
        console.print(Text(f"  … and {plural(left, 'more instance')} not done", style="dim"))
    because = why_interrupted(runs, counts.interrupted)
    console.print(Padding(_counts(counts, because, hook), (0, 0, 0, 2)))
    if aside.total:
        told = ", ".join(f"{number:,} {word}" for word in s.WORDS[::-1] if (number := aside.of(word)))
        console.print(Padding(Text(f"not in the batch any more: {told}", style="dim"), (0, 0, 0, 2)))


def _table(
    chosen: Sequence[int],
    instances: Sequence[Instance],
    runs: Sequence[Run],
    rows: Sequence[InstanceRow],
    runs_of: Sequence[Sequence[int]],
    names: int,
    room: int,
    now: float | None,
) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("", width=1, no_wrap=True)
    table.add_column("instance", overflow="ellipsis", no_wrap=True, max_width=names)
    table.add_column("status", no_wrap=True)
    several = any(rows[i].tally.total > 1 for i in chosen)
    if several:
        table.add_column("runs", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("last saved state", overflow="ellipsis", no_wrap=True, max_width=room)
    for i in chosen:
        tally, run = rows[i].tally, telling(rows[i], runs_of[i], runs)
        word = row_word(tally)
        look = STYLES[word]
        cells: list[RenderableType] = [
            Text(look.glyph, style=look.colour),
            Text(clip_middle(printable(instances[i].label), names)),
            Text(word if instances[i].in_batch else f"{word}, not in the batch", style=look.colour),
        ]
        if several:
            cells.append(Text(f"{tally.done}/{tally.total}"))
        begun = tally.pending < tally.total or rows[i].seconds
        spent = math.fsum(worked(runs[number - 1], now) for number in runs_of[i])
        style = "red" if isinstance(run.status, s.Failed) else ""
        cells += [
            Text((clock if tally.running and now else duration)(spent) if begun else ""),
            Text(clip(printable(remark(run, tally.total)), room), style=style),
        ]
        table.add_row(*cells)
    return table


def state_line(state: bytes | None, cells: int) -> str:
    """A state on one line of so many cells, "" if there is none."""
    return "" if state is None else clip(printable(one_line(state)), cells)


def _counts(counts: Tally, because: str, hook: s.DoneHook) -> Text:
    line = Text()
    for word in reversed(s.WORDS):
        number = counts.of(word)
        if number or word == "done":
            said = because if word == "interrupted" else ""
            line.append(f"{STYLES[word].glyph} {number:,} {word}{said}   ", style=STYLES[word].colour)
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
