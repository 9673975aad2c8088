"""Runs as the store has them now, for who reads rows by what was true a moment ago."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.model.experiment import Run
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.checkpoint import stamp
from pyalma_tui.store.opening import Store


class Reread:
    """Whoever runs the experiment may have moved rows, and written a checkpoint of that, which is read once."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._now: tuple[object, Store] | None = None  # what db.json was when this was read of it

    def __call__(self, run: Run) -> Run:
        """The run as it is now. Raises StoreError."""
        written = stamp(self._state_dir)
        if self._now is None or self._now[0] != written:
            store, _ = look(self._state_dir)
            if store is None:
                return run
            self._now = (written, store)
        ledger = self._now[1].ledger
        return ledger.run(run.id) if run.id <= len(ledger.runs) else run
