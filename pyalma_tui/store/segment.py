"""A journal segment: an append-only file of checksummed records with one writer.

A line is `crc32 record\n`: eight hexadecimal digits, one separator, the record as compact JSON. The separator tells the
kind without decoding: a space before `saved`, a tab before everything else. Compact JSON never holds a raw tab.

Zeros at the end are no line: a writer that syncs each line has bytes ready before it writes them, and takes those off
that are left when it ends or goes on in another segment. One that was killed leaves them. No line holds a zero.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.records import Record, Saved
from pyalma_tui.store.disk import NEW_FILE, high, settle_mode, sync_data
from pyalma_tui.store.layout import next_segment

LIMIT = 16 << 20  # bytes after which a writer goes on in a new segment
AHEAD = 1 << 20  # bytes at most that are ready: a sync of a file that has grown takes longer, it syncs the size as well
FIRST = 1 << 14  # bytes that are ready at first, then as many as there are already
NEVER = 1 << 62
READ = 1 << 20  # bytes looked at in one piece: small enough to stay in the processor's cache

_decode: Callable[[bytes], Record] = msgspec.json.Decoder(Record).decode


def line_of(record: Record) -> bytes:
    """The line of any record; `saved_line` is the fast way for a saved one."""
    body = jsontext.encode(record)
    return b"%08x%c%s\n" % (crc32(body), b" " if isinstance(record, Saved) else b"\t", body)


def saved_line(prefix: bytes, number: int, elapsed: int, state: bytes, extents: bytes = b"") -> bytes:
    """The line of a saved record; `prefix` is `saved_prefix(run, attempt)`, `state` is JSON text.

    `extents` is a comma and their JSON text, or nothing where there are none.
    """
    body = b"%s%d,%d,%s%s]" % (prefix, number, elapsed, state, extents)
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
        if not body.isascii():
            body.decode()  # a state is not looked at otherwise
        return _decode(body)
    except (msgspec.DecodeError, RecursionError):
        try:
            return jsontext.decode_as(body, Record)
        except msgspec.DecodeError:
            return None
    except ValueError:
        return None


class EstrangedError(OSError):
    """A segment's descriptor is closed, or stands for something else: user code has done that, whatever it meant."""

    def __init__(self) -> None:
        super().__init__(errno.EBADF, "the descriptor of the journal was closed or replaced")


