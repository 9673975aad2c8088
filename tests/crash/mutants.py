"""Ways to break the store: each one small wrong change.

Those marked `was ours` were in the program once; the enumerator found them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest

from pyalma_tui.model import experiment
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extents
from pyalma_tui.model.records import Saved
from pyalma_tui.store import checkpoint, cold, ledger, opening, row_files, schema, sealing, segment
from pyalma_tui.store.checkpointing import Checkpointing
from pyalma_tui.store.disk import sync_data
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.row_files import MovedRows, RowFiles
from pyalma_tui.store.rows import RowReader
from pyalma_tui.store.segment import SegmentWriter
from pyalma_tui.store.tail import Tail
from pyalma_tui.worker import recording

Patch = pytest.MonkeyPatch


class NoSync:
    """`os` of a module, but that its fsync does nothing."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getattr__(self, name: str) -> Any:
        return (lambda fd: None) if name in self._names else getattr(os, name)


def no_directory_sync_of_a_new_segment(patch: Patch) -> None:
    patch.setattr(segment, "os", NoSync("fsync"))


def no_directory_sync_after_the_rename(patch: Patch) -> None:
    patch.setattr(checkpoint, "sync_directory", lambda directory: None)


def no_sync_of_the_checkpoint_file(patch: Patch) -> None:
    patch.setattr(checkpoint, "os", NoSync("fsync"))


def no_sync_before_save_returns(patch: Patch) -> None:
    patch.setattr(SegmentWriter, "sync", lambda self, line=b"": None)


def segments_go_before_the_checkpoint_is_durable(patch: Patch) -> None:
    begin = Checkpointing.begin

    def hasty(self: Checkpointing) -> None:
        self._journal.checkpointed(self._journal.positions())
        begin(self)

    patch.setattr(Checkpointing, "begin", hasty)


def runs_are_handed_out_before_the_first_checkpoint(patch: Patch) -> None:
    begin = Checkpointing.begin
    opened: set[int] = set()

    def lazy(self: Checkpointing) -> None:
        if id(self) in opened:
            begin(self)
        opened.add(id(self))

    patch.setattr(Checkpointing, "begin", lazy)


def the_checkpoint_is_written_in_place(patch: Patch) -> None:
    def replace(self: checkpoint.CheckpointStorage, pieces: Iterable[bytes]) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.ftruncate(fd, 0)
        with os.fdopen(fd, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())

    patch.setattr(checkpoint.CheckpointStorage, "replace", replace)


def positions_count_what_was_not_read(patch: Patch) -> None:
    true = Journal.positions

    def sizes(self: Journal) -> dict[str, int]:
        return {name: os.stat(self.directory / name).st_size for name in true(self)}

    patch.setattr(Journal, "positions", sizes)


def no_positions_and_a_fold_that_counts_twice(patch: Patch) -> None:
    # Without positions alone nothing breaks: the fold knows what it has, by attempt and number. Both are needed.
    patch.setattr(Journal, "positions", lambda self: {})
    ready = experiment._save

    def forgetful(run: Run, status: Any, record: Saved) -> Run:
        saved = ready(msgspec.structs.replace(run, last_save=record.number - 1), status, record)
        return msgspec.structs.replace(saved, last_save=record.number)

    patch.setattr(experiment, "_save", forgetful)


def no_positions_and_no_attempts_in_the_fold(patch: Patch) -> None:
    patch.setattr(Journal, "positions", lambda self: {})
    ready = experiment.fold

    def unfenced(run: Run, record: Any) -> Run:
        return ready(run, msgspec.structs.replace(record, attempt=max(record.attempt, run.attempt)))

    patch.setattr(ledger, "fold", unfenced)


def no_checksum(patch: Patch) -> None:
    patch.setattr(segment, "crc32", lambda body: 0)  # what is written and what is asked for


def a_flooded_segment_goes_before_its_copy_is_synced(patch: Patch) -> None:
    def carry(self: Journal, path: Path) -> bool:
        source = Tail(path)
        for line in source.lines(self._reading.buffer):
            self._append(line)
        source.close()
        return True

    patch.setattr(Journal, "_carry", carry)


def a_carried_copy_may_end_in_a_segment_that_is_not_synced(patch: Patch) -> None:  # was ours
    ready = SegmentWriter.__init__

    def init(self: SegmentWriter, *args: Any, **options: Any) -> None:
        ready(self, *args, **{**options, "settled": False})

    patch.setattr(SegmentWriter, "__init__", init)


def a_started_run_counts_as_done(patch: Patch) -> None:
    ready = schema.run_of

    def hopeful(number: int, document: Any) -> Run:
        if document.status == "running":
            document = msgspec.structs.replace(document, status="done")
        return ready(number, document)

    patch.setattr(opening, "run_of", hopeful)
    patch.setattr(cold, "run_of", hopeful)


def what_was_lost_in_between_is_not_made_up_for(patch: Patch) -> None:  # was ours
    patch.setattr(ledger, "lost_before", lambda run, record: iter(()))


def a_segment_shorter_than_its_position_is_refused(patch: Patch) -> None:  # was ours
    ready = opening._fold

    def strict(storage: Any, book: Any, meta: Any, folder: Path, names: Iterable[str], **how: Any) -> Any:
        for name in names:
            if meta.folded.get(name, 0) > Tail(folder / name).size():
                raise opening._restored(storage, f"it contains more of {name} than there is")
        return ready(storage, book, meta, folder, tuple(names), **how)

    patch.setattr(opening, "_fold", strict)


