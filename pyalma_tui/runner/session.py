"""What one start of an experiment holds on disk: lock, ledger, journal, checkpoints."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pyalma_tui.errors import IllegalTransitionError, InputError, InUseError, StoreError
from pyalma_tui.loading.target import refuse_too_many
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen, Sync
from pyalma_tui.model.completion import concerning, identified, identity_of
from pyalma_tui.model.experiment import Run, cut_off
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import dispatch_order
from pyalma_tui.model.printable import printable
from pyalma_tui.model.records import Note, Record
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.store import layout, opening, planning
from pyalma_tui.store.abandoned import ends_of
from pyalma_tui.store.belonging import refuse_another
from pyalma_tui.store.creation import prepare
from pyalma_tui.store.disk import open_regular, umask_now
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.kept_code import keep_code
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.ours import refuse_disguised
from pyalma_tui.store.schema import Meta

GROUP = 0.05  # seconds between two syncs of all segments
WAITED_FOR = 5_000  # runs: their first checkpoint takes 20 ms; for that of 100,000 the screen does not wait
RETRY_CHECKPOINT = 5.0  # seconds after one that failed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to run and how; times in seconds.

    `batch` are today's instances, None for those that the state directory remembers. `iterations` and `seed` are None
    where the user did not say. `only` is the one run to call, in the foreground with the terminal, if one is debugged.
    `chosen` is what stays for the next start, None for what it has been so far; `told` are lines for the user about
    that. `warnings` are what was found wrong with the input, told already on stderr.
    """

    target: Path
    module: Path
    state_dir: Path
    batch: Sequence[Instance] | None = None
    iterations: int | None = None
    seed: int | None = None
    workers: int = 1
    grace: float = 10.0
    sync: Sync = "group"
    timeout: float | None = None
    retries: int = 0
    paused: bool = False
    retry_failed: bool = False
    rerun_done: bool = False
    no_done: bool = False
    only: int | None = None
    chosen: Chosen | None = None
    told: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Mended(msgspec.Struct, frozen=True):
    """What others did to our files: what to tell of it, and the writers that must go on in new segments."""

    notes: tuple[str, ...] = ()
    writers: frozenset[str] = frozenset()


