"""`--where`: which runs a command is about, in the language of all filters; what it names that none has is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pyalma_tui.cli.speak import warn
from pyalma_tui.errors import QueryError, UsageError
from pyalma_tui.model import query as q
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.lacking import Lack, Lacking
from pyalma_tui.model.query import Query
from pyalma_tui.model.run_fields import kind_of_runs, known_fields

if TYPE_CHECKING:
    from pyalma_tui.store.rows import RowReader


def where(text: str | None) -> Query:
    """What is typed behind `--where`; None means all. Raises UsageError with the place of what is not understood."""
    try:
        return q.compile(text or "")
    except QueryError as error:
        raise UsageError(f"--where: {text}: {error.message}") from error


def meant(
    query: Query, instances: Sequence[Instance], runs: Iterable[Run], now: float | None, state_dir: Path
) -> Iterable[Run]:
    """Those of the runs of a state directory that a query means, in their order; running ones count until `now`.

    A field that none of them has is told on stderr, and rows that cannot be read; raises UsageError where one of almost
    that name is meant.
    """
    if not query.terms:
        return runs
    from pyalma_tui.store import layout  # only who filters waits for what reads rows
    from pyalma_tui.store.last_rows import LastRows
    from pyalma_tui.store.reread import Reread
    from pyalma_tui.store.rows import RowReader

    known = list(runs)
    with RowReader(layout.rows(state_dir), Reread(state_dir)) as reader:
        kind = kind_of_runs(instances, now, LastRows(reader).value)
        names = partial(_names, instances, known, reader)
        tell(query, Lacking(query, kind).of(known), "no run", names)
        found = list(filter(query.over(kind), known))
        if reader.missing:
            warn(f"--where: not all rows could be read: {reader.why}")
    return found


def _names(instances: Sequence[Instance], runs: Sequence[Run], reader: RowReader) -> list[str]:
    from pyalma_tui.store.last_rows import columns_of_some

    return known_fields(instances, runs, columns_of_some(reader, runs))


def tell(query: Query, lacking: Iterable[Lack], nothing: str, names: Callable[[], Iterable[str]]) -> None:
    """Tell of fields that `nothing` has, of such as `names`: one of almost that name is a UsageError.

    Any other may come with the next save, so it is only warned of.
    """
    for lack in lacking:
        near = lack.near(names())
        told = f"--where: {query.text}: {QueryError(lack.column, lack.told(nothing, near)).message}"
        if near:
            raise UsageError(told)
        warn(told)