def a_row_counts_as_soon_as_it_is_in_a_file(patch: Patch) -> None:
    def every_line(self: RowReader, run: Run, first: int = 0, last: int | None = None) -> Iterator[dict[str, Any]]:
        for path in sorted(self._folder.glob("*.jsonl")):
            for line in path.read_bytes().split(b"\n")[:-1]:
                number, _, row = msgspec.json.decode(line[9:])
                if number == run.id:
                    yield row

    patch.setattr(RowReader, "rows", every_line)


def rows_of_a_dropped_attempt_are_kept(patch: Patch) -> None:
    ready = recording.RowRecorder.begin

    def keeping(self: recording.RowRecorder, run: int, attempt: int, rows: int) -> None:
        waiting = list(self.waiting) if run == self._run else []
        ready(self, run, attempt, rows)
        self.waiting += [line.replace(b",%d," % (attempt - 1), b",%d," % attempt, 1) for line in waiting]
        self.waiting[:] = [b"%08x %s" % (crc32(line[9:-1]), line[9:]) for line in self.waiting]

    patch.setattr(recording.RowRecorder, "begin", keeping)
    patch.setattr(recording.RowRecorder, "end", lambda self: self.extents)


def rows_of_before_a_reset_are_kept(patch: Patch) -> None:
    ready = experiment.anew
    patch.setattr(
        experiment, "anew", lambda run, attempt: msgspec.structs.replace(ready(run, attempt), extents=run.extents)
    )


def rows_of_what_is_reset_go_at_once(patch: Patch) -> None:
    patch.setattr(ledger.Ledger, "files_of_forgotten", lambda self: frozenset())


def what_is_taken_back_has_its_old_attempt(patch: Patch) -> None:
    ready = experiment._restore

    def unfenced(run: Run, record: Any) -> Run:
        new = ready(run, record)
        return new if new is run else msgspec.structs.replace(new, attempt=record.was.attempt)

    patch.setattr(experiment, "_restore", unfenced)


def what_is_taken_back_may_have_begun(patch: Patch) -> None:
    patch.setattr(Journal, "positions", lambda self: {})  # so that every journal is folded twice
    ready = experiment._restore

    def hasty(run: Run, record: Any) -> Run:
        return ready(msgspec.structs.replace(run, attempt=0, status=s.PENDING), record)

    patch.setattr(experiment, "_restore", hasty)


def files_of_rows_go_before_the_checkpoint_is_durable(patch: Patch) -> None:
    ready = RowFiles.tidy

    def hasty(self: RowFiles, runs: Sequence[Run], idle: Any) -> MovedRows:
        moved = ready(self, runs, idle)
        self.let_go(moved.left)
        return moved

    patch.setattr(RowFiles, "tidy", hasty)


def moved_rows_are_not_synced_before_the_checkpoint(patch: Patch) -> None:
    patch.setattr(row_files, "sync_data", lambda fd: None)


def rows_are_not_synced_before_the_save_that_counts_them(patch: Patch) -> None:
    ready = recording.RowRecorder.__init__

    def init(self: recording.RowRecorder, *args: Any, **options: Any) -> None:
        ready(self, *args, **{**options, "synced": False})

    patch.setattr(recording.RowRecorder, "__init__", init)


def an_attempt_does_not_say_what_counted_when_it_began(patch: Patch) -> None:  # was ours
    patch.setattr(experiment, "counting", of_all_attempts)
    patch.setattr(recording, "begun", lambda attempt, rows: ())


def of_all_attempts(extents: Extents, attempt: int, told: Extents) -> Extents:
    return (*[extent for extent in extents if extent.attempt < attempt], *told) if told else extents


def a_failed_sync_is_tried_again_on_the_same_file(patch: Patch) -> None:
    def sync(self: SegmentWriter, line: bytes = b"") -> None:
        try:
            sync_data(self.fd)
        except OSError:
            sync_data(self.fd)

    patch.setattr(SegmentWriter, "sync", sync)


def lines_go_behind_what_was_allocated_for_them(patch: Patch) -> None:
    ready = SegmentWriter._allocate

    def allocate(self: SegmentWriter, length: int) -> None:
        ready(self, length)
        os.lseek(self.fd, 0, os.SEEK_END)

    patch.setattr(SegmentWriter, "_allocate", allocate)


def more_than_the_zeros_is_cut_off(patch: Patch) -> None:
    patch.setattr(segment, "_cut_zeros", lambda fd: os.ftruncate(fd, os.lseek(fd, 0, os.SEEK_CUR) - 1))


def what_is_allocated_may_be_what_was_written(patch: Patch) -> None:
    def allocate(self: SegmentWriter, length: int) -> None:
        end = max(self._limit, length)
        os.ftruncate(self.fd, 0)
        os.posix_fallocate(self.fd, 0, end)
        self._ready = end

    patch.setattr(SegmentWriter, "_allocate", allocate)


def zeros_are_taken_for_records(patch: Patch) -> None:
    ready = Tail._pieces

    def pieces(self: Tail, buffer: bytearray) -> Iterator[tuple[bytearray, int]]:
        yield from ready(self, buffer)
        rest = os.pread(self.fd, 1 << 20, self.position)
        self.position += len(rest) if not rest.strip(b"\0") else 0

    patch.setattr(Tail, "_pieces", pieces)


def zeros_are_taken_for_a_torn_line(patch: Patch) -> None:
    patch.setattr(Tail, "size", lambda self: os.fstat(self.fd).st_size)


def the_seal_is_not_checked(patch: Patch) -> None:
    patch.setattr(sealing, "crc32", lambda text, before=0: 0)  # what is written and what is asked for


def who_follows_a_segment_does_not_sync_its_name(patch: Patch) -> None:
    patch.setattr(Journal, "_sync_names", lambda self: None)
