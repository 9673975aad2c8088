"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.report.facts import facts_of, remaining, status_facts, status_pieces
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.terms import shown_args


def status(name: str, state: Path | None, *, as_json: bool) -> int:
    """Print where every run stands; changes nothing. Raises StoreError if there is nothing to read."""
    target, state_dir, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    hook = ledger.hook
    now = time.time() if busy is not None else None
    if as_json:
        pid = busy.pid if busy else None
        facts = status_facts(target.path, state_dir, pid, ledger.counts, ledger.aside, hook, args)
        runs = remaining(ledger.instances, ledger.runs.freeze())
        out, to_ascii = Out(), not is_unicode()
        for piece in status_pieces(facts, facts_of(ledger.instances, runs, now)):
            out.text(escaped(piece, to_ascii=to_ascii))
        out.text("\n")
        return 0
    print_summary(
        console(),
        ledger.instances,
        ledger.runs.freeze(),
        ledger.rows.freeze(),
        ledger.runs_of,
        ledger.counts,
        ledger.aside,
        hook,
        now,
    )
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        say(f"running now, process {busy.pid}")
    return 0
