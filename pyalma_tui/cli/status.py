"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.terms import shown_args


def status(name: str, state: Path | None) -> int:
    """Print where every run stands; changes nothing. Raises StoreError if there is nothing to read."""
    target, _, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    now = time.time() if busy is not None else None
    runs, rows = ledger.runs.freeze(), ledger.rows.freeze()
    print_summary(
        console(), ledger.instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, ledger.hook, now
    )
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        say(f"running now, process {busy.pid}")
    return 0
