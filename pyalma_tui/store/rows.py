"""Files of rows: what `record()` was handed, one checksummed line each; which of them count is for the ledger to say.

A line is `crc32 [run,attempt,row]\n`, the row as a JSON object. A file has one writer, as a segment has. Reading goes
by extents alone, in pieces of bounded size: no file, and no run, is ever in memory whole.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import COLUMNS, Extent, Row, part_of, rows_in
from pyalma_tui.model.query import within
from pyalma_tui.model.words import plural
from pyalma_tui.store.disk import open_regular

PIECE = 1 << 18  # bytes read at a time
NEAR = 1 << 14  # bytes read at a time on the way to a row within an extent
TAIL = 1 << 16  # bytes of an extent in which its latest rows are looked for
OPEN = 16  # files kept open while rows of many are read

_decode: Callable[[bytes], tuple[int, int, Row]] = jsontext.decoder(tuple[int, int, dict[str, Any]])


def row_line(run: int, attempt: int, row: bytes) -> bytes:
    """The line of a row, which is the JSON text of an object."""
    body = b"[%d,%d,%s]" % (run, attempt, row)
    return b"%08x %s\n" % (crc32(body), body)


class RowReader:
    """Reads rows by their extents; files are opened when they are first needed, and a few are kept open.

    `missing` counts rows that count and could not be read, `why` tells the first reason.
    """

    def __init__(self, folder: Path, again: Callable[[Run], Run] = lambda run: run) -> None:
        """`again` gives a run as the store has it now: another process may have moved rows since it was read."""
        self.missing = 0
        self.why = ""
        self._folder = folder
        self._again = again
        self._open: dict[str, int] = {}
        self._marks: dict[tuple[str, int], list[tuple[int, int]]] = {}  # numbers and places of lines of long extents

    def __enter__(self) -> RowReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            os.close(self._open.popitem()[1])

    def rows(self, run: Run, first: int = 0, last: int | None = None) -> Iterator[Row]:
        """The rows `first` to `last` - 1 of a run that count, in the order in which they were recorded.

        Those that are damaged or not there are left out, and counted as missing.
        """
        last = rows_in(run.extents) if last is None else last
        for extent, begin, end in part_of(run.extents, first, last):
            try:
                self._descriptor(extent.file)
            except OSError as error:
                if (now := self._again(run)).extents != run.extents:
                    yield from self.rows(now, first, last)
                    return
                self.miss(extent, end - begin, error.strerror or str(error))
            else:
                yield from self._decoded(run, extent, islice(self._lines(extent, begin), end - begin), end - begin)
            first += end - begin

    def latest(self, run: Run, wanted: int) -> list[Row]:
        """The last rows of a run that count, at most so many, as far as they are in a short piece at the end."""
        found: list[Row] = []
        for extent in reversed(run.extents):
            try:
                fd = self._descriptor(extent.file)
                start = max(extent.start, extent.end - TAIL)
                *lines, _ = os.pread(fd, extent.end - start, start).split(b"\n")
            except OSError as error:
                if (now := self._again(run)).extents != run.extents:
                    return self.latest(now, wanted)
                self.miss(extent, 0, error.strerror or str(error))
                break
            lines = lines[start > extent.start :][len(found) - wanted :]
            found = [*self._decoded(run, extent, iter(lines), len(lines)), *found]
            if len(found) >= wanted or start > extent.start:
                break
        return found

    def last_value(self, run: Run, path: str) -> Any:
        """What the last of a run's rows that has this field holds there, None if none has; the last are read first."""
        mark = b'"' + jsontext.encode(path.partition(".")[0]).strip(b'"')
        for extent in reversed(run.extents):
            try:
                for line in self._lines_back(extent):
                    if mark in line or b"\\u" in line:  # a line that cannot have it needs no decoding
                        for row in self._decoded(run, extent, iter([line]), 1):
                            if (value := within(row, path)) is not None:
                                return value
            except OSError as error:
                if (now := self._again(run)).extents != run.extents:
                    return self.last_value(now, path)
                self.miss(extent, extent.rows, error.strerror or str(error))
        return None

    def _lines_back(self, extent: Extent) -> Iterator[bytes]:
        """The lines of an extent from its end on, without their newlines, as far as they are there."""
        fd, end, rest, piece = self._descriptor(extent.file), extent.end, b"", NEAR
        while end > extent.start:
            start = max(extent.start, end - piece)
            rest, *lines = (os.pread(fd, end - start, start) + rest).split(b"\n")
            yield from filter(None, reversed(lines))
            end, piece = start, PIECE
        if rest:
            yield rest

    def spread(self, run: Run, wanted: int) -> Iterator[tuple[int, Row]]:
        """So many of a run's rows at most, spread over all that count, each with its number from 1; the last is there.

        Of many they are looked for where they stood if all were as long, so that no file is read whole.
        """
        total = rows_in(run.extents)
        if total <= wanted:
            yield from enumerate(self.rows(run), 1)
            return
        places = iter([number * total // (wanted - 1) for number in range(wanted - 1)])
        place, before = next(places, total), 0
        for extent in run.extents:
            while before <= place < before + extent.rows:
                at = extent.start + (extent.end - extent.start) * (place - before) // extent.rows
                yield from zip((place + 1,), self._near(run, extent, at), strict=False)
                place = next(places, total)
            before += extent.rows
        yield from zip((total,), self.latest(run, 1), strict=False)

    def _near(self, run: Run, extent: Extent, at: int) -> Iterator[Row]:
        """The row that stands there; none if it is far longer than most."""
        first, last = max(extent.start, at - NEAR // 2), min(extent.end, at + NEAR // 2)
        try:
            data = os.pread(self._descriptor(extent.file), last - first, first)
        except OSError as error:
            self.miss(extent, 0, error.strerror or str(error))
            return
        before = data.rfind(b"\n", 0, at - first)
        end = data.find(b"\n", at - first)
        if end >= 0 and (before >= 0 or first == extent.start):
            yield from self._decoded(run, extent, iter([data[before + 1 : end]]), 1)

    def _decoded(self, run: Run, extent: Extent, lines: Iterator[bytes], wanted: int) -> Iterator[Row]:
        key = (run.id, extent.attempt)
        for line in lines:
            wanted -= 1
            body = line[9:]
            try:
                if int(line[:8], 16) == crc32(body):
                    number, attempt, row = _decode(body)
                    if (number, attempt) == key:
                        yield row
                        continue
            except (ValueError, msgspec.DecodeError):
                pass
            self.miss(extent, 1, "a line is damaged")
        if wanted:
            self.miss(extent, wanted, "it ends before")

    def miss(self, extent: Extent, rows: int, why: str) -> None:
        """So many rows of an extent could not be read."""
        self.missing += rows
        self.why = self.why or f"{self._folder / extent.file}: {why}"

    def _lines(self, extent: Extent, begin: int) -> Iterator[bytes]:
        """The lines of an extent from this number on, without their newlines, as far as they are there.

        Where a line begins is remembered for one of each piece, so that nobody goes twice through a long extent.
        """
        fd, place = self._descriptor(extent.file), (extent.file, extent.start)
        marks = self._marks.get(place, [(0, extent.start)])
        number, position = marks[bisect_right(marks, (begin, extent.end)) - 1]
        rest, piece = b"", NEAR if begin else PIECE
        while position < extent.end:
            try:
                data = os.pread(fd, min(piece, extent.end - position), position)
            except OSError as error:  # a disk that breaks: what follows is missing
                self.miss(extent, 0, error.strerror or str(error))
                break
            if not data:
                break
            position += len(data)
            *lines, rest = (rest + data).split(b"\n")
            number += len(lines)
            if number > marks[-1][0] and position < extent.end:
                marks.append((number, position - len(rest)))
                self._marks[place] = marks
            yield from lines[max(0, len(lines) - (number - begin)) :] if number > begin else ()
            fd = self._open.get(extent.file, -1)
            if fd < 0:  # the reader of the lines has read of many other files meanwhile
                fd = self._descriptor(extent.file)
        if rest:
            yield rest

    def _descriptor(self, file: str) -> int:
        fd = self._open.get(file)
        if fd is None:
            if len(self._open) >= OPEN:
                oldest = next(iter(self._open))
                os.close(self._open.pop(oldest))
            fd = self._open[file] = open_regular(self._folder / file, os.O_RDONLY)
        return fd


def missing(folder: Path, runs: Iterable[Run], recorded: Collection[int]) -> str:
    """What to tell of rows that count and are not there, as after a power loss, "" if all are.

    Of runs that are `recorded` every row is read, since their rows may have been written just before that; of others,
    which a checkpoint has, only how long the files are.
    """
    if not (recorded or folder.is_dir()):  # most experiments have none
        return ""
    sizes: dict[str, int] = {}
    with RowReader(folder) as reader:
        for run in runs:
            if run.id in recorded:
                deque(reader.rows(run), maxlen=0)
                continue
            for extent in run.extents:
                if extent.file not in sizes:
                    sizes[extent.file] = _size(folder / extent.file)
                if sizes[extent.file] < extent.end:
                    reader.miss(extent, extent.rows, "it is shorter, or not there")
        if not reader.missing:
            return ""
        lost = plural(reader.missing, "row")
        return f"{lost} of results cannot be read: {reader.why}; `reset` lets their runs begin anew"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return -1


class RowIndex:
    """Which row of which run the n-th row of all is, for runs in the order of the table: O(log) of their number.

    `with_host` is whether these were on several hosts.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = [run for run in runs if run.extents]
        self.with_host = on_several_hosts(runs)
        self._ends = list(accumulate(rows_in(run.extents) for run in self._runs))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def place(self, number: int) -> tuple[Run, int]:
        """The run, and which of its rows, of the row with this number from 0; raises IndexError."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        at = bisect_right(self._ends, number)
        return self._runs[at], number - (self._ends[at - 1] if at else 0)

    def parts(self, first: int, last: int) -> Iterator[tuple[Run, int, int]]:
        """The runs that the rows `first` to `last` - 1 belong to, each with the first and the end of its rows."""
        while first < min(last, len(self)):
            run, begin = self.place(first)
            end = min(rows_in(run.extents), begin + last - first)
            yield run, begin, end
            first += end - begin


def on_several_hosts(runs: Iterable[Run]) -> bool:
    """Whether it is worth a column on which host each of these runs was called last."""
    return len({run.host for run in runs if run.host}) > 1


def head_of(label: str, run: Run, *, with_host: bool) -> Row:
    """What stands before the rows of a run named `label`; they may have a column `host` of their own, which counts."""
    head = dict(zip(COLUMNS, (label, run.iteration, run.seed), strict=True))
    return head | {"host": run.host} if with_host else head
