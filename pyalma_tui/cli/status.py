"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.report.facts import status_facts
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.beginning import shown_args


def status(name: str, state: Path | None, *, as_json: bool) -> int:
    """Print where every run stands; changes nothing. Raises StoreError if there is nothing to read."""
    target, state_dir, store, busy = remembered("status", name, state)
    ledger, args = store.ledger, store.meta.chosen.args or ()
    hook = ledger.hook
    if busy is None and isinstance(hook.status, s.HookRunning):  # nobody is there to call it
        hook = msgspec.structs.replace(hook, status=s.HookCutOff(hook.status.since))
    if as_json:
        pid = busy.pid if busy else None
        facts = status_facts(target.path, state_dir, pid, ledger.instances, ledger.runs, ledger.counts, hook, args)
        sys.stdout.write(jsontext.encode(facts).decode() + "\n")
        return 0
    print_summary(console(), ledger.instances, list(ledger.runs), list(ledger.rows), ledger.counts, hook)
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        say(f"running now, process {busy.pid}")
    return 0
