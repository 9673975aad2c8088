"""What runs print at this place goes to the file system in time, so that a screen elsewhere follows it.

What is written to a network file system waits in this host's memory, for half a minute, unless somebody syncs it.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from pyalma_tui.store import layout
from pyalma_tui.store.disk import open_regular, sync_data

SYNC = 0.4  # seconds between two looks


class Printing:
    """Told by the place's thread which logs are written; a thread of its own syncs those that have grown."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._logs: dict[int, tuple[str, int]] = {}  # by worker: path, and bytes that the file system has
        self._guard = threading.Lock()
        threading.Thread(target=self._sync_often, name="place-logs", daemon=True).start()

    def begin(self, worker: int, run: int, attempt: int) -> None:
        """This worker prints into the log of this attempt from now on."""
        with self._guard:
            self._logs[worker] = (f"{self._state_dir}/{layout.log_of(run, attempt)}", 0)

    def end(self, worker: int) -> None:
        """It prints no more, and its log is closed, with which the file system gets it."""
        with self._guard:
            self._logs.pop(worker, None)

    def _sync_often(self) -> None:
        pause = threading.Event()
        while not pause.wait(SYNC):
            with self._guard:
                found = list(self._logs.items())
            for worker, (path, known) in found:
                size = _sync(path, known)
                with self._guard:
                    if self._logs.get(worker) == (path, known):
                        self._logs[worker] = (path, size)


def _sync(path: str, known: int) -> int:
    """Sync it if it has grown; its size."""
    with suppress(OSError):  # it is not there yet, or was removed: a log is no reason to stop
        fd = open_regular(path, os.O_RDONLY)
        try:
            size = os.fstat(fd).st_size
            if size != known:
                sync_data(fd)
            return size
        finally:
            os.close(fd)
    return known
