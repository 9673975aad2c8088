"""One row for each instance: how many of its runs stand where, and which of them it is about."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.states import one_line
from pyalma_tui.model.words import numbered


class Tally(msgspec.Struct, frozen=True, gc=False):
    """How many runs stand where."""

    pending: int = 0
    running: int = 0
    interrupted: int = 0
    failed: int = 0
    done: int = 0

    @property
    def total(self) -> int:
        """All runs."""
        return self.pending + self.running + self.interrupted + self.failed + self.done

    def of(self, word: s.Word) -> int:
        """The runs of one status."""
        number: int = getattr(self, word)
        return number

    def moved(self, old: s.Word, new: s.Word) -> Tally:
        """The tally after one run went from one status to another."""
        if old == new:
            return self
        return msgspec.structs.replace(self, **{old: self.of(old) - 1, new: self.of(new) + 1})


class InstanceRow(msgspec.Struct, frozen=True, gc=False):
    """One instance in the list: where its runs stand, the id of the one that changed last, and their seconds in all.

    `seconds` are those of attempts that ended.
    """

    tally: Tally
    latest: int
    seconds: float = 0.0


RANK: dict[s.Word, int] = {"failed": 0, "running": 1, "interrupted": 2, "pending": 3, "done": 4}


def row_word(tally: Tally) -> s.Word:
    """The one word for an instance with many runs: what is going on, else what went wrong, else what is left."""
    if tally.running:
        return "running"
    if tally.failed:
        return "failed"
    if tally.interrupted:
        return "interrupted"
    return "pending" if tally.pending else "done"


def telling(row: InstanceRow, ids: Sequence[int], runs: Sequence[Run]) -> Run:
    """The run that an instance's row is about: the last that changed, unless another one gave the row its word.

    `ids` are those of the instance's runs, `runs[id - 1]` is the run with that id. An instance with a failed run is
    called failed whatever its other iterations did since.
    """
    latest, word = runs[row.latest - 1], row_word(row.tally)
    if word in ("pending", "done") or s.word(latest.status) == word:
        return latest
    return next((run for run in (runs[i - 1] for i in ids) if s.word(run.status) == word), latest)


def remark(run: Run, iterations: int) -> str:
    """What is worth reading of a run in one line: its error, else its last saved state.

    Of several iterations, the one that failed is named.
    """
    if isinstance(run.status, s.Failed):
        return f"{numbered(run.iteration)} {run.status.error.message}" if iterations > 1 else run.status.error.message
    return "" if run.state is None else one_line(run.state)
