"""What of a run one would want to paste."""

from __future__ import annotations

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.states import in_full
from pyalma_tui.tui.requests import Copy, Say


def worth_copying(run: Run) -> Copy | Say:
    """The error of a failed run, the state of any other."""
    if isinstance(run.status, s.Failed):
        return Copy(run.status.error.traceback or run.status.error.message, "the error")
    if run.state is None:
        return Say("no state was saved yet")
    return Copy(in_full(run.state), "the state")
