"""What workers append, read on the host that writes it, and put on its disk."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyalma_tui.model.afar import NotSynced, Told
from pyalma_tui.store import layout
from pyalma_tui.store.disk import open_regular, sync_data
from pyalma_tui.store.segment import READ
from pyalma_tui.store.tail import Tail

SYNC = 0.05  # seconds between two syncs


class Following:
    """Owned by one thread; with `grouped` another one puts what has grown on the disk, rows before what counts them."""

    def __init__(self, state_dir: Path, *, grouped: bool) -> None:
        self._journal, self._rows = layout.journal(state_dir), layout.rows(state_dir)
        self._buffer = bytearray(READ)
        self._tails: dict[int, tuple[str, Tail]] = {}  # by worker: the segment that it writes now
        self.untold: set[int] = set()  # workers of which something may never have been told
        self._synced: dict[str, int] = {}  # by segment: bytes that are on the disk
        self._refused: set[str] = set()  # segments that the disk did not take
        self._not_synced: deque[NotSynced] = deque()  # what is to be told of that
        self._guard = threading.Lock()  # keeps descriptors open while they are collected for a sync
        self._grouped = grouped
        if grouped:
            threading.Thread(target=self._sync_often, name="place-sync", daemon=True).start()

    def begin(self, worker: int, segment: str) -> None:
        """Follow a worker, whose segment is there. Raises OSError."""
        try:
            tail = Tail(self._journal / segment)
        except OSError:
            self.untold.add(worker)
            raise
        with self._guard:
            self._tails[worker] = segment, tail

    def tell(self, worker: int) -> Iterator[Told | NotSynced]:
        """What this worker has appended since the last time, and what the disk did not take of anybody's.

        Raises OSError, and nothing more of this worker is told then.
        """
        try:
            yield from self._tell(worker)
            yield from self._news()
        except OSError:
            self.untold.add(worker)
            if worker in self._tails:
                self._let_go(worker)
            raise

    def _tell(self, worker: int) -> Iterator[Told]:
        while worker in self._tails:
            segment, tail = self._tails[worker]
            yield from self._new(worker, segment, tail)
            following = layout.next_segment(segment)
            if not (self._journal / following).exists():
                return
            yield from self._new(worker, segment, tail)  # nothing is added once the next one exists
            self._let_go(worker)
            self.begin(worker, following)

    def _news(self) -> Iterator[NotSynced]:
        while self._not_synced:
            told = self._not_synced.popleft()
            if os.path.lexists(self._journal / told.segment):  # else its mount is gone, or it was removed
                yield told

    def tell_all(self) -> Iterator[Told | NotSynced]:
        """What all of them have."""
        for worker in list(self._tails):
            yield from self.tell(worker)

    def end(self, worker: int) -> Iterator[Told | NotSynced]:
        """The last words of a worker that is gone."""
        yield from self.tell(worker)
        if worker in self._tails:
            self._let_go(worker)
            yield from self._news()

    def _new(self, worker: int, segment: str, tail: Tail) -> Iterator[Told]:
        before = tail.position
        lines = [line[:-1].decode("utf-8", "replace") for line in tail.lines(self._buffer)]
        if tail.position > before:
            yield Told(worker, segment, tail.position, lines)

    def _let_go(self, worker: int) -> None:
        with self._guard:
            segment, tail = self._tails.pop(worker)
        if self._grouped:
            self._sync(worker, segment, tail.fd)
        self._synced.pop(segment, None)
        tail.close()

    # --- the disk ----------------------------------------------------------------------------------------------------

    def _sync_often(self) -> None:
        pause = threading.Event()
        while not pause.wait(SYNC):
            with self._guard:
                found = [(worker, segment, os.dup(tail.fd)) for worker, (segment, tail) in self._tails.items()]
            for worker, segment, fd in found:
                self._sync(worker, segment, fd)
                with suppress(OSError):  # one of a file system that is gone is closed all the same
                    os.close(fd)

    def _sync(self, worker: int, segment: str, fd: int) -> None:
        """Put on the disk what has grown. What failed is never tried again: the kernel may have dropped the pages."""
        if segment in self._refused:
            return
        try:
            size = os.fstat(fd).st_size
            if size <= self._synced.get(segment, 0):
                return
            self._sync_rows(segment)
            sync_data(fd)
            self._synced[segment] = size
        except OSError as error:
            self._refused.add(segment)
            self._not_synced.append(NotSynced(worker, segment, error.strerror or str(error)))

    def _sync_rows(self, segment: str) -> None:
        try:
            fd = open_regular(self._rows / segment, os.O_RDONLY)
        except FileNotFoundError:  # its runs record none
            return
        try:
            sync_data(fd)
        finally:
            os.close(fd)
