"""A journal segment: an append-only file of checksummed records with one writer.

A line is `crc32 record\n`: eight hexadecimal digits, one separator, the record as compact JSON. The separator tells the
kind without decoding: a space before `saved`, a tab before everything else. Compact JSON never holds a raw tab, so a
reader finds the records that matter with one `memchr`, and of a streak of saves it decodes the last few only: each
supersedes the one before and its number says how many there were.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.experiment import EARLIER_STATES
from pyalma_tui.model.records import Record, Saved

SUFFIX = ".jsonl"
LIMIT = 16 << 20  # bytes after which a writer goes on in a new segment
READ = 1 << 20  # bytes looked at in one piece: small enough to stay in the processor's cache
HIGH_FD = 700  # out of the way of user code that closes "all" descriptors and opens its own

_decode: Callable[[bytes], Record] = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode


def line_of(record: Record) -> bytes:
    """The line of any record; `saved_line` is the fast way for a saved one."""
    try:
        body = _encode(record)
    except UnicodeEncodeError:
        body = jsontext.encode(msgspec.to_builtins(record))
    return b"%08x%c%s\n" % (crc32(body), b" " if isinstance(record, Saved) else b"\t", body)


def saved_line(prefix: bytes, number: int, elapsed: int, state: bytes) -> bytes:
    """The line of a saved record; `prefix` is `saved_prefix(run, attempt)`, `state` is JSON text."""
    body = b"%s%d,%d,%s]" % (prefix, number, elapsed, state)
    return b"%08x %s\n" % (crc32(body), body)


def saved_prefix(run: int, attempt: int) -> bytes:
    """What all saved records of one attempt begin with."""
    return b'["saved",%d,%d,' % (run, attempt)


def record_of(line: bytes) -> Record | None:
    """The record of a line without its newline, None if the line is damaged."""
    body = line[9:]
    try:
        if int(line[:8], 16) != crc32(body):
            return None
        return _decode(body)
    except msgspec.DecodeError:
        try:
            return jsontext.decode_as(body, Record)
        except msgspec.DecodeError:
            return None
    except ValueError:
        return None


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable; raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_data(fd: int) -> None:
    """Put a file's bytes on the disk; raises OSError. (macOS has fsync only.)"""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def segment_name(session: int, writer: str, number: int) -> str:
    """`000002-w003-0001.jsonl`: the session, who writes, and its how-manieth segment."""
    return f"{session:06d}-{writer}-{number:04d}{SUFFIX}"


def next_segment(name: str) -> str:
    """The name of the segment that its writer goes on in."""
    stem, _, number = name.removesuffix(SUFFIX).rpartition("-")
    return f"{stem}-{int(number) + 1:04d}{SUFFIX}"


