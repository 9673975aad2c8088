"""`pyalma-tui results`: the rows that runs have recorded, as a table, each exactly once."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pyalma_tui.cli.export import format_of, print_pieces
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say
from pyalma_tui.cli.where import tell, where
from pyalma_tui.errors import StoreError, UsageError
from pyalma_tui.model.words import plural
from pyalma_tui.report.export import write_file
from pyalma_tui.report.results import SUFFIXES, Format, Table, pieces, table_of
from pyalma_tui.store.ours import is_begun


def results(name: str, state: Path | None, form: Format | None, output: Path | None, only: str | None) -> int:
    """Print or write the rows; the exit code. Raises StoreError, also where some are damaged, and UsageError."""
    chosen = form or format_of(output, SUFFIXES, "csv")
    query = where(only)
    table = _table(name, state, query.text)
    lacking, names = table.lacking()
    tell(query, lacking, "no row", lambda: names)
    if output is not None and str(output) != "-":
        if chosen == "parquet":
            from pyalma_tui.report.frames import parquet  # polars takes 0.1 s

            write_file(output, [parquet(table)])
        else:
            write_file(output, pieces(table, chosen))
        say(f"wrote {plural(table.given, 'row')} to {output}")
    elif chosen == "parquet":
        raise UsageError("results: --format parquet: it is no text. Name a file with --output")
    else:
        print_pieces(pieces(table, chosen), is_json=chosen in ("json", "jsonl"))
    if not table.recorded:
        say("no row counts so far: `run` declares `record`, calls it, and saves or returns")
    if table.aside:
        say(f"left out: {plural(table.aside, 'row')} of runs that are not in the batch any more")
    if table.missing:
        raise StoreError(f"results: {table.missing}. All others are there; `reset` lets runs begin anew")
    return 0


def _table(name: str, state: Path | None, query: str) -> Table:
    """The rows of a target, or of a state directory itself: they mean something without the code, as in an archive."""
    place = Path(os.path.realpath(name))
    if state is None and place.is_dir() and is_begun(place):
        return table_of(place, query)
    known = remembered("results", name, state)
    return Table(known.state_dir, known.store, query, time.time() if known.busy is not None else None)
