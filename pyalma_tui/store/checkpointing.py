"""When a checkpoint is begun, in a thread where there can be one, how it ends, and what it lets go of."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from pyalma_tui.errors import Failure, StoreError
from pyalma_tui.model.records import Checkpointed
from pyalma_tui.prctl import give_memory_back
from pyalma_tui.store import checkpoint, layout
from pyalma_tui.store.background import begun
from pyalma_tui.store.checkpoint import Checkpoint
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.row_files import MovedRows
from pyalma_tui.store.schema import Meta

RETRY = 5.0  # seconds after a checkpoint that failed
CALM = 0.3  # seconds in which nobody runs: who ends with the last run writes a checkpoint anyway
LARGE = 20_000  # runs whose text is worth giving its memory back


class Checkpointing:
    """Owned by the runner's thread; the thread that writes gets frozen data only. Times of time.monotonic.

    `meta` is what the last checkpoint says of the experiment as a whole, with what was chosen since. `planned` tells
    whether `db.json` knows every run. `not_saved` is what the disk has refused since it took a checkpoint.
    """

    def __init__(
        self,
        state_dir: Path,
        meta: Meta,
        ledger: Ledger,
        journal: Journal,
        foreign: Mapping[str, msgspec.Raw],
        *,
        planned: bool,
        umask: int,
    ) -> None:
        """`foreign` are the tables of `db.json` that are not ours, as JSON text."""
        self.meta = meta
        self.planned = planned
        self.not_saved: Failure | None = None
        self._state_dir = state_dir
        self._ledger = ledger
        self._journal = journal
        self._foreign = dict(foreign)
        self._umask = umask
        self._writer: threading.Thread | None = None
        self._written: tuple[Meta, MovedRows] | None = None
        self._error = ""
        self._next = 0.0
        self._busy = 0.0  # when somebody ran last
        self._chosen_since = False  # whether something was chosen that no checkpoint has yet

    def choose(self, **changes: Any) -> None:
        """Remember what the user has chosen just now, by the names of the fields of Chosen."""
        self.meta = msgspec.structs.replace(self.meta, chosen=msgspec.structs.replace(self.meta.chosen, **changes))
        self._chosen_since = True

    def renew(self, *, code: str, module_hash: str) -> None:
        """Remember which code workers have since just now."""
        self.meta = msgspec.structs.replace(self.meta, code=code, module_hash=module_hash)
        self._chosen_since = True

    def replace(self, ledger: Ledger) -> None:
        """From now on this is what is true."""
        self._ledger = ledger

    def refused(self, why: str, *, at_once: bool = False) -> None:
        """The disk has refused something of ours that memory has: a checkpoint is wanted, `at_once` if it may help."""
        self.not_saved = StoreError(f"{self._state_dir}: {why}").failure
        if at_once:
            self._next = 0.0

    # --- when --------------------------------------------------------------------------------------------------------

    def begin_if_due(self, now: float, *, idle: bool, unsafe: bool) -> None:
        """Begin one in the background if it is time.

        `idle` tells that nobody runs, `unsafe` that something is in segments only that cannot be trusted.
        """
        journal = self._journal
        if not idle:
            self._busy = now
        calm = now - self._busy >= CALM
        wanted = journal.due or (calm and journal.changed) or self.not_saved or unsafe or self._chosen_since
        if wanted and self._writer is None and now >= self._next:
            self._next = now + RETRY if self.not_saved else now
            self.begin()

    @property
    def is_writing(self) -> bool:
        """Whether one was begun that is not finished."""
        return self._writer is not None

    def write_now(self) -> None:
        """Write one and wait for it; raises StoreError."""
        self.finish(wait=True)
        self.begin()
        self.finish(wait=True)
        self.check()

    def check(self) -> None:
        """Raise StoreError if the last one could not be written."""
        if self._error:
            raise StoreError(
                f"store: {layout.database(self._state_dir)}: {self._error}. "
                f"The journal beside it keeps what was saved; make room or allow writing, then start again"
            )

    # --- one checkpoint ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Freeze what is true now, and have it written."""
        self._journal.changed = self._chosen_since = False
        meta = msgspec.structs.replace(
            self.meta, serial=self.meta.serial + 1, done_hook=self._ledger.hook, folded=self._journal.positions()
        )
        frozen = Checkpoint(meta, self._ledger.instances, self._ledger.runs.freeze(), self._foreign)
        idle = self._journal.rows.idle() - self._ledger.files_of_forgotten()
        self._writer = begun("pyalma-tui-checkpoint", lambda: self._write(frozen, idle), daemon=False)
        if self._writer is None:  # the journals must not grow for ever: the runner waits for it
            self._write(frozen, idle)
            self._conclude()

    def _write(self, frozen: Checkpoint, idle: frozenset[str]) -> None:
        """Write it, after the rows that count in it; `idle` are the files of rows that nobody appends to any more."""
        rows = self._journal.rows
        try:
            rows.sync()
            moved = rows.tidy(frozen.runs, idle)
            if moved.places:
                frozen = msgspec.structs.replace(frozen, runs=[moved.in_run(run) for run in frozen.runs])
            checkpoint.write_checkpoint(self._state_dir, frozen, self._umask)
            if len(frozen.runs) >= LARGE:
                give_memory_back()
        except OSError as error:
            self._error = error.strerror or str(error)
        except BaseException as error:  # a defect must not look like a success
            self._error = f"{type(error).__name__}: {error}"
            raise
        else:
            self._error = ""
            self._written = frozen.meta, moved

    def finish(self, *, wait: bool) -> None:
        """Draw the conclusions of one that has been written or refused; `wait` for it if there is one."""
        if self._writer is None or (self._writer.is_alive() and not wait):
            return
        self._writer.join()
        self._writer = None
        self._conclude()

    def _conclude(self) -> None:
        if self._error:
            self.not_saved = StoreError(f"{layout.database(self._state_dir)}: {self._error}").failure
            self._journal.changed = True
        if self._written is not None:
            meta, moved = self._written
            self.meta = msgspec.structs.replace(meta, chosen=self.meta.chosen)
            self._written, self.not_saved = None, None
            self.planned = True
            self._ledger.place_rows(moved)
            self._let_go(moved)

    def _let_go(self, moved: MovedRows) -> None:
        """Remove what the checkpoint contains or has elsewhere; first say so in a segment that stays.

        So a backup that is restored is known.
        """
        journal = self._journal
        try:
            changed = journal.changed
            journal.append(Checkpointed(self.meta.serial, self.meta.identity))
            journal.changed = changed
            journal.sync()
            if journal.due:
                journal.retire()
            journal.checkpointed(self.meta.folded)
            journal.rows.let_go(moved.left)
        except OSError as error:  # they stay: folding them again is harmless
            self.refused(error.strerror or str(error))

    def leave_segment(self) -> None:
        """The disk has refused what our segment holds: go on in another, so that the next checkpoint contains it."""
        with suppress(OSError):
            self._journal.retire()

    def close(self) -> None:
        """Wait for what is being written."""
        if self._writer is not None:
            self._writer.join()
