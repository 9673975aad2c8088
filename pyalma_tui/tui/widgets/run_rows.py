"""One run as one line: which columns there are at a width, and what stands in them."""

from __future__ import annotations

from dataclasses import dataclass

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.states import one_line
from pyalma_tui.model.words import clock, duration, numbered
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import GLYPHS, MARK
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.columns import FRONT, GAP
from pyalma_tui.tui.widgets.rows import Piece, merged

STATE = "last saved state, or error"
STATUS, TIME, ATTEMPTS = 11, 8, 8
SEED = 19  # digits of the largest: who reads a part of one cannot use it
LEAST_STATE = 22
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class RunColumns:
    """The width of each column in cells; 0 means that it is not shown."""

    name: int = 0
    status: int = 0
    state: int = 0
    time: int = 0
    attempts: int = 0
    seed: int = 0

    @property
    def titles(self) -> str:
        """The line above the runs."""
        texts = (
            cells.fit("run", self.name),
            cells.fit("status", self.status),
            cells.fit(STATE if len(STATE) <= self.state else "state, or error", self.state),
            cells.fit_right("time", self.time),
            cells.fit_right("attempts", self.attempts),
            cells.fit("seed", self.seed),
        )
        return " " * FRONT + "".join(text + GAP for text in texts if text)


def run_columns(width: int, longest: int) -> RunColumns:
    """The columns that fit into `width` cells, the most telling first; `longest` is the length of the longest name."""
    left = width - FRONT
    name = min(max(longest, 3), LONGEST_NAME, max(8, left // 3))
    left -= name + len(GAP)
    widths = {"time": TIME, "status": STATUS, "attempts": ATTEMPTS, "seed": SEED}
    found: dict[str, int] = {}
    for column, cell in widths.items():
        if left - cell - len(GAP) >= LEAST_STATE:
            found[column], left = cell, left - cell - len(GAP)
    return RunColumns(name, state=max(0, left - len(GAP)), **found)


def run_pieces(moment: Moment, run: Run, plan: RunColumns, marked: bool, *, named: bool) -> list[Piece]:
    """The line of a run; `named` with its instance, else its iteration alone."""
    word = s.word(run.status)
    name = cells.fit_middle(plain(moment.name(run), plan.name), plan.name) if named else numbered(run.iteration)
    line: list[Piece] = [(MARK, "mark") if marked else (" ", word), (GLYPHS[word] + " ", word)]
    line.append((cells.fit(name, plan.name) + GAP, ""))
    if plan.status:
        line.append((cells.fit(word, plan.status) + GAP, word))
    if plan.state:
        text, style = remarked(run)
        line.append((cells.fit(plain(text, plan.state), plan.state) + GAP, style))
    if plan.time:
        running = isinstance(run.status, s.Running)
        told = clock if running else duration
        shown = told(worked(run, moment.now)) if run.attempt else ""
        line.append((cells.fit_right(shown, plan.time) + GAP, "time"))
    if plan.attempts:
        line.append((cells.fit_right(str(run.called) if run.attempt else "", plan.attempts) + GAP, "time"))
    if plan.seed:
        line.append((cells.fit(str(run.seed), plan.seed), "quiet"))
    return merged(line)


def remarked(run: Run) -> Piece:
    """Its error, else its last saved state."""
    if isinstance(run.status, s.Failed):
        return run.status.error.message, "failed"
    return ("" if run.state is None else one_line(run.state)), "state"
