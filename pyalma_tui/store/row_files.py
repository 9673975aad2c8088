"""The files of rows as the runner has them: put on the disk before what makes their rows count, rid of what does not.

A file in which less than half counts, or one of many small ones, is given up when its writer is gone: what counts is
copied into a new one, a checkpoint is written that says so, and when that is on the disk the old file goes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent, bytes_by_file, moved
from pyalma_tui.store.disk import open_regular, remove, sync_data, sync_directory
from pyalma_tui.store.layout import SEGMENT, next_segment, segment_name, session_of, writer_of

SMALL, MANY = 1 << 20, 64  # bytes of a file that is small, and how many of them are merged
TOO_MANY = 1000  # new files, after which a checkpoint is due
FILE = 64 << 20  # bytes after which copies go into another file
PIECE = 1 << 20  # bytes copied at a time

Places: TypeAlias = Mapping[Extent, Extent]


class MovedRows(msgspec.Struct, frozen=True):
    """What was copied where, of which `runs`, and the files that nobody needs when a checkpoint has that."""

    places: Places = {}
    runs: tuple[int, ...] = ()
    left: tuple[str, ...] = ()

    def in_run(self, run: Run) -> Run:
        """The run with its rows in their new places."""
        if not self.places or not run.extents or not any(extent in self.places for extent in run.extents):
            return run
        return msgspec.structs.replace(run, extents=moved(run.extents, self.places))


NOTHING = MovedRows()


class RowFiles:
    """The folder of rows; it may not be there, since most experiments have none.

    `sync` and `tidy` are for any thread: one that syncs keeps no other waiting but those that sync too. `refused` are
    the files that the disk did not take when they were synced.
    """

    def __init__(self, folder: Path, session: int, umask: int | None = None) -> None:
        """`session` names the files that are written here, `umask` decides their modes."""
        self.folder = folder
        self._umask = umask
        self.refused: set[str] = set()
        self._synced: dict[str, int] = {}  # by file: how many bytes are on the disk
        self._settled: set[str] = set()  # that are on the disk whole: nobody appends to them any more
        self._session = session
        self._gone = {"runner"}  # those of this session that write no more; we write whole files
        self._known: set[str] = set()  # that were there when somebody looked last
        self._known_then = 0  # how many that were when a checkpoint was begun
        self._next = segment_name(session, "runner", 1)
        self._syncing = threading.Lock()

    def leave(self, writer: str) -> None:
        """This worker is gone, and all that it wrote is read."""
        self._gone.add(writer)

    def writer_now(self, file: str) -> str | None:
        """The worker that may append to a file still, None if it is gone."""
        writer = writer_of(file)
        return writer if session_of(file) == self._session and writer not in self._gone else None

    def idle(self) -> frozenset[str]:
        """The files that nobody appends to any more; none where they cannot be listed."""
        with suppress(OSError):  # which is told when they are synced
            return frozenset(name for name in self._names() if self.writer_now(name) is None)
        return frozenset()

    @property
    def are_many(self) -> bool:
        """Whether so many files were made since the last checkpoint that another should merge the small ones."""
        return len(self._known) > self._known_then + TOO_MANY

    def _names(self) -> set[str]:
        """All files of rows; raises OSError where there is a folder that cannot be listed."""
        try:
            with os.scandir(self.folder) as found:
                return {each.name for each in found if _is_ours(each)}
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """The bytes of those of these files that are there."""
        found = {}
        for name in names:
            with suppress(FileNotFoundError):
                found[name] = os.lstat(self.folder / name).st_size
        return found

    def removed(self) -> set[str]:
        """The files that others have removed since the last look; for the runner's thread."""
        with suppress(OSError):  # as in `idle`
            now = self._names()
            gone, self._known = self._known - now, now
            return gone
        return set()

    def sync(self) -> None:
        """Put all that was written so far on the disk; raises the first OSError after trying all.

        What failed is never tried again: the kernel may have dropped the pages.
        """
        failure: OSError | None = None
        with self._syncing:
            names = self._names() - self._settled - self.refused
            idle = {name for name in names if self.writer_now(name) is None}
            for name, size in self.sizes(names).items():
                if self._synced.get(name) != size:
                    try:
                        self._sync(name)
                    except FileNotFoundError:
                        continue
                    except OSError as error:
                        self.refused.add(name)
                        failure = failure or error
                        continue
                    self._synced[name] = size
                if name in idle:
                    self._settled.add(name)
        if failure is not None:
            raise failure

    def _sync(self, name: str) -> None:
        fd = open_regular(self.folder / name, os.O_RDONLY)
        try:
            sync_data(fd)
        finally:
            os.close(fd)

    # --- giving up files ---------------------------------------------------------------------------------------------

    def tidy(self, runs: Sequence[Run], idle: Collection[str]) -> MovedRows:
        """Copy what counts out of files that are to be given up, durably; nothing if the disk refuses that.

        `idle` are the files that nobody appends to any more; all others stay.
        """
        self._known_then = len(self._known)
        sizes = self.sizes(idle)
        if not sizes:
            return NOTHING
        left = given_up(sizes, bytes_by_file(run.extents for run in runs), self.refused)
        if not left:
            return NOTHING
        concerned = [run for run in runs if any(extent.file in left for extent in run.extents)]
        extents = [extent for run in concerned for extent in run.extents if extent.file in left]
        try:
            places = self._copy(extents)
        except OSError:  # no room, say: they stay where they are
            return NOTHING
        kept = {extent.file for extent in extents if extent not in places}  # damaged: whatever is left is kept
        return MovedRows(places, tuple([run.id for run in concerned]), tuple(sorted(left - kept)))

    def _copy(self, extents: Iterable[Extent]) -> dict[Extent, Extent]:
        places: dict[Extent, Extent] = {}
        target, name, position = -1, "", 0
        try:
            for extent in extents:
                if target < 0 or position >= FILE:
                    if target >= 0:
                        sync_data(target)
                        os.close(target)
                        target = -1
                    target, name, position = *self._new(), 0
                size = extent.end - extent.start
                if self._append(extent, target):
                    places[extent] = Extent(name, extent.attempt, position, position + size, extent.rows)
                    position += size
                else:
                    os.ftruncate(target, position)
            if target >= 0:
                sync_data(target)
        finally:
            if target >= 0:
                os.close(target)
        if places:
            sync_directory(self.folder)
        return places

    def _new(self) -> tuple[int, str]:
        while True:
            name, self._next = self._next, next_segment(self._next)
            try:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
                return open_regular(self.folder / name, flags, self._umask), name
            except FileExistsError:
                continue

    def _append(self, extent: Extent, target: int) -> bool:
        """Whether all bytes of an extent could be copied behind what the target holds; raises OSError."""
        try:
            source = open_regular(self.folder / extent.file, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            position = extent.start
            while position < extent.end:
                data = os.pread(source, min(PIECE, extent.end - position), position)
                if not data:
                    return False
                position += len(data)
                while data:
                    data = data[os.write(target, data) :]
        finally:
            os.close(source)
        return True

    def let_go(self, names: Collection[str]) -> None:
        """Remove files that no durable checkpoint needs any more; for the runner's thread. Raises OSError."""
        for name in names:
            remove(self.folder / name)
            self._known.discard(name)
        if names:
            sync_directory(self.folder)


def given_up(sizes: Mapping[str, int], counted: Mapping[str, int], refused: Collection[str]) -> set[str]:
    """The files that are to go: more than half of it counts nothing, the disk has refused it, or it is one of many."""
    left = {name for name, size in sizes.items() if 2 * counted.get(name, 0) < size or not counted.get(name)}
    left |= sizes.keys() & set(refused)
    small = {name for name, size in sizes.items() if size < SMALL}
    return left | small if len(small) > MANY else left


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return SEGMENT.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)
