"""`pyalma-tui report`: the experiment as one page for whoever was not there."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui import __version__
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say, warn
from pyalma_tui.errors import UsageError
from pyalma_tui.model.series import MOST, of_rows
from pyalma_tui.report.export import write_file
from pyalma_tui.report.page import PageFacts, page
from pyalma_tui.report.results import Table
from pyalma_tui.store import layout
from pyalma_tui.store.kept_series import kept_samples
from pyalma_tui.store.rows import RowReader
from pyalma_tui.store.session_records import read_records


def report(name: str, state: Path | None, html: Path | None) -> int:
    """Write the page; the exit code. Raises StoreError if there is nothing to tell, UsageError for no or a bad file."""
    if html is None:
        raise UsageError(f"report: name the file for the page: `pyalma-tui report {name} --html report.html`")
    known = remembered("report", name, state)
    table, reader = Table(known.state_dir, known.store), RowReader(layout.rows(known.state_dir))
    told = PageFacts(
        title=known.target.path.stem,
        target=known.target.module,
        at=time.time(),
        version=__version__,
        ledger=known.store.ledger,
        samples=kept_samples(known.state_dir),
        rows=table,
        sampled=lambda run: of_rows(reader.spread(run, MOST)),
        sessions=list(read_records(known.state_dir)),
        busy=None if known.busy is None else known.busy.name,
    )
    with reader:
        write_file(html, page(told))
    if table.missing:
        warn(f"report: {table.missing}. All else is in {html}")
    say(f"wrote {html}, which any browser shows")
    return 0
