"""One instance as one line: what stands in each column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.checks import brief
from pyalma_tui.model.data_value import data_value
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.view import InstanceRow, Tally, remark, row_word
from pyalma_tui.model.words import clock, duration, numbered, size
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import ESTIMATE, GLYPHS, MARK
from pyalma_tui.tui.progress import instance_progress
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.columns import DATA, GAP, NUMBER, Column, Columns

TELLING: tuple[s.Word, ...] = ("running", "failed", "interrupted")  # what must not be hidden behind another word
Piece = tuple[str, str]
"""Text, and the name of the component style it is shown in ("" for the row's own)."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What a line is made of. `run` is the one that it tells of: that which is meant, or what its instance is about.

    `last_line` gives the last line of the log of a run.
    """

    moment: Moment
    instance: Instance
    row: InstanceRow
    run: Run
    last_line: Callable[[Run], str]

    @property
    def alone(self) -> bool:
        """Whether the run is one of several that its row as such is not about."""
        return self.row.tally.total > 1 and self.run.id != self.moment.telling(self.instance.id).id


def pieces(told: RowFacts, plan: Columns, marked: bool) -> list[Piece]:
    """The line of an instance."""
    word = row_word(told.row.tally)
    line: list[Piece] = [(MARK, "mark") if marked else (" ", word), (GLYPHS[word] + " ", word)]
    for column in plan.shown:
        made = CELLS.get(column.name)
        line += _parameter(told, column) if made is None else made(told, column)
    return merged(line)


def _name(told: RowFacts, column: Column) -> list[Piece]:
    name = cells.fit_middle(plain(told.instance.label, column.width), column.width)
    return [(name + GAP, "" if told.instance.in_batch else "gone")]


def _runs(told: RowFacts, column: Column) -> list[Piece]:
    tally = told.row.tally
    return [(column.fit(f"{cells.count(tally.done)}/{cells.count(tally.total)}") + GAP, "")]


def _state(told: RowFacts, column: Column) -> list[Piece]:
    text, style = note(told.instance, told.row, told.run)
    if told.alone and not isinstance(told.run.status, s.Failed):
        text = f"{numbered(told.run.iteration)} {text}"
    return [(column.fit(plain(text, column.width)) + GAP, style)]


def _time(told: RowFacts, column: Column) -> list[Piece]:
    tally = told.row.tally
    form = clock if tally.running else duration  # what counts on has no tenths
    seconds = told.moment.worked_on(told.instance.id)
    shown = form(seconds) if seconds or tally.pending < tally.total else ""
    return [(column.fit(shown) + GAP, "time")]


def _worker(told: RowFacts, column: Column) -> list[Piece]:
    status = told.run.status
    slot = status.slot if isinstance(status, s.Running) else told.run.slot
    return [(column.fit("" if slot is None else str(slot)) + GAP, "quiet")]


def _memory(told: RowFacts, column: Column) -> list[Piece]:
    """That of the worker that has the run, and of all that it started."""
    slot = told.moment.slot_of(told.run.id) if isinstance(told.run.status, s.Running) else None
    return [(column.fit(size(slot.load.rss) if slot and slot.load else "") + GAP, "quiet")]


def _log(told: RowFacts, column: Column) -> list[Piece]:
    text = told.last_line(told.run) if told.run.attempt else ""
    return [(column.fit(plain(text, column.width)) + GAP, "quiet")]


def _parameter(told: RowFacts, column: Column) -> list[Piece]:
    found = data_value(told.instance, column.name.removeprefix(DATA))
    return [(column.fit(plain(brief(found), column.width)) + GAP, "")]


def _number(of: Callable[[Run], int]) -> Callable[[RowFacts, Column], list[Piece]]:
    def made(told: RowFacts, column: Column) -> list[Piece]:
        number = of(told.run)
        return [(column.fit(cells.count(number) if number else "") + GAP, "time")]

    return made


CELLS: Final[dict[str, Callable[[RowFacts, Column], list[Piece]]]] = {
    "name": _name,
    "status": lambda told, column: standing_pieces(told.row.tally, column.width),
    "runs": _runs,
    "progress": lambda told, column: progress_pieces(told.row, told.run, column.width),
    "state": _state,
    "log": _log,
    "time": _time,
    "attempts": _number(lambda run: run.called),
    "saves": _number(lambda run: run.saves),
    "worker": _worker,
    "memory": _memory,
    "seed": lambda told, column: [(column.fit(str(told.run.seed)) + GAP, "quiet")],
    "host": lambda told, column: [(column.fit(plain(told.run.host, column.width)) + GAP, "quiet")],
}
"""What stands in each column."""


def standing_pieces(tally: Tally, width: int) -> list[Piece]:
    """Where an instance stands: a word; of several runs how many run, have failed or were interrupted, none hidden."""
    told = [(word, tally.of(word)) for word in TELLING if tally.of(word)]
    if tally.total <= 1 or not told:
        word = row_word(tally)
        return [(cells.fit(word, width) + GAP, word)]
    if len(told) == 1:
        (word, number), *_ = told
        text = f"{cells.count(number)} {word}"
        return [(cells.fit(text if len(text) <= width else f"{cells.count(number)} {GLYPHS[word]}", width) + GAP, word)]
    texts = [f"{cells.count(number)} {GLYPHS[word]}" for word, number in told]
    if len(" ".join(texts)) > width:
        texts = [text.replace(" ", "") for text in texts]
    pieces: list[Piece] = []
    left = width
    for (word, _), text in zip(told, texts, strict=True):
        shown = cells.fit(text, min(len(text), left))
        left -= len(shown)
        pieces += [(shown, word), (" " * min(1, left), "")]
        left -= min(1, left)
    return [*pieces, (" " * left + GAP, "")]


def progress_pieces(row: InstanceRow, run: Run, width: int) -> list[Piece]:
    """The bar with its percentage, `≈` if it is estimated; without either the number of saves."""
    progress = instance_progress(row.tally, run)
    if progress is None:
        saves = words.plural(run.saves, "save") if run.saves else ""
        return [(cells.fit(saves, width) + GAP, "quiet")]
    filled, rest = cells.bar(progress.fraction, width - NUMBER)
    number = (ESTIMATE if progress.estimated else "") + cells.percent(progress.fraction)
    full = "done" if row.tally.done == row.tally.total else "bar"
    return [(filled, full), (rest, "rest"), (cells.fit_right(number, NUMBER) + GAP, "quiet")]


def merged(line: Sequence[Piece]) -> list[Piece]:
    """The same line with neighbours of one style in one piece: each change of style is 40 bytes to the terminal."""
    joined: list[Piece] = []
    for text, style in line:
        if joined and joined[-1][1] == style:
            joined[-1] = (joined[-1][0] + text, style)
        elif text:
            joined.append((text, style))
    return joined


def note(instance: Instance, row: InstanceRow, run: Run) -> Piece:
    """What is worth reading about the run that a row is about, or that its instance has left the batch."""
    text = remark(run, row.tally.total)
    if isinstance(run.status, s.Failed):
        return text, "failed"
    if not instance.in_batch:
        return "not in the batch any more", "gone"
    return text, "state"
