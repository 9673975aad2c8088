"""The journal directory as the runner sees it: all segments tailed, its own appended, superseded ones removed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyalma_tui.model.records import Record
from pyalma_tui.store.closed import Closed
from pyalma_tui.store.disk import is_at, remove, sync_data, sync_directory
from pyalma_tui.store.heard import Heard
from pyalma_tui.store.layout import next_segment, segment_name
from pyalma_tui.store.reading import Reading
from pyalma_tui.store.row_files import RowFiles
from pyalma_tui.store.segment import LIMIT, SegmentWriter, line_of
from pyalma_tui.store.tail import Tail

SMALLEST = 1 << 20  # bytes: no segment is smaller, however many workers there are
OPEN_LIMIT = 64 << 20  # bytes in the segments that workers write now, all together
CHECKPOINT_AT = 64 << 20  # bytes in closed segments after which a checkpoint is due
PARTING = 64  # closed segments whose descriptors are kept for the next sync
FLOOD = 4  # a segment of which less than a fourth counts is carried over instead of waiting for the checkpoint


class Journal:
    """Owned by the runner thread, but for `sync`, which any one thread may call.

    `changed` tells whether anything was appended since the last checkpoint began. `rows` are what records may count:
    whatever puts a record on the disk puts the rows there first.
    """

    def __init__(
        self,
        directory: Path,
        session: int,
        folded: Mapping[str, int],
        rows: RowFiles,
        *,
        synced: bool = False,
        umask: int | None = None,
    ) -> None:
        """`synced` puts each record of our own on the disk before `append` returns; `umask` as for a SegmentWriter."""
        self.directory = directory
        self.rows = rows
        self.changed = False
        self._session = session
        self._reading = Reading()
        self._tails: dict[str, tuple[str, Tail]] = {}  # by writer: the segment it writes now
        self._closed = Closed(directory, folded)
        self._heard = Heard(directory, self._closed, self._reading)
        self._synced: dict[str, int] = {}  # by segment: how many bytes are on the disk
        self._unnamed: list[str] = []  # segments of workers whose names may not be on the disk
        self._refused: dict[str, OSError] = {}  # by segment: why the disk did not take it; it is not asked again
        self._refusal = ""  # why the disk of another host did not take one
        self._parting: list[tuple[str, Tail]] = []  # closed before all of it was on the disk
        self._limits: dict[str, int] = {}  # by writer: how large each of its segments may grow
        self._guard = threading.Lock()  # keeps descriptors open while they are collected for a sync
        self._own = SegmentWriter(directory, segment_name(session, "runner", 1), settled=True, umask=umask)
        self._each_synced = synced

    def name_for(self, writer: str) -> str:
        """The first segment of a new writer."""
        return segment_name(self._session, writer, 1)

    def follow(self, writer: str) -> None:
        """Read what this writer appends from now on. Raises FileNotFoundError if it has not begun."""
        self._follow(writer, self.name_for(writer))

    def _follow(self, writer: str, name: str) -> None:
        tail = Tail(self.directory / name, sampled=True)
        with self._guard:
            self._tails[writer] = (name, tail)
            if not self._each_synced:  # else its writer has seen to that
                self._unnamed.append(name)

    # --- writers on other hosts --------------------------------------------------------------------------------------

    def listen(self, writer: str) -> None:
        """What this writer appends is told us."""
        self._heard.listen(writer, self.name_for(writer))

    def take(self, writer: str, name: str, position: int, lines: Iterable[str]) -> Iterator[Record]:
        """What it has appended, up to a position of a segment; what was told or read before counts once."""
        yield from self._noted(self._heard.take(writer, name, position, lines))

    def _noted(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self.changed = True
            yield record

    # --- ours, and those of writers here -----------------------------------------------------------------------------

    def append(self, record: Record) -> None:
        """Write a record of the runner itself; raises OSError."""
        line = self._put(record)
        if self._each_synced:
            with self._own_goes_on():
                self._own.sync(line)

    def append_durably(self, record: Record) -> None:
        """Write a record of the runner itself and put it on the disk; raises OSError."""
        self._put(record)
        self.sync()
        if self._own.name in self._refused:  # meanwhile, by the thread that syncs
            raise self._refused[self._own.name]

    def _put(self, record: Record) -> bytes:
        """Write a record of the runner itself, which is not on the disk yet; its line."""
        if self._own.name in self._refused:
            self.retire()
        self._append(line := line_of(record))
        return line

    def _append(self, line: bytes) -> None:
        with self._own_goes_on():
            self._own.append(line)
        self.changed = True

    @contextmanager
    def _own_goes_on(self) -> Iterator[None]:
        """Whatever may take us to a new segment, also if it fails then: the one before waits for the checkpoint."""
        name, position = self._own.name, self._own.position
        try:
            with self._guard:
                yield
        finally:
            if self._own.name != name:
                self._closed.add(name, position)

    def poll(self) -> Iterator[Record]:
        """What all workers appended since the last call; the last few of each streak of saves."""
        for writer in list(self._tails):
            yield from self.read(writer)

    def read(self, writer: str, *, rotated: bool = True) -> Iterator[Record]:
        """What this worker appended since the last call; with `rotated` also to segments that it went on to."""
        while writer in self._tails:
            name, tail = self._tails[writer]
            before = tail.position
            yield from self._reading.of_tail(name, tail)
            self.changed |= tail.position > before
            if not rotated:
                return
            following = next_segment(name)
            if not os.path.exists(f"{self.directory}/{following}"):
                return
            tail.growing = False
            yield from self._reading.of_tail(name, tail)  # nothing is added once the next one exists
            self._follow(writer, following)
            self._close(name, tail)

    def end(self, writer: str) -> Iterator[Record]:
        """The last records of a worker that is gone; others may have its room."""
        self._limits.pop(writer, None)
        yield from self._noted(self._heard.end(writer))
        if writer in self._tails:
            yield from self.read(writer)
            self._tails[writer][1].growing = False
            yield from self.read(writer)
            with self._guard:
                name, tail = self._tails.pop(writer)
            self._close(name, tail)
        self.rows.leave(writer)

    def _close(self, name: str, tail: Tail) -> None:
        flood = tail.kept * FLOOD < tail.position and not tail.damaged and self._carry(tail.path)
        with self._guard:
            grown = tail.position > self._synced.pop(name, 0) and name not in self._refused
            if grown and not flood and len(self._parting) < PARTING:
                self._parting.append((name, tail))
            else:
                tail.close()
        if flood or tail.position == 0:
            remove(tail.path)
        else:
            self._closed.add(name, tail.position)

    def _carry(self, path: Path) -> bool:
        """Copy what counts of a flooded segment into our own, durably; whether the segment can go.

        A crash in between leaves both, which folds to the same. A disk that refuses the copy leaves the segment to the
        next checkpoint.
        """
        try:
            source = Tail(path, growing=False)
        except FileNotFoundError:  # somebody has removed it
            return False
        try:
            for line in source.lines(self._reading.buffer):
                self._append(line)
            self.rows.sync()
            self._own.sync()
        except OSError:
            return False
        finally:
            source.close()
        return True

    def positions(self) -> dict[str, int]:
        """How far each segment was read."""
        followed = {name: tail.position for name, tail in self._tails.values()}
        return self._closed.sizes | followed | self._heard.positions | {self._own.name: self._own.position}

    @property
    def own_in_place(self) -> bool:
        """Whether our own segment is where readers look for it: nobody has removed the directory."""
        return is_at(self.directory / self._own.name, self._own.fd)

    @property
    def removed(self) -> dict[str, str]:
        """Writer → the segment it writes now, of those whose segment readers do not find any more."""
        here = {writer: name for writer, (name, tail) in self._tails.items() if not is_at(tail.path, tail.fd)}
        return here | self._heard.removed

    @property
    def refused(self) -> dict[str, str]:
        """Writer → the segment it writes now, of those whose segment the disk has refused."""
        names = {writer: name for writer, (name, _) in self._tails.items()} | self._heard.names
        return {writer: name for writer, name in names.items() if name in self._refused}

    def refuse(self, name: str, why: str) -> None:
        """The disk of another host has refused this segment, which a writer there may have left since."""
        self._refused[name], self._refusal = OSError(why), why

    def take_refusal(self) -> str:
        """Why that was, once: a checkpoint has to contain what we were told of it."""
        refusal, self._refusal = self._refusal, ""
        return refusal

    def take_damaged(self) -> dict[str, int]:
        """Segments in which lines had to be skipped, and how many; each once, when the first was."""
        return self._reading.take_damaged()

    @property
    def due(self) -> bool:
        """Whether the closed segments, or the files of rows, have grown so far that a checkpoint should let them go."""
        return self._closed.bytes + self._own.position > CHECKPOINT_AT or self.rows.are_many

    def checkpointed(self, positions: Mapping[str, int]) -> None:
        """Remove the segments that a durable checkpoint contains whole."""
        self._closed.checkpointed(positions)

    def retire(self) -> None:
        """Go on in a new segment of our own, so that the next checkpoint contains the old one whole. Raises OSError."""
        with self._own_goes_on():
            self._own.rotate()

    def sync(self) -> None:
        """Put the rows, every followed segment and our own on the disk; raises the first OSError after trying all.

        What failed is never tried again, since the kernel may have dropped the pages: its writer has to go on in a
        new segment (`refused`), as we do with our next record.
        """
        failure: OSError | None = None
        try:
            self.rows.sync()
        except OSError as error:
            failure = error
        try:
            self._sync_names()
        except OSError as error:
            failure = failure or error
        for name, fd, size in self._unsynced():
            try:
                sync_data(fd)
            except OSError as error:
                failure = failure or error
                self._refused[name] = error
            finally:
                os.close(fd)
            if name in self._synced and not self._each_synced:
                self._synced[name] = size
        if failure is not None:
            raise failure

    def _sync_names(self) -> None:
        """Put the names of new segments on the disk; those that it refuses are not to be written any longer."""
        with self._guard:
            names, self._unnamed = self._unnamed, []
        if names:
            try:
                sync_directory(self.directory)
            except OSError as error:
                self._refused.update(dict.fromkeys(names, error))
                raise

    def _unsynced(self) -> list[tuple[str, int, int]]:
        """Segment, a descriptor of the caller's own, size; of those that have grown, ours last.

        What we write follows from what workers wrote: a power cut amid a sync leaves no effect without its cause.
        """
        with self._guard:
            open_now = [*[(name, tail.fd) for name, tail in self._tails.values()], (self._own.name, self._own.fd)]
            asked = [(name, fd) for name, fd in open_now if fd >= 0 and name not in self._refused]
            sizes = [(name, fd, os.fstat(fd).st_size) for name, fd in asked]
            grown = [(name, os.dup(fd), size) for name, fd, size in sizes if self._may_have_grown(name, size)]
            parting = [(name, tail.fd, tail.position) for name, tail in self._parting]
            self._parting.clear()
            return parting + grown

    def _may_have_grown(self, name: str, size: int) -> bool:
        """Whether something may have been appended since the last sync.

        Where each line is synced, bytes are allocated ahead: the size does not tell, and none is ever noted.
        """
        return size != self._synced.setdefault(name, 0)

    def segment_limit(self, writer: str, workers: int) -> int:
        """How large each segment of this writer may grow, so that all of them stay within bounds; in bytes.

        `workers` are as many as are expected; if more come than that, they get what is left, until others have ended.
        """
        taken = sum(self._limits.values())
        limit = max(SMALLEST, min(LIMIT, OPEN_LIMIT // max(1, workers), OPEN_LIMIT - taken))
        self._limits[writer] = limit
        return limit

    def close(self) -> None:
        """Close all descriptors; files stay."""
        with self._guard:
            self._own.close()
            for _, tail in (*self._tails.values(), *self._parting):
                tail.close()
            self._tails.clear()
            self._parting.clear()

    def remove_own(self) -> None:
        """Remove our last segment and those that still wait, after a checkpoint that contains everything."""
        for name in (*self._closed.sizes, self._own.name):
            remove(self.directory / name)
