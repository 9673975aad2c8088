"""The last rows that a run has recorded, as its detail tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from textual.content import Content

from pyalma_tui.model import words
from pyalma_tui.model.checks import brief
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Row, rows_in
from pyalma_tui.store import layout
from pyalma_tui.store.rows import RowReader
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.literal import literal, plain
from pyalma_tui.tui.look import MUTED

SHOWN: Final = 4  # rows
LONGEST: Final = 40  # cells of a value


class LatestRows:
    """Reads them only when there are others than before: a detail is painted every second."""

    def __init__(self) -> None:
        self._of: object = None
        self._told = Content("")

    def told(self, state_dir: Path, run: Run) -> Content:
        """How many rows count, and the last of them, a line for each; empty if there is none."""
        if (run.id, run.extents) != self._of:
            self._of, self._told = (run.id, run.extents), _told(state_dir, run) if run.extents else Content("")
        return self._told


def _told(state_dir: Path, run: Run) -> Content:
    number = rows_in(run.extents)
    with RowReader(layout.rows(state_dir)) as reader:
        rows = reader.latest(run, SHOWN)
    lines = [Content.assemble(words.plural(number, "row"), (f" · {key_to('results')} shows all of all runs", MUTED))]
    if number > len(rows):
        lines.append(Content.styled("…", MUTED))
    return Content("\n").join([*lines, *map(_line, rows)])


def _line(row: Row) -> Content:
    cells = [Content.assemble(literal(plain(name, LONGEST), MUTED), " ", _value(value)) for name, value in row.items()]
    return Content("  ").join(cells)


def _value(value: object) -> Content:
    return literal(plain(brief(value), LONGEST) or "–")
