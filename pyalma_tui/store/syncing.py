"""Putting the journal on the disk again and again, as `--sync` says, while anybody may be writing."""

from __future__ import annotations

import threading

from pyalma_tui.model.chosen import Sync
from pyalma_tui.store.background import begun
from pyalma_tui.store.journal import Journal

GROUP = 0.05  # seconds between two syncs of all segments


class Syncing:
    """Owned by the runner's thread; the thread that it begins calls nothing of the journal but `sync`."""

    def __init__(self, journal: Journal, how: Sync) -> None:
        """`how` is what a power loss may take: all that is not yet written, 50 ms, or nothing."""
        self._journal = journal
        self._how = how
        self._refusal = ""
        self._over = threading.Event()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None
        self._begin()

    def _begin(self) -> None:
        if self._how == "group":
            self._thread = begun("pyalma-tui-sync", self._sync_often)

    def _sync_often(self) -> None:
        while self._busy.wait() and not self._over.wait(GROUP):
            self._sync_once()

    def _sync_once(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            self._refusal = error.strerror or str(error)

    def busy(self, running: bool) -> None:
        """Say whether anybody may be writing: only then syncs are worth it."""
        if running:
            self._busy.set()
        else:
            self._busy.clear()

    def now(self) -> None:
        """Put everything recorded so far on the disk; raises OSError."""
        if self._how != "flush":
            self._journal.sync()

    def tend(self) -> str:
        """Begin the thread if none could be started so far; why the disk has refused something since, "" if not."""
        if self._how == "group" and self._thread is None:
            self._begin()
            if self._thread is None:
                self._sync_once()
        refusal, self._refusal = self._refusal, ""
        return self._journal.take_refusal() or refusal

    def close(self) -> None:
        """Sync no more."""
        self._over.set()
        self._busy.set()
        if self._thread is not None:
            self._thread.join()
