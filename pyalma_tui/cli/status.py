"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.report.facts import status_facts
from pyalma_tui.report.summary import print_summary


def status(name: str, state: Path | None, *, as_json: bool) -> int:
    """Print where every run stands; changes nothing. Raises StoreError if there is nothing to read."""
    target, state_dir, store, busy = remembered("status", name, state)
    ledger = store.ledger
    hook = ledger.hook
    if busy is None and isinstance(hook.status, s.HookRunning):  # nobody is there to call it
        hook = msgspec.structs.replace(hook, status=s.HookCutOff(hook.status.since))
    if as_json:
        facts = status_facts(
            target.path, state_dir, busy.pid if busy else None, ledger.instances, ledger.runs, ledger.counts, hook
        )
        Out().text(escaped(jsontext.encode(facts).decode(), to_ascii=not is_unicode()) + "\n")
        return 0
    print_summary(console(), ledger.instances, list(ledger.runs), list(ledger.rows), ledger.counts, hook)
    if busy is not None:
        say(f"running now, process {busy.pid}")
    return 0