class SegmentWriter:
    """Appends lines to segments that nobody else writes; each line with one `write(2)`.

    `synced` means that a line is on the disk when `append` returns, `settled` that a whole segment is before lines go
    into the next one, `named` that the name of a segment is before lines go into it: without that a reader who syncs
    the segment syncs the directory. `ahead` allocates bytes before they are written. All methods raise OSError and
    leave the segment cut back to its last good line. What is not the segment any more is never written, cut, or closed:
    they raise EstrangedError instead.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        *,
        synced: bool = False,
        settled: bool = False,
        named: bool = True,
        ahead: bool = False,
        limit: int = LIMIT,
        umask: int | None = None,
    ) -> None:
        """`limit` is in bytes; `umask` decides the modes of segments, None for that of the process."""
        self._directory = directory
        self._umask = umask
        self._synced = synced
        self._settled = settled
        self._named = named
        self._ahead = ahead
        self._ready = 0  # bytes that the file has, zeros included, if they are allocated ahead
        self._limit = limit
        self._torn = False
        self._sound = False  # its name and its pages have not been refused by the disk
        self.fd, self.name = -1, ""
        self._identity = (-1, -1)  # device and inode of the file
        try:
            self._open(name)
        except OSError:
            self.close()
            raise

    def _open(self, name: str) -> None:
        append = 0 if self._ahead else os.O_APPEND
        flags = os.O_RDWR | append | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            before, sound = self.name, self._sound
            # once the name exists, readers take the old segment for complete: there is no way back, wherever a signal
            # handler raises
            self._sound = False
            try:
                old = fd = high(os.open(self._directory / name, flags, NEW_FILE))
            except OSError as error:
                if error.errno not in (errno.EEXIST, None) and self.name == before:  # None: a signal handler's own
                    self._sound = sound
                raise
            settle_mode(fd, self._directory, self._umask)
            stat = os.fstat(fd)
            ours = self.is_own
            if self.name == before:  # else a save from a signal handler came in between and has gone further
                old = self.fd if ours else -1  # no call from here on to the last of these: nothing comes in between
                self.fd = fd
                self.name = name
                self.position = self._ready = 0
                self._identity = (stat.st_dev, stat.st_ino)
                self._torn = False
            if old >= 0:
                if self._ahead:
                    _cut_zeros(old)
                os.close(old)
            if self._named:
                os.fsync(directory)
            if self.name == name:
                self._sound = True
        finally:
            os.close(directory)

    @property
    def is_own(self) -> bool:
        """Whether the descriptor still stands for the segment, as far as that can be known."""
        try:
            self.check()
        except OSError:
            return False
        return True

    def check(self) -> None:
        """Raise EstrangedError if the descriptor does not stand for the segment any more.

        That its file system is gone, as of a network, is another OSError: the run has nothing to do with it.
        """
        if self.fd < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        try:
            stat = os.fstat(self.fd)
        except OSError as error:
            if error.errno == errno.EBADF:
                raise EstrangedError from None
            raise
        if (stat.st_dev, stat.st_ino) != self._identity:
            raise EstrangedError

    def is_where_it_was(self) -> bool:
        """Whether the descriptor's offset is where our last line ended: a fourth of what `is_own` costs.

        Anything else that is there has an offset of its own, or none. After a handler's save in between, and after a
        cut, only `is_own` can tell.
        """
        try:
            return os.lseek(self.fd, 0, os.SEEK_CUR) == self.position > 0
        except OSError:
            return False

    def append(self, line: bytes) -> None:
        """Add one line; when this returns it survives the death of any process."""
        if not self.is_where_it_was():
            self.check()
        if self.position >= self._limit or self._torn or not self._sound:
            self._make_ready()
        if self._ahead and self.position + len(line) > self._ready:
            self._allocate(len(line))
        try:
            written = os.write(self.fd, line)
            if written != len(line):
                self._torn = True
                self._rest(line[written:])
                self._torn = False
        except OSError:
            self._torn = True
            self._cut_back()
            raise
        except BaseException:  # a signal handler raised: the next line finds out how far this one came
            self._torn = True
            raise
        self.position += written
        if self._synced:
            self.sync(line)

    def _allocate(self, length: int) -> None:
        """Let the file have bytes for this line and the next ones; where that cannot be, it grows as it is written."""
        more = min(AHEAD, max(FIRST, self.position), max(length, self._limit - self.position))
        end = self.position + max(length, more)
        soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if soft != resource.RLIM_INFINITY and end > soft:  # beyond it is a signal, and not for what nobody has saved
            self._ready = NEVER
            return
        try:
            os.posix_fallocate(self.fd, self.position, end - self.position)
            self._ready = end
        except OSError as error:  # no room for so much, which others may need, or a file system that cannot
            if error.errno is None:  # a signal handler's own
                raise
            self._ready = NEVER
            _cut_zeros(self.fd)

    def trim(self) -> None:
        """Take off what is ready and not written: probably nothing more is."""
        if self._ahead and self.is_own:
            self._ready = 0
            _cut_zeros(self.fd)

    def _make_ready(self) -> None:
        if self.position >= self._limit or not self._sound:
            if self._settled and self._sound:
                self._sync()
            self._try_rotate()
        if self._torn:
            self._cut_back()

    def _rest(self, rest: bytes) -> None:
        # a short write: what is missing follows, or the reason why it cannot
        if os.write(self.fd, rest) != len(rest):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _cut_back(self) -> None:
        """Leave whole lines only."""
        self.check()
        end = os.lseek(self.fd, 0, os.SEEK_CUR) if self._ahead else os.fstat(self.fd).st_size
        while end > 0:
            start = max(0, end - READ)
            newline = os.pread(self.fd, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        os.ftruncate(self.fd, end)
        if self._ahead:
            os.lseek(self.fd, end, os.SEEK_SET)
            self._ready = 0
        self.position, self._torn = end, False

    def rotate(self) -> None:
        """Go on in a new segment; raises OSError, and stays in the old one if there is no new one."""
        before = name = self.name
        while self.name == before:
            name = next_segment(name)
            try:
                self._open(name)
            except FileExistsError:  # a signal handler raised or saved when we had just made it: it stays empty
                continue

    def _try_rotate(self) -> None:
        try:
            self.rotate()
        except OSError as error:
            # a full disk refuses new files before it refuses bytes: go on in the old segment while it takes them
            if not self._sound or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
                raise

    def sync(self, line: bytes = b"") -> None:
        """Put what was appended on the disk.

        After a failure the kernel may have dropped the pages, so nothing is retried on that file: `line` goes into a
        new segment and that is synced; without a `line` the next one does.
        """
        try:
            self._sync()
        except OSError:
            if not line:
                raise
            synced, self._synced = self._synced, False
            try:
                self.append(line)
            finally:
                self._synced = synced
            self._sync()

    def _sync(self) -> None:
        if not self.is_where_it_was():  # not by fstat, after which a write has a new time to put on the disk: 30 µs
            self.check()
        try:
            sync_data(self.fd)
        except OSError:
            self._sound = False
            raise

    def close(self) -> None:
        """Close the segment; it can be read and removed by others. Nothing is cut: forked children do this too."""
        ours = self.is_own
        fd, self.fd = self.fd, -1  # a close that fails has closed
        if ours:
            os.close(fd)


def _cut_zeros(fd: int) -> None:
    """Let a file end where its last line does; it may also have zeros there."""
    try:
        os.ftruncate(fd, os.lseek(fd, 0, os.SEEK_CUR))
    except OSError as error:
        if error.errno is None:  # a signal handler's own
            raise
