"""`pyalma-tui status --json`: the same for programs."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.cli.where import meant, where
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.report.facts import facts_of, remaining, status_facts, status_pieces
from pyalma_tui.store.session_records import last_record


def status_json(name: str, state: Path | None, only: str | None) -> int:
    """Print every run that a query means as one JSON object; changes nothing.

    Raises StoreError if there is nothing to read, UsageError for a query that cannot be understood.
    """
    query = where(only)
    target, state_dir, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    pid = busy.pid if busy is not None else None
    session = last_record(state_dir)
    foretold = None
    if busy is not None and ledger.counts.running:
        from pyalma_tui.runner.foresight import foreseen  # 10 ms

        foretold = foreseen(ledger, store.meta.chosen)
    facts = status_facts(target.path, state_dir, pid, ledger.counts, ledger.aside, ledger.hook, args, session, foretold)
    now = time.time() if busy is not None else None
    out, to_ascii = Out(), not is_unicode()
    runs = meant(query, ledger.instances, remaining(ledger.instances, ledger.runs.freeze()), now, state_dir)
    for piece in status_pieces(facts, facts_of(ledger.instances, runs, now)):
        out.text(escaped(piece, to_ascii=to_ascii))
        if out.gone:
            break
    out.text("\n")
    return 0
