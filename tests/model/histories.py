"""Histories of runs as a correct program writes them, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec import Raw

from pyalma_tui.model.experiment import Run, fold, what_was
from pyalma_tui.model.records import (
    Imported,
    Lost,
    Progressed,
    Raised,
    Reset,
    Restored,
    Returned,
    RunRecord,
    Saved,
    Started,
    Stopped,
)
from pyalma_tui.model.status import Done, Error, Running

ERROR = Error("ValueError: no")
BEGAN = "hash"  # the code that every attempt begins with


@st.composite
def histories(draw: st.DrawFn, run: int = 1, most: int = 30) -> list[RunRecord]:
    """The records of one run, in the order in which they were written."""
    now = Run(run, 0, 0, 0)
    forgotten: Run | None = None
    records: list[RunRecord] = []
    for step in draw(st.lists(st.integers(0, 9), max_size=most)):
        if step == 8 and forgotten is not None and now.attempt == forgotten.attempt + 1:
            record: RunRecord = Restored(now.id, now.attempt + 1, 9.0, what_was(forgotten))
        else:
            record = _next(now, step)
        forgotten = now if isinstance(record, Reset) else forgotten
        now = fold(now, record)
        records.append(record)
    return records


def _next(run: Run, step: int) -> RunRecord:
    if isinstance(run.status, Running):
        if step == 4 and run.module == BEGAN:  # which is told once
            return Imported(run.id, run.attempt, f"code after {run.last_save}")
        if step <= 4:
            return Saved(
                run.id,
                run.attempt,
                run.last_save + 1,
                10 * run.last_save,
                Raw(b'"%d/%d"' % (run.attempt, run.last_save)),
            )
        ends: list[RunRecord] = [
            Progressed(run.id, run.attempt, 1.0, 2.0),
            Returned(run.id, run.attempt, 0.5),
            Raised(run.id, run.attempt, 0.5, ERROR),
            Stopped(run.id, run.attempt, None, 7.0, "interrupted"),
            Lost(run.id, run.attempt, 0.5, 7.0, ERROR),
        ]
        return ends[step - 5]
    if step == 8 and run.module == "hash" and run.attempt == run.called:  # at most once, when the attempt is over
        return Imported(run.id, run.attempt, "more")
    if isinstance(run.status, Done) or step == 9:
        return Reset(run.id, run.attempt + 1, 8.0, 0)
    return Started(run.id, run.attempt + 1, 0, 5.0, BEGAN, 77)