class Session:
    """Opened by one thread, then owned by the runner's; the sync and checkpoint threads get frozen data only."""

    def __init__(self, settings: Settings, module_hash: str, has_done: bool) -> None:
        """Open or make the state directory. Raises StoreError, InUseError, InputError; then nothing was changed."""
        if settings.batch is None and not os.path.exists(settings.state_dir):
            raise InputError(no_instances(settings.module))
        refuse_too_many(settings.target, len(settings.batch or ()), settings.iterations or 1)
        self.state_dir = settings.state_dir
        self.not_saved = ""
        self._writer: threading.Thread | None = None
        self._written: Meta | None = None
        self._write_error = ""
        self._next_checkpoint = 0.0
        self._sync = settings.sync
        self._sync_failed = ""
        self._left: set[str] = set()  # segments that their writers were asked to leave, because they cannot be trusted
        self._leaving = False  # whether something is still appended to one of these
        self._evicted = False  # whether another process has taken our place: then nothing is written any more
        self._unrecorded = False  # whether something was chosen that no checkpoint has yet
        self.planned = True  # whether `db.json` knows every run
        self._stop_sync = threading.Event()
        self._busy = threading.Event()
        self.umask = umask_now()
        try:
            refuse_disguised(self.state_dir)
            prepare(self.state_dir, self.umask)
        except OSError as error:
            where = error.filename or self.state_dir
            raise StoreError(
                f"state directory: {where}: {error.strerror}. Nothing was started; --state DIR chooses another place"
            ) from error
        self._lock = Lock(self.state_dir, time.time(), self.umask)
        try:
            self._open(settings, module_hash, has_done)
        except OSError as error:
            self._lock.close()
            where = error.filename or self.state_dir
            raise StoreError(f"store: {where}: {error.strerror}. Nothing was started") from error
        except BaseException:
            self._lock.close()
            raise
        self._syncer = self._begin_syncing()

    def _open(self, settings: Settings, module_hash: str, has_done: bool) -> None:
        store = opening.read_store(self.state_dir)
        if store is None and settings.batch is None:
            raise InputError(no_instances(settings.module))
        if store is not None:
            refuse_another(self.state_dir, store.meta, settings.target, settings.module, lambda: module_hash)
        fresh = store is None or not store.meta.session
        seed = settings.seed
        if store is not None:
            planned = _planned(store.ledger, store.meta.iterations)
            store.ledger.hook = identified(cut_off(store.ledger.hook), planned)  # nobody calls it now: the lock is ours
        if store is None or fresh:
            batch = list(settings.batch or ())
            seed = seed if seed is not None else int.from_bytes(os.urandom(4), "big")
            iterations = settings.iterations or 1
            self.ledger = planning.new_ledger(batch, iterations, seed)
            self.batch: Sequence[int] = range(len(batch))
            growth = ""
        else:
            iterations = settings.iterations or store.meta.iterations
            seed = store.meta.seed
            known = [i for i in store.ledger.instances if i.in_batch]
            today = known if settings.batch is None else settings.batch
            refuse_too_many(settings.target, len(today), iterations)
            self.ledger, self.batch, change = planning.merge(store.ledger, today, iterations, seed)
            growth = change.text
        if not self.batch and settings.batch is None and not settings.paused:  # all of them were removed
            raise InputError(no_instances(settings.module))
        self.order = list(dispatch_order(self.ledger.runs.freeze(), self.batch, iterations))
        self.ledger.hook = _hook_of(concerning(self.ledger.hook, self._completed()), has_done)
        old = store.meta if store else Meta()
        segments = opening.segments(layout.journal(self.state_dir))
        self.meta = msgspec.structs.replace(
            old,
            identity=old.identity or os.urandom(8).hex(),
            session=max([old.session, *map(layout.session_of, segments)]) + 1,
            target=str(settings.target),
            module=str(settings.module),
            module_hash=module_hash,
            iterations=iterations,
            seed=seed,
            chosen=settings.chosen if settings.chosen is not None else old.chosen,
        )
        self.code = keep_code(self.state_dir, settings.module, module_hash, self.umask)
        self._foreign = store.foreign if store else {}
        folded = store.folded if store else dict.fromkeys(segments, 0)
        synced = settings.sync == "fsync"
        self.journal = Journal(
            layout.journal(self.state_dir), self.meta.session, folded, synced=synced, umask=self.umask
        )
        self.ledger.notes = ()  # what earlier sessions were told is in the session log
        self._tell(store, settings, module_hash, growth)
        self._end_lost_attempts()
        # run ids are in the journal from now on: what they mean must be durable before the first run is dispatched
        self.planned = store is not None and self.ledger is store.ledger
        self._begin_checkpoint()
        if len(self.order) <= WAITED_FOR:
            self._finish_checkpoint(wait=True)
            self._raise_write_error()

    def _completed(self) -> str:
        """The identity of all results that are planned, "" as long as some are not there or done() was never called."""
        planned = [self.ledger.run(number) for number in self.order] if self.ledger.hook.calls else []
        return self.results if planned and all(isinstance(run.status, s.Done) for run in planned) else ""

    @property
    def results(self) -> str:
        """The identity of what is done of all that is planned."""
        return identity_of(self.ledger.run(number) for number in self.order)

    def _tell(self, store: opening.Store | None, settings: Settings, module_hash: str, growth: str) -> None:
        for text in (*settings.warnings, *settings.told):
            self.note(text)
        if store is None:
            return
        for name, lines in store.damaged.items():
            self.note(f"{lines} damaged or torn line(s) of {name} were skipped; {self._keep_aside(name, 'damaged')}")
        for name in store.stale:
            fate = self._keep_aside(name, "stale")
            self.note(f"{name} is older than {layout.DATABASE}, as from a backup: nothing of it was taken in; {fate}")
        if growth:
            self.note(f"the batch has changed: {growth}; nothing finished is redone")
        if store.meta.module_hash and store.meta.module_hash != module_hash:
            change = f"{store.meta.module_hash} → {module_hash}"
            self.note(f"{settings.module.name} has changed since the last start ({change}); finished runs are kept")
        if settings.seed is not None and store.meta.session and settings.seed != store.meta.seed:
            self.note(f"--seed {settings.seed} is ignored: this experiment was planned with seed {store.meta.seed}")

    def _keep_aside(self, segment: str, why: str) -> str:
        """Give a segment a second name, which no checkpoint removes; what became of it."""
        path = layout.journal(self.state_dir) / segment
        kept = path.with_name(layout.aside_name(segment, why, time.strftime("%Y%m%d-%H%M%S")))
        try:
            os.link(path, kept)
        except OSError as error:  # a file system without links, or one of this second is there already
            return f"the file could not be kept ({error.strerror})"
        return f"the file is kept as {kept.name}"

    def _end_lost_attempts(self) -> None:
        """Runs that were running when the last session ended without a word are interrupted: nobody runs them now."""
        for end in list(ends_of(self.ledger)):
            self.write(end)

    @property
    def lock_fd(self) -> int:
        """The descriptor that workers share."""
        return self._lock.fd

    def write(self, record: Record) -> Run | None:
        """Record something ourselves; the run after it. On a full disk memory knows it, and the next checkpoint.

        A record of a run waits until its id is known to `db.json`; raises StoreError if it cannot be.
        """
        if self._evicted:
            return self.ledger.apply(record)
        if not self.planned and not isinstance(record, Note):
            self._finish_checkpoint(wait=True)
            self._raise_write_error()
        try:
            self.journal.append(record)
        except OSError as error:
            self.not_saved = f"{self.state_dir}: {error.strerror}"
            self._next_checkpoint = 0.0
        return self.ledger.apply(record)

    def write_durably(self, record: Record) -> None:
        """Record something that must be on the disk before what it announces, however we sync; raises OSError."""
        self.sync_now()
        self.journal.append_durably(record)
        self.ledger.apply(record)

    def note(self, text: str) -> None:
        """Tell the user something, now and in the session log."""
        note = Note(time.time(), text)
        self.write(note)
        self._log(note)

    def choose(self, **changes: Any) -> None:
        """Remember what the user has chosen just now, by the names of the fields of Chosen."""
        self.meta = msgspec.structs.replace(self.meta, chosen=msgspec.structs.replace(self.meta.chosen, **changes))
        self._unrecorded = True

    def _log(self, note: Note) -> None:
        if self._evicted:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(note.at))
        path, flags = layout.session_log(self.state_dir), os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            with os.fdopen(open_regular(path, flags, self.umask), "a", encoding="utf-8") as log:
                log.write(f"{stamp} {printable(note.text)}\n")
        except OSError as error:
            self.not_saved = f"{self.state_dir}: {error.strerror}"

    def mend(self) -> Mended:
        """Write anew what somebody has removed of our files, and keep a copy of what somebody has damaged.

        What memory knows is in a checkpoint then; who writes what cannot be trusted has to go on in a new segment.
        Raises InUseError if another process has taken the place meanwhile.
        """
        notes = []
        for name, lines in self.journal.take_damaged().items():
            notes.append(f"{lines} damaged line(s) of {name} were skipped; {self._keep_aside(name, 'damaged')}")
        begun = self.meta.serial > 0  # before the first checkpoint is on the disk nobody can have removed it
        gone = not self.journal.own_in_place or (begun and not os.path.exists(layout.database(self.state_dir)))
        unlocked = not self._lock.in_place
        removed = {writer: name for writer, name in self.journal.removed.items() if name not in self._left}
        refused = {writer: name for writer, name in self.journal.refused.items() if name not in self._left}
        try:
            if gone:
                prepare(self.state_dir, self.umask)
            if unlocked:
                self._lock_anew()
            if gone:
                self._write_anew()
        except (OSError, StoreError) as error:
            self.not_saved = f"{self.state_dir}: it was removed, and cannot be made anew: {error}"
            return Mended(tuple(notes))
        anew = "what it held is written anew from memory"
        if gone:
            notes.append(f"{self.state_dir} was removed while it was in use; it is written anew from memory")
        else:
            notes += [f"{name} was removed while it was in use; {anew}" for name in removed.values()]
            notes += [f"{layout.lock(self.state_dir)} was removed while it was in use; it is taken anew"] * unlocked
        notes += [f"the disk has refused {name}; {anew}" for name in refused.values()]
        if removed or refused:
            self._left.update(removed.values(), refused.values())
            self._leaving = self.journal.changed = True
        return Mended(tuple(notes), frozenset(removed | refused))

    def _lock_anew(self) -> None:
        try:
            lock = Lock(self.state_dir, time.time(), self.umask)
        except InUseError:
            self._evicted = True
            self.journal.close()  # also nothing is carried over from what workers have left
            raise
        self._lock.close()
        self._lock = lock

    def _write_anew(self) -> None:
        self.journal.retire()
        if self.code is not None:
            self.code.write(self.umask)
        self.checkpoint()

    def absorb(self, records: Iterable[Record]) -> list[tuple[Record, Run | None]]:
        """Take in what workers wrote; each record with the run after it."""
        changes = []
        for record in records:
            try:
                changes.append((record, self.ledger.apply(record)))
            except (IllegalTransitionError, IndexError) as error:  # as an opening would take it
                self.note(f"a record of the journal does not fit what is known, and is not taken in: {error}")
            if isinstance(record, Note):
                self._log(record)
        return changes

    def busy(self, running: bool) -> None:
        """Say whether anybody may be writing: only then syncs are worth it."""
        if running:
            self._busy.set()
        else:
            self._busy.clear()

    def sync_now(self) -> None:
        """Put everything recorded so far on the disk; raises OSError."""
        if self._sync != "flush":
            self.journal.sync()

    def _begin_syncing(self) -> threading.Thread | None:
        """The thread that syncs, if there shall be one and it can be started."""
        return _begin("pyalma-tui-sync", self._sync_often) if self._sync == "group" else None

    def _sync_often(self) -> None:
        while self._busy.wait() and not self._stop_sync.wait(GROUP):
            self._sync_once()

    def _sync_once(self) -> None:
        try:
            self.journal.sync()
        except OSError as error:
            self._sync_failed = error.strerror or str(error)

    # --- checkpoints ---------------------------------------------------------------------------------------------

    def checkpoint(self) -> None:
        """Write one now and wait for it; raises StoreError."""
        self._finish_checkpoint(wait=True)
        self._begin_checkpoint()
        self._finish_checkpoint(wait=True)
        self._raise_write_error()

    def refuse_unplanned(self) -> None:
        """Raise StoreError if the first checkpoint could not be written: nothing can be started then."""
        if not self.planned:
            self._raise_write_error()

    def _raise_write_error(self) -> None:
        if self._write_error:
            raise StoreError(
                f"store: {layout.database(self.state_dir)}: {self._write_error}. "
                f"The journal beside it keeps what was saved; make room or allow writing, then start again"
            )

    def tend(self, now: float, idle: bool) -> None:
        """Begin or finish a checkpoint in the background if it is time; `now` of time.monotonic."""
        self._finish_checkpoint(wait=False)
        if self._sync == "group" and self._syncer is None:
            self._syncer = self._begin_syncing()
            if self._syncer is None:
                self._sync_once()
        if self._sync_failed:
            self.not_saved, self._sync_failed = f"{self.state_dir}: {self._sync_failed}", ""
            with contextlib.suppress(OSError):  # the next checkpoint has what the old segment may have lost
                self.journal.retire()
            self._next_checkpoint = 0.0
        unsafe = self._leaving and self.journal.changed
        if not unsafe:  # writers move on one after the other
            self._leaving = self._leaving and bool(self.journal.removed or self.journal.refused)
        wanted = self.journal.due or (idle and self.journal.changed) or self.not_saved or unsafe or self._unrecorded
        if wanted and self._writer is None and now >= self._next_checkpoint:
            self._next_checkpoint = now + RETRY_CHECKPOINT if self.not_saved else now
            self._begin_checkpoint()

    def _begin_checkpoint(self) -> None:
        self.journal.changed = self._unrecorded = False
        meta = msgspec.structs.replace(
            self.meta, serial=self.meta.serial + 1, done_hook=self.ledger.hook, folded=self.journal.positions()
        )
        frozen = opening.Checkpoint(meta, self.ledger.instances, self.ledger.runs.freeze(), self._foreign)
        self._writer = _begin("pyalma-tui-checkpoint", lambda: self._write(frozen), daemon=False)
        if self._writer is None:  # the journals must not grow for ever: the runner waits for it
            self._write(frozen)
            self._conclude_checkpoint()

    def _write(self, checkpoint: opening.Checkpoint) -> None:
        try:
            opening.write_checkpoint(self.state_dir, checkpoint, self.umask)
        except OSError as error:
            self._write_error = error.strerror or str(error)
        except BaseException as error:  # a defect must not look like a success
            self._write_error = f"{type(error).__name__}: {error}"
            raise
        else:
            self._write_error = ""
            self._written = checkpoint.meta

    def _finish_checkpoint(self, *, wait: bool) -> None:
        if self._writer is None or (self._writer.is_alive() and not wait):
            return
        self._writer.join()
        self._writer = None
        self._conclude_checkpoint()

    def _conclude_checkpoint(self) -> None:
        if self._write_error:
            self.not_saved = f"{layout.database(self.state_dir)}: {self._write_error}"
            self.journal.changed = True
        if self._written is not None:
            self.meta = msgspec.structs.replace(self._written, chosen=self.meta.chosen)
            self._written, self.not_saved = None, ""
            self.planned = True
            self._let_go()

    def _let_go(self) -> None:
        """Remove segments that the checkpoint contains; first say so in one that stays, for a restored backup."""
        try:
            changed = self.journal.changed
            self.journal.append(opening.checkpoint_note(self.meta))
            self.journal.changed = changed
            self.journal.sync()
            if self.journal.due:
                self.journal.retire()
            self.journal.checkpointed(self.meta.folded)
        except OSError as error:  # they stay: folding them again is harmless
            self.not_saved = f"{self.state_dir}: {error.strerror}"

    def close(self) -> None:
        """Write the last checkpoint, remove the journal it contains, let go of the lock.

        Raises StoreError, and InUseError if another process has taken the place; then nothing is written.
        """
        self._stop_sync.set()
        self._busy.set()
        if self._syncer is not None:
            self._syncer.join()
        try:
            if self._evicted:
                return
            for text in self.mend().notes:
                self.note(text)
            self.journal.retire()
            self.checkpoint()
            self.journal.close()
            self.journal.remove_own()
        except OSError as error:
            raise StoreError(f"store: {self.state_dir}: {error.strerror}. The journal keeps what was saved") from error
        finally:
            if self._writer is not None:
                self._writer.join()
            self.journal.close()
            self._lock.close()


def _begin(name: str, target: Callable[[], None], *, daemon: bool = True) -> threading.Thread | None:
    """A thread that has begun, None if none can be started now."""
    thread = threading.Thread(target=target, name=name, daemon=daemon)
    try:
        thread.start()
    except RuntimeError as error:
        if not is_shortage(error):
            raise
        return None
    return thread


def _planned(ledger: Ledger, iterations: int) -> Iterator[Run]:
    """The runs that were planned when this was written."""
    batch = [instance.in_batch for instance in ledger.instances]
    return (run for run in ledger.runs if batch[run.instance] and run.iteration < iterations)


def _hook_of(hook: s.DoneHook, has_done: bool) -> s.DoneHook:
    status = hook.status
    if not has_done and isinstance(status, s.HookNotYet):
        return msgspec.structs.replace(hook, status=s.HookAbsent())
    if has_done and isinstance(status, s.HookAbsent):
        return msgspec.structs.replace(hook, status=s.HookNotYet())
    return hook


def no_instances(module: Path) -> str:
    """What to say when no source names an instance."""
    return (
        f"instances: {module}: none given. Name them after the module, with --batch FILE, as `instances` in the "
        f"module, or in {module.with_suffix('.batch').name} beside it"
    )
