"""The table of results: every row that counts, behind the instance, iteration and seed of its run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pyalma_tui.errors import QueryError, StoreError, UsageError
from pyalma_tui.model import query as q
from pyalma_tui.model.checks import text_of
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import COLUMNS, Row, rows_in
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.lacking import Lack, Lacking
from pyalma_tui.model.row_fields import RecordedRow, kind_of_rows
from pyalma_tui.model.run_fields import kind_of_runs, known_fields
from pyalma_tui.model.words import plural
from pyalma_tui.report.tables import as_cell, as_csv, as_json, as_markdown, as_object
from pyalma_tui.store import layout
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.opening import Store
from pyalma_tui.store.reread import Reread
from pyalma_tui.store.rows import RowReader, head_of, on_several_hosts

Format: TypeAlias = Literal["csv", "json", "jsonl", "md", "parquet"]
SUFFIXES: dict[str, Format] = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".md": "md", ".parquet": "parquet"}


class Table:
    """All rows of the runs that are planned, by instance, iteration and row, as they were when this was made.

    So a batch that has grown gives the table of one that was planned at once.

    It may be read again and again, and gives the same; what is in memory is one row, whatever their number. `missing`
    says what could not be read of it the last time, "" if nothing; `given` how many rows were wanted then.
    """

    def __init__(self, state_dir: Path, store: Store, where: str = "", now: float | None = None) -> None:
        """Runs that are running have taken what they have until `now`, None where nobody runs them.

        Raises UsageError for a filter that means nothing.
        """
        planned, aside = _divided(store)
        self.missing = ""
        self.given = 0
        self.aside = sum(rows_in(run.extents) for run in aside)
        self._state_dir = state_dir
        self._runs = planned
        self._with_host = on_several_hosts(planned)
        self._instances: Sequence[Instance] = store.ledger.instances
        self._again = Reread(state_dir)
        self._query = filter_of(where)
        self._kind = kind_of_rows(kind_of_runs(self._instances, now))
        self._wanted = self._query.over(self._kind) if self._query.terms else None

    @property
    def recorded(self) -> int:
        """How many rows count, wanted or not."""
        return sum(rows_in(run.extents) for run in self._runs)

    def __iter__(self) -> Iterator[Row]:
        wanted, given = self._wanted, 0
        with RowReader(layout.rows(self._state_dir), self._again) as reader:
            for recorded in self._all(reader):
                if wanted is None or wanted(recorded):
                    given += 1
                    yield recorded[1]
            lost = f"{plural(reader.missing, 'row')} could not be read: {reader.why}"
            self.missing, self.given = lost if reader.missing else "", given

    def _all(self, reader: RowReader) -> Iterator[RecordedRow]:
        """All rows, wanted or not."""
        for run in self._runs:
            head = head_of(self._instances[run.instance].label, run, with_host=self._with_host)
            for own in reader.rows(run):
                yield run, {**head, **own}

    def lacking(self) -> tuple[Sequence[Lack], Sequence[str]]:
        """The fields of the filter that neither rows nor their runs have, and those that these have, as far as they had
        to be looked at."""
        names = dict.fromkeys(COLUMNS)
        lacking = Lacking(self._query, self._kind)
        if not lacking:
            return (), ()
        with RowReader(layout.rows(self._state_dir), self._again) as reader:
            for recorded in self._all(reader):
                names |= dict.fromkeys(recorded[1])
                lacking.look(recorded)
                if not lacking:
                    return (), ()
        return tuple(lacking), known_fields(self._instances, self._runs, names)


def filter_of(where: str) -> q.Query:
    """The query that a program has written; raises UsageError."""
    try:
        return q.compile(where)
    except QueryError as error:
        raise UsageError(f"filter: {where}: {error.message}") from error


def _divided(store: Store) -> tuple[list[Run], list[Run]]:
    """The runs with rows that are planned, and those that are not any more."""
    instances, iterations = store.ledger.instances, store.meta.iterations
    with_rows = [run for run in store.ledger.runs if run.extents]
    with_rows.sort(key=lambda run: (run.instance, run.iteration))
    planned = [run for run in with_rows if instances[run.instance].in_batch and run.iteration < iterations]
    known = {run.id for run in planned}
    return planned, [run for run in with_rows if run.id not in known]


def table_of(state_dir: Path, where: str = "") -> Table:
    """The table of what a state directory holds now; raises StoreError if it holds nothing, UsageError as a Table."""
    store, busy = look(state_dir)
    if store is None:
        raise StoreError(f"results: {state_dir}: nothing is remembered there")
    return Table(state_dir, store, where, time.time() if busy is not None else None)


def columns_of(rows: Iterable[Row]) -> list[str]:
    """The names of all columns: those of the run, then each in the order in which it first occurs."""
    names = dict.fromkeys(COLUMNS)
    for row in rows:
        if not row.keys() <= names.keys():
            names |= dict.fromkeys(row)
    return list(names)


# --- as text ----------------------------------------------------------------------------------------------------------


def pieces(rows: Iterable[Row], form: Format) -> Iterator[str]:
    """The text of the table, piece by piece; `rows` are gone through twice where all columns must be known first."""
    match form:
        case "csv":
            return _csv(rows)
        case "md":
            return _markdown(rows)
        case "jsonl":
            return (f"{as_object(row)}\n" for row in rows)
        case _:
            return as_json(rows)


def _csv(rows: Iterable[Row]) -> Iterator[str]:
    names = columns_of(rows)
    yield from as_csv(names, _texts(rows, names))


def _markdown(rows: Iterable[Row]) -> Iterator[str]:
    names = columns_of(rows)
    yield from as_markdown(list(map(as_cell, names)), _texts(rows, names))


def _texts(rows: Iterable[Row], names: Sequence[str]) -> Iterator[list[str]]:
    return ([text_of(row.get(name)) for name in names] for row in rows)
