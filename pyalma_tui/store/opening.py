"""Opening a state directory: checkpoint plus journal, checked before anything is changed."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from pyalma_tui.errors import IllegalTransitionError, StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.bounds import MOST_SESSIONS
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance, compact
from pyalma_tui.model.plan import Grid
from pyalma_tui.model.records import Checkpointed, Note, Record, Restored, Returned, RunRecord, Saved
from pyalma_tui.store import layout
from pyalma_tui.store.checkpoint import CheckpointStorage, stamp, storage_of
from pyalma_tui.store.layout import SEGMENT, session_of
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.ours import refuse_disguised
from pyalma_tui.store.schema import (
    SCHEMA,
    SEAL,
    TABLES,
    InstanceDocument,
    Meta,
    RunDocument,
    instance_of,
    run_of,
)
from pyalma_tui.store.sealing import Sealed, is_seal, read_sealed, read_sealed_meta
from pyalma_tui.store.segment import READ
from pyalma_tui.store.tail import Tail

T = TypeVar("T")
OLD_CHECKPOINTED = re.compile(r"checkpoint ([0-9]{1,18})(?: of ([0-9a-f]+))?")  # a note that once stood for the record


class Store(msgspec.Struct, frozen=True):
    """What a state directory holds: the checkpoint with the journal folded in.

    `folded` tells for each segment how far it was read; `foreign` are tables that are not ours, as JSON text; `damaged`
    names segments with lines that had to be skipped, and how many; `stale` those that the checkpoint has outlived.
    `recorded` are the runs of which the journal counts rows.
    """

    meta: Meta
    ledger: Ledger
    folded: dict[str, int]
    foreign: dict[str, msgspec.Raw]
    damaged: dict[str, int]
    stale: tuple[str, ...] = ()
    recorded: frozenset[int] = frozenset()


def read_store(state_dir: Path, today: Sequence[Instance] | None = None, *, alone: bool = False) -> Store | None:
    """What the directory holds, None if it holds nothing; changes nothing. Raises StoreError.

    `today` are the instances that it is probably about: the same ones are not made again. Who is `alone` has the lock:
    nobody writes on.

    Without the lock the owner may write a checkpoint and remove segments meanwhile: then it is read again.
    """
    for _ in range(20):
        try:
            refuse_disguised(state_dir)
            before = stamp(state_dir)
            with _no_garbage_collection():
                store = _read(state_dir, today, alone)
        except FileNotFoundError:  # a segment went while we read
            continue
        except OSError as error:
            where = error.filename or state_dir
            raise StoreError(f"store: {where}: {error.strerror}. Nothing was changed") from error
        if stamp(state_dir) == before:
            return store
    raise StoreError(f"store: {state_dir}: it changes faster than it can be read. Nothing was changed; try again")


def read_meta(state_dir: Path) -> Meta | None:
    """What `db.json` says of the experiment as a whole, None if it is not there; raises StoreError."""
    storage = storage_of(state_dir)
    if (meta := _if_sealed(storage, read_sealed_meta)) is not None:
        return meta
    tables = storage.tables()
    return None if tables is None else _meta(storage, tables)


def _if_sealed(storage: CheckpointStorage, read: Callable[[Path], T | None]) -> T | None:
    """What is read of a file that is as we wrote it, None if all of it has to be checked, or refused."""
    try:
        return read(storage.path)
    except OSError:
        return None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A tenth of the time: 100,000 runs are no garbage, and make none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read(state_dir: Path, today: Sequence[Instance] | None, alone: bool) -> Store | None:
    storage = storage_of(state_dir)
    journal = layout.journal(state_dir)
    names = segments(journal)
    if any(session_of(name) > MOST_SESSIONS for name in names):
        raise StoreError(f"store: {journal}: {names[-1]}: no session has that number. Nothing was changed")
    known = _if_sealed(storage, lambda path: read_sealed(path, today)) or _checked(storage)
    if known is None:
        if any(_has_records(journal / name) for name in names):  # else: a first start that came to nothing
            raise storage.unreadable("it is missing, but the journal beside it is not")
        if os.path.lexists(layout.backup(state_dir)):
            raise storage.unreadable("it is missing")
        return None
    meta = known.meta
    ledger = Ledger(known.instances, known.runs, meta.done_hook)
    if not isinstance(ledger.runs_of, Grid) and len({(r.instance, r.iteration) for r in known.runs}) < len(known.runs):
        raise storage.unreadable("`$.runs` has two runs of one instance and iteration")
    stale = tuple(name for name in names if session_of(name) < meta.session and name not in meta.folded)
    fresh = [name for name in names if name not in stale]
    folded, damaged, recorded = _fold(storage, ledger, meta, journal, fresh, growing=not alone)
    folded |= {name: (journal / name).stat().st_size for name in stale}
    return Store(meta, ledger, folded, known.foreign, damaged, stale, recorded)


def _checked(storage: CheckpointStorage) -> Sealed | None:
    """What a file holds that anybody may have written: each document is looked at. None if there is no file."""
    tables = storage.tables()
    if tables is None:
        return None
    meta = _meta(storage, tables)
    instances = [instance_of(*document) for document in storage.documents(tables, "instances", InstanceDocument)]
    runs = _runs(storage, storage.documents(tables, "runs", RunDocument), len(instances))
    if [instance.id for instance in instances] != list(range(len(instances))):
        raise storage.unreadable("`$.instances` has gaps in its numbers")
    if len({run.instance for run in runs}) != len(instances):
        raise storage.unreadable("`$.runs` has no run of an instance")
    if SEAL in tables and is_seal(tables[SEAL]):
        del tables[SEAL]
    foreign = {name: raw.copy() for name, raw in tables.items() if name not in TABLES}
    return Sealed(meta, compact(instances), runs, foreign)


def segments(journal: Path) -> tuple[str, ...]:
    """The names of the segments in a journal directory, oldest session first."""
    try:
        return tuple(sorted(name for name in os.listdir(journal) if SEGMENT.fullmatch(name)))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _has_records(path: Path) -> bool:
    tail = Tail(path)
    try:
        return any(not isinstance(record, Note | Checkpointed) for record in tail.read(bytearray(READ)))
    finally:
        tail.close()


def _meta(storage: CheckpointStorage, tables: dict[str, msgspec.Raw]) -> Meta:
    class Versioned(msgspec.Struct):
        schema: int

    versions = dict(storage.documents(tables, "meta", Versioned))
    if not versions:
        if not any(name in tables for name in TABLES):
            return Meta()  # a TinyDB file of somebody else, which gets our tables
        raise storage.unreadable("`$.meta` is missing")
    version = max(document.schema for document in versions.values())
    if version > SCHEMA:
        raise StoreError(
            f"store: {storage.path}: it has schema {version}, this pyalma-tui knows up to {SCHEMA}. "
            f"Nothing was changed; use the newer pyalma-tui that wrote it"
        )
    metas = dict(storage.documents(tables, "meta", Meta))
    return metas[max(metas)]


def _runs(storage: CheckpointStorage, documents: Iterable[tuple[int, RunDocument]], instances: int) -> list[Run]:
    runs = []
    for place, (number, document) in enumerate(documents, start=1):
        if number != place or not 0 <= document.instance_id < instances:
            raise storage.unreadable(f"`$.runs.{number}` does not fit the runs and instances around it")
        try:
            runs.append(run_of(number, document))
        except KeyError as error:
            raise storage.unreadable(f"`$.runs.{number}.status` is {error}, not one of {', '.join(s.WORDS)}") from None
    return runs


def _fold(
    storage: CheckpointStorage, ledger: Ledger, meta: Meta, journal: Path, names: Sequence[str], *, growing: bool
) -> tuple[dict[str, int], dict[str, int], frozenset[int]]:
    buffer = bytearray(READ)
    records: list[Record] = []
    folded: dict[str, int] = {}
    damaged: dict[str, int] = {}
    for name in names:
        tail = Tail(journal / name, meta.folded.get(name, 0), growing=growing)
        try:
            size = tail.size()
            if tail.position > size:  # a power cut took what the checkpoint has: nothing is missing, but it is told
                folded[name], damaged[name] = size, 1
                continue
            records += tail.read(buffer)
            folded[name] = tail.position
            if skipped := tail.damaged + (tail.position < size):
                damaged[name] = skipped
        finally:
            tail.close()
    records = [as_today(record) for record in records]
    written = [record for record in records if isinstance(record, Checkpointed)]
    if any(meta.identity and record.identity and record.identity != meta.identity for record in written):
        raise _restored(storage, "the journal beside it is that of another experiment")
    newest = max((record.serial for record in written), default=0)
    if newest > meta.serial:
        raise _restored(storage, f"it is checkpoint {meta.serial}, the journal goes on from checkpoint {newest}")
    try:
        ledger.apply_all(records)
    except (IllegalTransitionError, IndexError) as error:
        raise _restored(storage, f"the journal does not fit it ({error})") from error
    recorded = [record.run for record in records if isinstance(record, RunRecord) and _counts_rows(record)]
    return folded, damaged, frozenset(recorded)


def _counts_rows(record: RunRecord) -> bool:
    """Whether rows count by this record."""
    if isinstance(record, Restored):
        return bool(record.was.extents)
    return isinstance(record, Saved | Returned) and bool(record.extents)


def as_today(record: Record) -> Record:
    """The record in the form that is written now: what says that a checkpoint is on the disk was a note once."""
    found = OLD_CHECKPOINTED.fullmatch(record.text) if isinstance(record, Note) else None
    return record if found is None else Checkpointed(int(found[1]), found[2] or "")


def _restored(storage: CheckpointStorage, why: str) -> StoreError:
    return StoreError(
        f"store: {storage.path}: {why}: was one of them restored from a backup? "
        f"Nothing was changed; put the newer file back, or go on without {storage.path.parent / 'journal'} by moving it"
    )