class SegmentWriter:
    """Appends lines to segments that nobody else writes; each line with one `write(2)`.

    `synced` means that a line is on the disk when `append` returns. All methods raise OSError and leave the segment cut
    back to its last good line.
    """

    def __init__(self, directory: Path, name: str, *, synced: bool = False, limit: int = LIMIT) -> None:
        self._directory = directory
        self._synced = synced
        self._limit = limit
        self._torn = False
        self.fd = -1
        self._open(name)

    def _open(self, name: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        low = os.open(self._directory / name, flags, 0o600)
        try:
            try:
                fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH_FD)
            except OSError:  # a small RLIMIT_NOFILE
                fd = os.dup(low)
        finally:
            os.close(low)
        try:
            sync_directory(self._directory)
        except OSError:
            os.close(fd)
            raise
        if self.fd >= 0:
            os.close(self.fd)
        self.fd, self.name, self.position, self._torn = fd, name, 0, False

    def append(self, line: bytes) -> None:
        """Add one line; when this returns it survives the death of any process."""
        if self.position >= self._limit:
            self._try_rotate()
        if self._torn:
            self._cut_back()
        try:
            written = os.write(self.fd, line)
            if written != len(line):
                written += self._rest(line[written:])
        except OSError:
            self._torn = True
            self._cut_back()
            raise
        self.position += written
        if self._synced:
            self.sync(line)

    def _rest(self, rest: bytes) -> int:
        # a short write: what is missing follows, or the reason why it cannot
        written = os.write(self.fd, rest)
        if written != len(rest):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written

    def _cut_back(self) -> None:
        os.ftruncate(self.fd, self.position)
        self._torn = False

    def rotate(self) -> None:
        """Go on in a new segment; raises OSError and stays in the old one."""
        self._open(next_segment(self.name))

    def _try_rotate(self) -> None:
        try:
            self.rotate()
        except OSError as error:
            # a full disk refuses new files before it refuses bytes: go on in the old segment while it takes them
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
                raise

    def sync(self, line: bytes = b"") -> None:
        """Put what was appended on the disk.

        After a failure the kernel may have dropped the pages, so nothing is retried on that file: `line` goes into a
        new segment and that is synced.
        """
        try:
            sync_data(self.fd)
        except OSError:
            self.rotate()
            if not line:
                raise
            self._synced, synced = False, self._synced
            try:
                self.append(line)
                sync_data(self.fd)
            finally:
                self._synced = synced

    def close(self) -> None:
        """Close the segment; it can be read and removed by others."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Tail:
    """Reads a segment from a position on, as far as whole lines reach, again and again while it grows.

    `kept` counts the bytes of lines that nothing in this segment supersedes; `damaged` the lines that were skipped.
    """

    def __init__(self, path: Path, position: int = 0) -> None:
        self.path = path
        self.position = position
        self.kept = 0
        self.damaged = 0
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self.fd).st_size

    def read(self, buffer: bytearray) -> Iterator[Record]:
        """The records since the last call, of each streak of saves only the last few.

        `buffer` of READ bytes is shared by all tails. A torn last line stays unread.
        """
        for data, end in self._pieces(buffer):
            yield from self._records(data, end)

    def lines(self, buffer: bytearray) -> Iterator[bytes]:
        """The lines that nothing in this segment supersedes, from the position on, newline included."""
        last_saved = b""
        for data, end in self._pieces(buffer):
            for start, stop, important in _streaks(data, end):
                if important:
                    if last_saved:
                        yield last_saved
                        last_saved = b""
                    yield bytes(data[start:stop])
                else:
                    last_saved = bytes(data[data.rfind(b"\n", start, stop - 1) + 1 or start : stop])
        if last_saved:
            yield last_saved

    def _pieces(self, buffer: bytearray) -> Iterator[tuple[bytearray, int]]:
        while True:
            length = os.preadv(self.fd, [buffer], self.position)
            end = buffer.rfind(b"\n", 0, length) + 1
            if end == 0:
                if length < len(buffer):
                    return
                buffer = bytearray(2 * len(buffer))  # a line longer than the buffer
                continue
            yield buffer, end
            self.position += end
            if length < len(buffer):
                return

    def _records(self, data: bytearray, end: int) -> Iterator[Record]:
        for start, stop, important in _streaks(data, end):
            if important:
                self.kept += stop - start
                yield from self._decode_all(data, start, stop)
            else:
                yield from self._streak(data, start, stop)

    def _streak(self, data: bytearray, start: int, stop: int) -> Iterator[Record]:
        """The last of consecutive saves and the few before it that are shown."""
        starts = [stop]
        while len(starts) <= 1 + EARLIER_STATES and starts[-1] > start:
            starts.append(data.rfind(b"\n", start, starts[-1] - 1) + 1 or start)
        records = [record_of(bytes(data[a : b - 1])) for a, b in zip(starts[1:], starts[:-1], strict=True)]
        self.kept += stop - starts[1]
        first = record_of(bytes(data[start : data.find(b"\n", start, stop)]))
        whole = [r for r in (*records, first) if isinstance(r, Saved)]
        if len(whole) == len(records) + 1 and len({(r.run, r.attempt) for r in whole}) == 1:
            yield from reversed(whole[:-1])
        else:  # damage: trust nothing, look at every line
            yield from self._decode_all(data, start, stop)

    def _decode_all(self, data: bytearray, start: int, stop: int) -> Iterator[Record]:
        for line in bytes(data[start : stop - 1]).split(b"\n"):
            record = record_of(line)
            if record is None:
                self.damaged += 1
            else:
                yield record


def _streaks(data: bytearray, end: int) -> Iterator[tuple[int, int, bool]]:
    """Pieces [start, stop) of whole lines: True for one line with a tab, False for a streak of lines without."""
    start = 0
    while start < end:
        tab = data.find(b"\t", start, end)
        if tab < 0:
            yield start, end, False
            return
        line = data.rfind(b"\n", start, tab) + 1 or start
        if line > start:
            yield start, line, False
        start = data.find(b"\n", tab, end) + 1
        yield line, start, True
