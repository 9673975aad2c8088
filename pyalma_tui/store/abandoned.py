"""What a session that was killed has left standing, told by whoever comes after it.

Its last word on a run, or on done(), may be that it is running. When nobody holds the lock, nobody runs anything: this
room alone says what is true then, for the next start as for those who only look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pyalma_tui.model import status as s
from pyalma_tui.model.ending import SESSION_KILLED
from pyalma_tui.model.experiment import Run, cut_off
from pyalma_tui.model.records import Stopped
from pyalma_tui.model.vector import Frozen, Vector
from pyalma_tui.store.cold import having
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.lock import Holder, holder, living_holder
from pyalma_tui.store.opening import Store, read_store


def look(state_dir: Path) -> tuple[Store | None, Holder | None]:
    """What a state directory holds, as it is true now, and who runs it; changes nothing. Raises StoreError."""
    while True:
        before = holder(state_dir)
        store = read_store(state_dir)
        now = living_holder(state_dir)
        if now is None and before is not None:  # it ended while we read: what it wrote last is worth it
            continue
        if now is None and store is not None:
            settle(store.ledger)
        return store, now


def settle(ledger: Ledger) -> bool:
    """Let a ledger say what is true when nobody holds the lock; whether it said anything else."""
    ends = list(ends_of(ledger))
    ledger.apply_all(ends)
    hook, ledger.hook = ledger.hook, cut_off(ledger.hook)
    return bool(ends) or ledger.hook != hook


def why_interrupted(runs: Iterable[Run] | Vector[Run], interrupted: int) -> str:
    """What to say behind the number of interrupted runs if some of them were running when their session was killed."""
    if isinstance(runs, Vector | Frozen):
        runs = having(runs, "interrupted")
    killed = sum(_was_killed(run) for run in runs) if interrupted else 0
    if not killed:
        return ""
    return f" ({'' if killed == interrupted else f'{killed:,} of them: '}{SESSION_KILLED})"


def _was_killed(run: Run) -> bool:
    return isinstance(run.status, s.Interrupted) and run.status.why == SESSION_KILLED


def ends_of(ledger: Ledger) -> Iterator[Stopped]:
    """The records that end the attempts which nobody runs any more."""
    for run in having(ledger.runs, "running") if ledger.counts.running or ledger.aside.running else ():
        if isinstance(run.status, s.Running):
            at = max(run.status.since, run.saved_at or 0.0)  # when it was heard of last
            yield Stopped(run.id, run.attempt, None, at, SESSION_KILLED)
