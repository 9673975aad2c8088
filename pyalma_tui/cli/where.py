"""`--where`: which runs a command is about, in the language of all filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyalma_tui.errors import QueryError, UsageError
from pyalma_tui.model import query as q
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.query import Query
from pyalma_tui.model.run_fields import kind_of_runs


def where(text: str | None) -> Query:
    """The query that was typed, one for everything if none was; raises UsageError."""
    try:
        return q.compile(text or "")
    except QueryError as error:
        raise UsageError(f"--where: {text}: {error.message}") from error


def meant(query: Query, instances: Sequence[Instance], runs: Iterable[Run], now: float | None) -> Iterable[Run]:
    """Those of the runs that a query means, in their order; running ones count until `now`."""
    return filter(query.over(kind_of_runs(instances, now)), runs) if query.terms else runs
