"""What the program is compared with: the least that any program could do, and what others would use."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tinydb import TinyDB
from tinydb.table import Document

from pyalma_tui.store.segment import saved_line, saved_prefix

BATCH = 100
HELLO = """\
from textual.app import App, ComposeResult
from textual.widgets import Static


class Hello(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("hello, world", id="text")

    def on_key(self) -> None:
        self.times = getattr(self, "times", 0) + 1
        self.query_one("#text", Static).update(f"key {self.times:06d}")


Hello().run()
"""
ECHO = """\
import os
while data := os.read(0, 4096):
    os.write(1, data)
"""


def _rate(step: Callable[[], object], seconds: float, batch: int = BATCH) -> float:
    """Calls a second, looked at the clock as rarely as the run module does."""
    count, began = 0, time.perf_counter()
    end = began + seconds
    while time.perf_counter() < end:
        for _ in range(batch):
            step()
        count += batch
    return count / (time.perf_counter() - began)


class BareAppend:
    """The line that save() writes, appended to a file; the file begins anew each time."""

    def __init__(self, directory: Path, size: int) -> None:
        self._path = directory / "bare.jsonl"
        self._line = saved_line(saved_prefix(3000, 1), 123456, 12345, b'"%s"' % (b"x" * size))

    def rate(self, seconds: float) -> float:
        """Appends a second."""
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        line, write = self._line, os.write
        try:
            return _rate(lambda: write(fd, line), seconds)
        finally:
            os.close(fd)


class Sqlite:
    """The state of one of many runs updated in a transaction of its own, write-ahead log."""

    def __init__(self, path: Path, synchronous: str, rows: int, size: int) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute(f"pragma synchronous={synchronous}")
        self._db.execute("create table runs (id integer primary key, saves integer, state text)")
        self._db.executemany("insert into runs values (?, 0, '')", ((i,) for i in range(rows)))
        self._state = "x" * size
        self._rows = rows

    def _save(self) -> None:
        self._db.execute("update runs set state = ?, saves = saves + 1 where id = ?", (self._state, self._rows - 1))

    def rate(self, seconds: float, batch: int = BATCH) -> float:
        """Transactions a second."""
        return _rate(self._save, seconds, batch)

    def close(self) -> None:
        """Close it."""
        self._db.close()


class SqliteRows:
    """Rows of three numbers inserted, each in a transaction of its own, write-ahead log."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute(f"pragma synchronous={synchronous}")
        self._db.execute("create table rows (n integer, gap real, steps integer)")

    def _insert(self) -> None:
        self._db.execute("insert into rows values (?, ?, ?)", (7, 0.13, 8))

    def rate(self, seconds: float, batch: int = BATCH) -> float:
        """Transactions a second."""
        return _rate(self._insert, seconds, batch)

    def close(self) -> None:
        """Close it."""
        self._db.close()


class PlainTinyDB:
    """The state of one of many documents updated, with TinyDB's own JSON storage."""

    def __init__(self, path: Path, rows: int, size: int) -> None:
        self._db = TinyDB(path)
        self._db.insert_multiple(Document({"state": "", "status": "pending"}, doc_id=i + 1) for i in range(rows))
        self._state = "x" * size
        self._rows = rows

    def _save(self) -> None:
        self._db.update({"state": self._state}, doc_ids=[self._rows])

    def rate(self, seconds: float) -> float:
        """Updates a second."""
        return _rate(self._save, seconds, 1)

    def close(self) -> None:
        """Close it."""
        self._db.close()


class Pipe:
    """The line sent to another process and back: what asking anybody costs at the least."""

    def __init__(self, size: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._line = b"x" * size + b"\n"

    def _ask(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        os.write(self._process.stdin.fileno(), self._line)
        os.read(self._process.stdout.fileno(), 4096)

    def rate(self, seconds: float) -> float:
        """Round trips a second."""
        return _rate(self._ask, seconds)

    def close(self) -> None:
        """End the other process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def nothing(_: int) -> None:
    """An empty task, for a pool of processes."""
