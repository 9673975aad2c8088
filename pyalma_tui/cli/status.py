"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.loading.experiment_file import number_of_workers, read_workers
from pyalma_tui.model import jsontext
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.model.words import left
from pyalma_tui.report.facts import status_facts
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.foresight import foreseen
from pyalma_tui.runner.terms import shown_args


def status(name: str, state: Path | None, *, as_json: bool) -> int:
    """Print where every run stands; changes nothing. Raises StoreError if there is nothing to read."""
    target, state_dir, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    chosen = store.meta.chosen
    hook = ledger.hook
    now = time.time() if busy is not None else None
    if as_json:
        facts = status_facts(
            target.path,
            state_dir,
            busy.pid if busy else None,
            ledger.instances,
            ledger.runs,
            ledger.counts,
            ledger.aside,
            hook,
            args,
            now,
        )
        Out().text(escaped(jsontext.encode(facts).decode(), to_ascii=not is_unicode()) + "\n")
        return 0
    runs, rows = list(ledger.runs), list(ledger.rows)
    print_summary(console(), ledger.instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, hook, now)
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        told = f"running now, process {busy.pid}"
        if ledger.counts.running:
            workers = number_of_workers(read_workers(chosen.workers or chosen.file.get("workers", 1)))
            told += f", {left(foreseen(ledger, workers), time.time())}"
        say(told)
    return 0
