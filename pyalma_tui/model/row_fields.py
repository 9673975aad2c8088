"""How a query reads rows of results: what stands in one, and then its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from pyalma_tui.model.checks import text_of
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Row
from pyalma_tui.model.query import Vocabulary, within

T = TypeVar("T")


RecordedRow: TypeAlias = tuple[Run, Row]
"""The run that a row of results is of, and the row as it is shown."""


def kind_of_rows(of_runs: Vocabulary[Run]) -> Vocabulary[RecordedRow]:
    """Rows of runs that are read by `of_runs`: a word is looked for in all that a row holds, and in its run."""
    run_text = _once_a_run(of_runs.text)

    def text(recorded: RecordedRow) -> str:
        run, row = recorded
        own = "\n".join(text_of(value) for value in row.values() if value is not None)
        return f"{own}\n{run_text(run)}"

    def field(name: str) -> Callable[[RecordedRow], Any]:
        of_run, leads_into = _once_a_run(of_runs.field(name)), "." in name

        def read(recorded: RecordedRow) -> Any:
            run, row = recorded
            value = row.get(name)
            if value is None and leads_into:
                value = within(row, name)
            return of_run(run) if value is None else value

        return read

    return Vocabulary(text, field, of_runs.known)


def _once_a_run(read: Callable[[Run], T]) -> Callable[[Run], T]:
    """The same, where the rows of a run follow each other: its state is decoded once for all of them."""
    known: tuple[Run, T] | None = None

    def reading(run: Run) -> T:
        nonlocal known
        if known is None or known[0] is not run:
            known = run, read(run)
        return known[1]

    return reading
