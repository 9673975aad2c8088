"""What one start of an experiment holds: the lock, the ledger, the journal, and what is told."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from pyalma_tui.errors import Failure, IllegalTransitionError, InputError, StoreError
from pyalma_tui.loading.local_code import code_root, module_name
from pyalma_tui.loading.target import no_instances
from pyalma_tui.model.code import Code
from pyalma_tui.model.completion import identity_of
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.messages import Loaded
from pyalma_tui.model.plan import refuse_too_many
from pyalma_tui.model.printable import printable
from pyalma_tui.model.records import Imported, Note, Record
from pyalma_tui.runner.outdated import CodeNow
from pyalma_tui.runner.settings import Settings
from pyalma_tui.store import layout, leases, opening, rows
from pyalma_tui.store.abandoned import ends_of
from pyalma_tui.store.belonging import refuse_another
from pyalma_tui.store.checkpointing import Checkpointing
from pyalma_tui.store.creation import prepare
from pyalma_tui.store.disk import open_regular, umask_now
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.kept_code import grown_from, keep_code, read_code
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.mending import Mended, Mending, kept_aside
from pyalma_tui.store.opening import Store
from pyalma_tui.store.ours import refuse_disguised
from pyalma_tui.store.planning import Planned, plan_start
from pyalma_tui.store.row_files import RowFiles
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.syncing import Syncing

WAITED_FOR = 5_000  # runs: their first checkpoint takes 20 ms; for that of 100,000 the screen does not wait


class Session:
    """Opened by one thread, then owned by the runner's.

    `batch` are today's instances by id, `order` their runs in the order of dispatch. `loaded` is the code that workers
    have, `code` the copy that later ones import, `codes` what runs make of it. `umask` is that of the session's start.
    """

    def __init__(self, settings: Settings, module_hash: str, has_done: bool, files: dict[str, str] | None = None):
        """Open or make the state directory; `files` are those of the code that was loaded, None if it was not.

        Raises StoreError, InUseError, InputError; then nothing was changed.
        """
        if settings.batch is None and not os.path.exists(settings.state_dir):
            raise InputError(no_instances(settings.module))
        refuse_too_many(settings.target, len(settings.batch or ()), settings.iterations or 1)
        self.state_dir = settings.state_dir
        self.umask = umask_now()
        try:
            refuse_disguised(self.state_dir)
            prepare(self.state_dir, self.umask)
        except OSError as error:
            where = error.filename or self.state_dir
            raise StoreError(
                f"state directory: {where}: {error.strerror}. Nothing was started; --state DIR chooses another place"
            ) from error
        self._root = code_root(settings.module)
        self.loaded = Code(module_name(settings.module), files or {module_name(settings.module): module_hash})
        self._lock = Lock(self.state_dir, time.time(), self.umask)
        try:
            self._open(settings, module_hash, has_done, was_loaded=files is not None)
        except OSError as error:
            self._lock.close()
            where = error.filename or self.state_dir
            raise StoreError(f"store: {where}: {error.strerror}. Nothing was started") from error
        except BaseException:
            self._lock.close()
            raise
        self._syncing = Syncing(self.journal, settings.sync)
        self.leases: leases.Leases | None = None  # of workers on other hosts

    # --- opening -----------------------------------------------------------------------------------------------------

    def _open(self, settings: Settings, module_hash: str, has_done: bool, *, was_loaded: bool) -> None:
        leases.wait_out(self.state_dir)
        store = opening.read_store(self.state_dir, settings.batch, alone=True)
        if store is None and settings.batch is None:
            raise InputError(no_instances(settings.module))
        if store is not None:
            refuse_another(self.state_dir, store.meta, settings.target, settings.module, lambda: module_hash)
        planned = plan_start(
            store, settings.batch, settings.iterations, settings.seed, settings.target, has_done=has_done
        )
        if not planned.batch and settings.batch is None and not settings.paused:  # all of them were removed
            raise InputError(no_instances(settings.module))
        self.ledger = planned.ledger
        self.batch = planned.batch
        self.order = planned.order
        segments = opening.segments(layout.journal(self.state_dir))
        meta = _meta(store.meta if store else Meta(), segments, planned, settings, module_hash)
        meta = msgspec.structs.replace(meta, code=self.loaded.identity if was_loaded else meta.code)
        self.codes = frozenset([module_hash, *grown_from(self.state_dir, meta.code)])
        self.code = keep_code(self.state_dir, self._root, self.loaded, self.umask)
        self.journal = Journal(
            layout.journal(self.state_dir),
            meta.session,
            store.folded if store else dict.fromkeys(segments, 0),
            RowFiles(layout.rows(self.state_dir), meta.session, self.umask),
            synced=settings.sync == "fsync",
            umask=self.umask,
        )
        self._checkpointing = Checkpointing(
            self.state_dir,
            meta,
            self.ledger,
            self.journal,
            store.foreign if store else {},
            planned=True,
            umask=self.umask,
        )
        self._mending = Mending(self.state_dir, self._lock, self.journal, self._checkpointing, self.code, self.umask)
        self.ledger.forgotten.clear()  # an undo belongs to the session in which it was done
        self.ledger.notes = ()  # what earlier sessions were told is in the session log
        self._tell(store, settings, planned.growth)
        for end in list(ends_of(self.ledger)):  # what ran when the last session was killed is run by nobody now
            self.write(end)
        # run ids are in the journal from now on: what they mean must be durable before the first run is dispatched
        self._checkpointing.planned = store is not None and self.ledger is store.ledger
        self._checkpointing.begin()
        if len(self.order) <= WAITED_FOR:
            self._checkpointing.finish(wait=True)
            self._checkpointing.check()

    def _tell(self, store: Store | None, settings: Settings, growth: str) -> None:
        for text in (*settings.warnings, *settings.told):
            self.note(text)
        if store is None:
            return
        journal = self.journal.directory
        for name, lines in store.damaged.items():
            kept = kept_aside(journal, name, "damaged")
            self.note(f"{lines} damaged or torn line(s) of {name} were skipped; {kept}")
        for name in store.stale:
            kept = kept_aside(journal, name, "stale")
            self.note(f"{name} is older than {layout.DATABASE}, as from a backup: nothing of it was taken in; {kept}")
        if lost := rows.missing(layout.rows(self.state_dir), store.ledger.runs, store.recorded):
            self.note(lost)
        if growth:
            self.note(f"the batch has changed: {growth}; nothing finished is redone")
        if settings.seed is not None and store.meta.session and settings.seed != store.meta.seed:
            self.note(f"--seed {settings.seed} is ignored: this experiment was planned with seed {store.meta.seed}")

    # --- what is true ------------------------------------------------------------------------------------------------

    @property
    def results(self) -> str:
        """The identity of what is done of all that is planned."""
        return identity_of(self.ledger.run(number) for number in self.order)

    @property
    def meta(self) -> Meta:
        """What `db.json` says of the experiment as a whole, with what was chosen since."""
        return self._checkpointing.meta

    @property
    def place(self) -> CodeNow:
        """Where the code is."""
        return CodeNow(self.state_dir, self._root, self.loaded.module)

    @property
    def lock_fd(self) -> int:
        """The descriptor that workers share."""
        return self._lock.fd

    @property
    def not_saved(self) -> Failure | None:
        """Why the disk does not have what memory knows, None if it has, or has not been asked since."""
        return self._checkpointing.not_saved

    @not_saved.setter
    def not_saved(self, failure: Failure | None) -> None:
        self._checkpointing.not_saved = failure

    # --- writing -----------------------------------------------------------------------------------------------------

    def write(self, record: Record) -> Run | None:
        """Record something ourselves; the run after it. On a full disk memory knows it, and the next checkpoint.

        A record of a run waits until its id is known to `db.json`; raises StoreError if it cannot be.
        """
        if self._mending.evicted:
            return self.ledger.apply(record)
        if not self.planned and not isinstance(record, Note):
            self._checkpointing.finish(wait=True)
            self._checkpointing.check()
        try:
            self.journal.append(record)
        except OSError as error:
            self._checkpointing.refused(error.strerror or str(error), at_once=True)
        return self.ledger.apply(record)

    def write_durably(self, record: Record) -> None:
        """Record something that must be on the disk before what it announces, and all before it; raises OSError."""
        self.journal.append_durably(record)
        self.ledger.apply(record)

    def note(self, text: str) -> None:
        """Tell the user something, now and in the session log."""
        note = Note(time.time(), text)
        self.write(note)
        self._log(note)

    def _log(self, note: Note) -> None:
        if self._mending.evicted:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(note.at))
        path, flags = layout.session_log(self.state_dir), os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            with os.fdopen(open_regular(path, flags, self.umask), "a", encoding="utf-8") as log:
                log.write(f"{stamp} {printable(note.text)}\n")
        except OSError as error:
            self._checkpointing.refused(error.strerror or str(error))

    def renew(self, loaded: Loaded) -> None:
        """From now on this is the code that workers have."""
        module = self.loaded.module
        self.loaded = Code(module, loaded.files or {module: loaded.hash})
        self.code = None
        with suppress(OSError):  # workers read the module itself then
            self.code = keep_code(self.state_dir, self._root, self.loaded, self.umask)
        self.codes = frozenset([loaded.hash, *grown_from(self.state_dir, self.loaded.identity)])
        self._mending.code = self.code
        self._checkpointing.renew(code=self.loaded.identity, module_hash=loaded.hash)

    def replan(self, ledger: Ledger, order: Sequence[int]) -> None:
        """This is what is true, and run, from now on, durably with the next checkpoint."""
        self.ledger, self.order = ledger, order
        self._checkpointing.replace(ledger)

    def choose(self, **changes: Any) -> None:
        """Remember what the user has chosen just now, by the names of the fields of Chosen."""
        self._checkpointing.choose(**changes)

    def absorb(self, records: Iterable[Record]) -> list[tuple[Record, Run | None]]:
        """Take in what workers wrote; each record with the run after it."""
        changes: list[tuple[Record, Run | None]] = []
        for record in records:
            try:
                run = self.ledger.apply(record)
            except (IllegalTransitionError, IndexError) as error:  # as an opening would take it
                self.note(f"a record of the journal does not fit what is known, and is not taken in: {error}")
                continue
            if isinstance(record, Imported):  # nothing has happened to the run by it
                self._learn_code(record.code)
                continue
            changes.append((record, run))
            if isinstance(record, Note):
                self._log(record)
        return changes

    def _learn_code(self, code: str) -> None:
        """A run has imported more: what has grown from a code of before does not count as that of the session."""
        if code not in self.codes and read_code(self.state_dir, code, "").base in ("", self.loaded.identity):
            self.codes |= {code}

    # --- what is on the disk -----------------------------------------------------------------------------------------

    def busy(self, running: bool) -> None:
        """Say whether anybody may be writing: only then syncs are worth it."""
        self._syncing.busy(running)

    def sync_now(self) -> None:
        """Put everything recorded so far on the disk, unless nobody wants that; raises OSError."""
        self._syncing.now()

    def mend(self) -> Mended:
        """Report and mend what others did to our files; raises InUseError if another process has taken the place."""
        return self._mending.look(self.leases)

    def tend(self, now: float, idle: bool) -> None:
        """Begin or finish a checkpoint in the background if it is time; `now` of time.monotonic."""
        self._checkpointing.finish(wait=False)  # before it is said what the disk has refused since it was begun
        if refusal := self._syncing.tend():
            self._checkpointing.refused(refusal, at_once=True)
            self._checkpointing.leave_segment()
        self._checkpointing.begin_if_due(now, idle=idle, unsafe=self._mending.is_unsafe())

    @property
    def unsettled(self) -> bool:
        """Whether `tend` has something to begin, to finish or to try again."""
        return bool(self.journal.changed or self.not_saved or self._checkpointing.is_writing)

    def checkpoint(self) -> None:
        """Write one now and wait for it; raises StoreError."""
        self._checkpointing.write_now()

    @property
    def planned(self) -> bool:
        """Whether `db.json` knows every run, so that some may be dispatched."""
        return self._checkpointing.planned

    def refuse_unplanned(self) -> None:
        """Raise StoreError if the first checkpoint could not be written: nothing can be started then."""
        if not self.planned:
            self._checkpointing.check()

    def close(self) -> None:
        """Write the last checkpoint, remove the journal it contains, let go of the lock.

        Raises StoreError, and InUseError if another process has taken the place; then nothing is written.
        """
        self._syncing.close()
        try:
            if self._mending.evicted:
                return
            for text in self.mend().notes:
                self.note(text)
            self.journal.retire()
            self.ledger.forgotten.clear()  # nobody can undo it any more: its rows may go
            self.checkpoint()
            self.journal.close()
            self.journal.remove_own()
        except OSError as error:
            raise StoreError(f"store: {self.state_dir}: {error.strerror}. The journal keeps what was saved") from error
        finally:
            self._checkpointing.close()
            self.journal.close()
            self._lock.close()


def _meta(old: Meta, segments: Sequence[str], planned: Planned, settings: Settings, module_hash: str) -> Meta:
    """What the first checkpoint of this start says of the experiment as a whole."""
    return msgspec.structs.replace(
        old,
        identity=old.identity or os.urandom(8).hex(),
        session=max([old.session, *map(layout.session_of, segments)]) + 1,
        target=str(settings.target),
        module=str(settings.module),
        module_hash=module_hash,
        iterations=planned.iterations,
        seed=planned.seed,
        chosen=settings.chosen if settings.chosen is not None else old.chosen,
    )
