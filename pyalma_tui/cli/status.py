"""`pyalma-tui status`: what stands where, read from the files alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from pyalma_tui.cli.remembered import Remembered, remembered
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.where import meant, where
from pyalma_tui.model.standing import held_text, is_running
from pyalma_tui.model.words import plural
from pyalma_tui.report.facts import remaining
from pyalma_tui.report.run_table import print_runs
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.terms import shown_args

LOOKING = 0.2  # seconds that instance files are looked at: those that changed are told, a start looks at all of them
MOST = 20_000  # runs whose code and files are looked at


def status(name: str, state: Path | None, only: str | None) -> int:
    """Print where every run stands, or those that a query means; changes nothing.

    Raises StoreError if there is nothing to read, UsageError for a query that cannot be understood.
    """
    query = where(only)
    known = remembered("status", name, state)
    target, store, busy = known.target, known.store, known.busy
    ledger, args = store.ledger, store.meta.chosen.args or ()
    now = time.time() if busy is not None else None
    runs, rows = ledger.runs.freeze(), ledger.rows.freeze()
    if query.terms:
        there = list(remaining(ledger.instances, runs))
        found = list(meant(query, ledger.instances, there, now, known.state_dir))
        print_runs(console(), ledger.instances, ledger.runs_of, found, len(there), now)
        return 0
    print_summary(
        console(), ledger.instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, ledger.hook, now
    )
    if ledger.counts.done > 0 and len(runs) <= MOST:
        for text in _changed_since(known):
            say(text)
    if args:
        say(f"{target.module.name} gets the arguments {shown_args(args)}")
    if busy is not None:
        told = held_text(busy.name, runs=is_running(ledger.counts, ledger.aside, ledger.hook))
        if ledger.counts.running:
            from pyalma_tui.model.words import left
            from pyalma_tui.runner.foresight import foreseen  # 10 ms

            told += f", {left(foreseen(ledger, store.meta.chosen), time.time())}"
        say(told)
    return 0


def _changed_since(known: Remembered) -> Iterator[str]:
    """What there is to tell of done runs whose code or instance file is not what it was."""
    from pyalma_tui.loading.local_code import code_root, module_name
    from pyalma_tui.runner.outdated import CodeNow, look_at_inputs, told_of_code, told_of_inputs, with_older_code
    from pyalma_tui.store.inputs import read_inputs

    ledger, module = known.store.ledger, known.target.module
    runs = ledger.runs.freeze()
    forgets = f"pyalma-tui reset {quote(os.path.relpath(known.target.path))} --changed"
    place = CodeNow(known.state_dir, code_root(module), module_name(module))
    yield from told_of_code(with_older_code(place, runs), runs, forgets)
    deadline = time.monotonic() + LOOKING
    looked = look_at_inputs(
        read_inputs(known.state_dir), ledger.instances, runs, ledger.runs_of, lambda: time.monotonic() < deadline
    )
    for text in told_of_inputs(looked, ledger.instances, runs):
        yield f"{text}; `{forgets}` forgets them"
    if looked.left:
        yield f"{plural(looked.left, 'instance file')} of {plural(len(ledger.instances), 'instance')} not looked at"
