"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.cli.where import meant, where
from pyalma_tui.model import jsontext
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.report.facts import remaining, status_facts
from pyalma_tui.report.run_table import print_runs
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.terms import shown_args


def status(name: str, state: Path | None, only: str | None, *, as_json: bool) -> int:
    """Print where every run stands, or those that a query means; changes nothing.

    Raises StoreError if there is nothing to read, UsageError for a query that cannot be understood.
    """
    query = where(only)
    target, state_dir, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    hook = ledger.hook
    now = time.time() if busy is not None else None
    if as_json:
        facts = status_facts(
            target.path,
            state_dir,
            busy.pid if busy else None,
            ledger.instances,
            meant(query, ledger.instances, ledger.runs, now),
            ledger.counts,
            ledger.aside,
            hook,
            args,
            now,
        )
        Out().text(escaped(jsontext.encode(facts).decode(), to_ascii=not is_unicode()) + "\n")
        return 0
    runs, rows = list(ledger.runs), list(ledger.rows)
    if query.terms:
        known = list(remaining(ledger.instances, runs))
        found = meant(query, ledger.instances, known, now)
        print_runs(console(), ledger.instances, ledger.runs_of, found, len(known), now)
        return 0
    print_summary(console(), ledger.instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, hook, now)
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        say(f"running now, process {busy.pid}")
    return 0
