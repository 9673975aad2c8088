"""What stands before the own columns of a row of results: which run it is of, and where that ran."""

from __future__ import annotations

from collections.abc import Iterable

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import COLUMNS, Row


def on_several_hosts(runs: Iterable[Run]) -> bool:
    """Whether it is worth a column on which host each of these runs was called last."""
    return len({run.host for run in runs if run.host}) > 1


def head_of(label: str, run: Run, *, with_host: bool) -> Row:
    """The columns of a run named `label`; its rows may have a column `host` of their own, which counts then."""
    head = dict(zip(COLUMNS, (label, run.iteration, run.seed), strict=True))
    return head | {"host": run.host} if with_host else head
