"""One instance as one line: which columns there are at a width, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.view import Row, Tally, remark, row_word
from pyalma_tui.model.words import clock, duration
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import ESTIMATE, GLYPHS, MARK
from pyalma_tui.tui.progress import instance_progress
from pyalma_tui.tui.view_moment import Moment

FRONT = 3  # mark, glyph, space
GAP = "  "
TELLING: tuple[s.Word, ...] = ("running", "failed", "interrupted")  # what must not be hidden behind another word
LEAST_STATE = 16  # enough to tell two errors apart
NUMBER = 7  # a space and `≈100 %`
LOOKED_AT = 2000  # names: enough to know how long they are
Piece = tuple[str, str]
"""Text, and the name of the component style it is shown in ("" for the row's own)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The width of each column in cells; 0 means that it is not shown."""

    name: int = 0
    status: int = 0
    iterations: int = 0
    bar: int = 0
    state: int = 0
    time: int = 0

    @property
    def titles(self) -> str:
        """The line above the list."""
        progress = "progress" if self.bar > NUMBER else "   done"
        state = "last saved state" if self.state >= 16 else "state"
        texts = (
            cells.fit("instance", self.name),
            cells.fit("status", self.status),
            cells.fit_right("runs", self.iterations),
            cells.fit(progress, self.bar),
            cells.fit(state, self.state),
            cells.fit_right("time", self.time),
        )
        return " " * FRONT + "".join(text + GAP for text in texts if text)


@lru_cache(8)
def columns(width: int, longest: int, iterations: int) -> Columns:
    """The columns that fit into `width` cells, the most telling first."""
    left = width - FRONT + 1  # the last gap is one cell of air
    if left < 20:
        return Columns(name=max(0, left - 2))
    status = time = done = bar = 0
    if left >= 36:
        status = 14 if iterations > 1 else 11  # `12 interrupted`
        left -= status + 2
    if left >= 32:
        time, left = 8, left - 10
    digits = max(len("runs"), 2 * len(cells.count(iterations)) + 1)
    if iterations > 1 and left >= 16 + digits:
        done, left = digits, left - digits - 2
    if left >= 28:
        spare = (left - NUMBER - 6 - min(longest, 28)) * 2 // 5  # the larger part is the state's
        bar = NUMBER + (min(spare, 16) if spare >= 5 else 0)
        left -= bar + 2
    name, state = _name_and_state(left, longest)
    if iterations > 1 and bar and state < LEAST_STATE:  # how many runs are done is told already
        left, bar = left + bar + 2, 0
        name, state = _name_and_state(left, longest)
    return (
        Columns(name, status, done, bar, state, time) if state >= 5 else Columns(left - 2, status, done, bar, 0, time)
    )


def _name_and_state(left: int, longest: int) -> tuple[int, int]:
    name = min(max(longest, 8), left - 2 if left < 22 else max(12, left // 2))
    return name, left - name - 4


def longest_name(instances: Sequence[Instance]) -> int:
    """About how long the names are, in characters."""
    step = max(1, len(instances) // LOOKED_AT)
    return max((len(instances[i].label) for i in range(0, len(instances), step)), default=0)


def pieces(moment: Moment, instance: Instance, row: Row, plan: Columns, marked: bool) -> list[Piece]:
    """The line of an instance."""
    run = moment.telling(instance.id)
    word = row_word(row.tally)
    line: list[Piece] = [(MARK, "mark") if marked else (" ", word), (GLYPHS[word] + " ", word)]
    name_style = "" if instance.in_batch else "gone"
    line.append((cells.fit_middle(plain(instance.label, plan.name), plan.name) + GAP, name_style))
    if plan.status:
        line += standing_pieces(row.tally, plan.status)
    if plan.iterations:
        share = f"{cells.count(row.tally.done)}/{cells.count(row.tally.total)}"
        line.append((cells.fit_right(share, plan.iterations) + GAP, ""))
    if plan.bar:
        line += progress_pieces(row, run, plan.bar)
    if plan.state:
        text, style = note(instance, row, run)
        line.append((cells.fit(plain(text, plan.state), plan.state) + GAP, style))
    if plan.time:
        told = clock if row.tally.running else duration  # what counts on has no tenths
        seconds = moment.worked_on(instance.id)
        shown = told(seconds) if seconds or row.tally.pending < row.tally.total else ""
        line.append((cells.fit_right(shown, plan.time) + GAP, "time"))
    return merged(line)


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


def progress_pieces(row: Row, run: Run, width: int) -> list[Piece]:
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


def note(instance: Instance, row: Row, run: Run) -> Piece:
    """What is worth reading about the run that a row is about, or that its instance has left the batch."""
    text = remark(run, row.tally.total)
    if isinstance(run.status, s.Failed):
        return text, "failed"
    if not instance.in_batch:
        return "not in the batch any more", "gone"
    return text, "state"
