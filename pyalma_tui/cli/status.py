"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.where import meant, where
from pyalma_tui.report.facts import remaining
from pyalma_tui.report.run_table import print_runs
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.terms import shown_args


def status(name: str, state: Path | None, only: str | None) -> int:
    """Print where every run stands, or those that a query means; changes nothing.

    Raises StoreError if there is nothing to read, UsageError for a query that cannot be understood.
    """
    query = where(only)
    target, _, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    now = time.time() if busy is not None else None
    runs, rows = ledger.runs.freeze(), ledger.rows.freeze()
    if query.terms:
        known = list(remaining(ledger.instances, runs))
        found = list(meant(query, ledger.instances, known, now))
        print_runs(console(), ledger.instances, ledger.runs_of, found, len(known), now)
        return 0
    print_summary(
        console(), ledger.instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, ledger.hook, now
    )
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        told = f"running now, process {busy.pid}"
        if ledger.counts.running:
            from pyalma_tui.model.words import left
            from pyalma_tui.runner.foresight import foreseen  # 10 ms

            told += f", {left(foreseen(ledger, store.meta.chosen), time.time())}"
        say(told)
    return 0
