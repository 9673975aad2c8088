"""The rows that `run` hands to record(): in memory until they are to count, then in a file of this worker alone.

A row counts with the save() that follows it, or when `run` returns; until then it would be dropped with its attempt, so
it need not be on the disk, and many go there with one write(2). The record of that save says which bytes of which file
are all rows of its attempt: state and rows count together, by one line of the journal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from pyalma_tui.model import words
from pyalma_tui.model.exact import InexactError, kind_of, text_of
from pyalma_tui.model.extents import COLUMNS, Extent, Extents, begun, grown
from pyalma_tui.store import layout
from pyalma_tui.store.disk import is_at, make_folder, open_regular, sync_data, sync_directory
from pyalma_tui.store.rows import row_line
from pyalma_tui.store.segment import SegmentWriter

HELD = 1 << 16  # bytes of rows that wait in memory at most
FILE = 64 << 20  # bytes after which a worker goes on in a new file
LARGEST = 64_000_000  # bytes of a row that is refused
EACH = "the rows before it are kept"


class RowRecorder:
    """The rows of one worker. The caller holds the worker's lock; a signal handler may record and save in between.

    `extents` are those of the present attempt that are in a file, behind how many rows counted before; `told` is their
    text behind a saved record's state.
    """

    def __init__(self, state_dir: Path, name: str, *, synced: bool, umask: int) -> None:
        """`name` is that of its first file; the folder and the file are made when there is a first row."""
        self.extents: Extents = ()
        self.told = b""
        self.waiting: list[bytes] = []  # lines that are in no file yet; always the same list
        self._held = 0  # bytes of them
        self._flushed = 0  # rows put into files so far
        self._run = self._attempt = 0
        self._state_dir = state_dir
        self._name = name
        self._synced = synced
        self._umask = umask
        self._writer: SegmentWriter | None = None

    def begin(self, run: int, attempt: int, rows: int) -> None:
        """Another attempt records from now on, of a run of which so many rows count; what waits is dropped."""
        self._run, self._attempt, self._held = run, attempt, 0
        self.waiting.clear()
        self.extents = begun(attempt, rows)
        self.told = b"," + msgspec.json.encode(self.extents) if rows else b""

    def add(self, row: bytes) -> None:
        """Take in a row, the JSON text of an object; raises OSError if rows must go to the disk, which refuses them."""
        line = row_line(self._run, self._attempt, row)
        self.waiting.append(line)
        self._held += len(line)
        if self._held > HELD:
            self.flush()

    def flush(self) -> None:
        """Put what waits into a file: `extents` and `told` are all rows of the attempt then. Raises OSError.

        A signal handler that flushes meanwhile takes the waiting rows along: what this call has written counts nothing
        then. No function is called between the question whether one has and the last assignment: none comes in there.
        """
        waiting = self.waiting
        while waiting:
            number, flushed = len(waiting), self._flushed
            data = b"".join(waiting[:number])
            writer = self._writer or self._open()
            writer.append(data)
            end = os.lseek(writer.fd, 0, os.SEEK_CUR)
            extents = grown(self.extents, Extent(writer.name, self._attempt, end - len(data), end, number))
            told = b"," + msgspec.json.encode(extents)
            if self._flushed == flushed:
                self._flushed = flushed + number
                self._held -= len(data)
                self.extents, self.told = extents, told
                del waiting[:number]

    def _open(self) -> SegmentWriter:
        folder = layout.rows(self._state_dir)
        if make_folder(folder, self._umask):
            sync_directory(self._state_dir)
        while self._writer is None:
            name, self._name = self._name, layout.next_segment(self._name)
            with suppress(FileExistsError):  # a signal handler has raised when it was just made: it stays empty
                self._writer = SegmentWriter(folder, name, synced=self._synced, limit=FILE, umask=self._umask)
        self._name = layout.next_segment(self._writer.name)
        return self._writer

    def end(self) -> Extents:
        """No more is recorded: the extents for the record that the attempt returned. What waits is dropped."""
        self.waiting.clear()
        return self.extents

    def settle(self) -> None:
        """Between two attempts: a file whose descriptor user code has closed or replaced is left."""
        if self._writer is not None and not self._writer.is_own:
            self.renew()

    def renew(self) -> None:
        """Go on in a new file when there are rows for it; the old one is put back if somebody has removed it."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        self._name = layout.next_segment(writer.name)
        path = layout.rows(self._state_dir) / writer.name
        if writer.is_own and not is_at(path, writer.fd):
            with suppress(OSError):  # no room, say: the runner tells what is missing
                self._put_back(path, writer.fd)
        writer.close()

    def _put_back(self, path: Path, source: int) -> None:
        if make_folder(path.parent, self._umask):
            sync_directory(self._state_dir)
        with os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._umask), "wb") as copy:
            position = 0
            while data := os.pread(source, HELD, position):
                position += copy.write(data)
            copy.flush()
            sync_data(copy.fileno())
        sync_directory(path.parent)

    def close(self) -> None:
        """Write no more: this is a forked child."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def row_text(given: tuple[object, ...], fields: dict[str, object]) -> bytes:
    """The JSON text of what record() was handed: one mapping, or keywords.

    Raises TypeError or ValueError for what JSON does not give back equal, and for what is no row.
    """
    row = _row(given, fields)
    try:
        text = text_of(row, "row")
    except InexactError as error:
        refused = error.sort(f"record(): {error}; {EACH}. {error.advice}")
        raise refused from None
    for name in COLUMNS:
        if name in row:
            raise ValueError(f"record(): every row has a column {name!r}, that of its run. Name yours otherwise")
    if len(text) > LARGEST:
        raise ValueError(
            f"record(): the row has {words.size(len(text))}, at most {words.size(LARGEST)}; {EACH}. "
            f"Write large data to a file and record its name"
        )
    return text


def _row(given: tuple[object, ...], fields: dict[str, object]) -> dict[str, object]:
    if not given:
        row: object = fields
    elif fields or len(given) > 1:
        raise TypeError(f"record() takes one mapping, or keywords, not both or several; {EACH}")
    else:
        row = given[0]
    if not isinstance(row, dict):
        if not isinstance(row, Mapping):
            raise TypeError(f"record(): {kind_of(row)} is no row; {EACH}. Use a dict, or keywords")
        row = dict(row)
    if not row:
        raise ValueError(f"record(): a row without fields; {EACH}")
    return row
