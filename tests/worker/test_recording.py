"""What record() takes, what it refuses and where, and what counts when."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import BEFORE, Extent
from pyalma_tui.store.rows import RowReader
from pyalma_tui.worker import recording
from pyalma_tui.worker.recording import RowRecorder, row_text

NAME = "000001-w0001-0001.jsonl"


def rows_of(*given: object, **fields: object) -> Any:
    return msgspec.json.decode(row_text(given, fields))


@pytest.fixture
def rows(tmp_path: Path) -> RowRecorder:
    found = RowRecorder(tmp_path, NAME, synced=False, umask=0o022)
    found.begin(7, 1, 0)
    return found


def read(tmp_path: Path, *extents: Extent) -> list[Any]:
    with RowReader(tmp_path / "rows") as reader:
        found = list(reader.rows(Run(7, 0, 0, 0, extents=extents)))
        assert reader.missing == 0, reader.why
    return found


def test_a_row_is_one_mapping_or_keywords() -> None:
    for row in ({"n": 8, "gap": 0.13}, OrderedDict(n=8, gap=0.13), MappingProxyType({"n": 8, "gap": 0.13})):
        assert rows_of(row) == {"n": 8, "gap": 0.13}
    assert rows_of(n=8, gap=0.13) == {"n": 8, "gap": 0.13}
    assert rows_of({"self": 1, "row": 2}) == rows_of(self=1, row=2)


def test_values_are_any_json_values() -> None:
    row = {"s": "a\nb", "i": -(10**30), "f": 0.1, "b": True, "none": None, "list": [1, [2]], "object": {"x": {}}}
    assert rows_of(row) == row
    assert list(rows_of(row)) == list(row)


@pytest.mark.parametrize(
    ("given", "fields", "kind", "said"),
    [
        (({"gap": float("nan")},), {}, ValueError, "row.gap: nan is no JSON value"),
        ((), {"gap": {1, 2}}, TypeError, "row.gap: a set is no JSON value; the rows before it are kept. Use sorted()"),
        (({"a": [0, b"x"]},), {}, TypeError, "row.a[1]: a bytes is no JSON value"),
        (({1: 2},), {}, TypeError, "its key 1 is no text"),
        (({},), {}, ValueError, "a row without fields"),
        ((), {}, ValueError, "a row without fields"),
        (([1, 2],), {}, TypeError, "a list is no row"),
        ((None,), {}, TypeError, "None is no row"),
        (({"n": 1},), {"m": 2}, TypeError, "one mapping, or keywords"),
        (({"n": 1}, {"n": 2}), {}, TypeError, "one mapping, or keywords"),
        ((), {"seed": 5}, ValueError, "a column 'seed'"),
        (({"a": (1, 2)},), {}, TypeError, "a tuple is no JSON value; the rows before it are kept. Use list()"),
        (({"t": "x" * 64_000_000},), {}, ValueError, "Write large data to a file and record its name"),
    ],
    ids=lambda value: None if isinstance(value, tuple | dict | type) else str(value)[:30],
)
def test_what_is_no_row_is_refused_at_its_place(
    given: tuple[object, ...], fields: dict[str, object], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=r"^record") as caught:
        row_text(given, fields)
    assert said in str(caught.value)


def test_nothing_is_on_the_disk_before_a_save(tmp_path: Path, rows: RowRecorder) -> None:
    rows.add(b'{"n":1}')
    assert not (tmp_path / "rows").exists()
    rows.flush()
    assert (tmp_path / "rows" / NAME).stat().st_mode & 0o777 == 0o644
    assert read(tmp_path, *rows.extents) == [{"n": 1}]


def test_a_save_says_all_rows_of_its_attempt_in_one_extent(tmp_path: Path, rows: RowRecorder) -> None:
    for n in range(3):
        rows.add(b'{"n":%d}' % n)
        rows.add(b'{"m":%d}' % n)
        rows.flush()
    (extent,) = rows.extents
    assert (extent.file, extent.attempt, extent.start, extent.rows) == (NAME, 1, 0, 6)
    assert msgspec.json.decode(rows.told[1:], type=tuple[Extent, ...]) == rows.extents
    assert len(read(tmp_path, extent)) == 6


def test_what_waits_is_dropped_with_its_attempt(tmp_path: Path, rows: RowRecorder) -> None:
    rows.add(b'{"n":1}')
    rows.end()
    rows.begin(7, 2, 5)
    assert rows.extents == (Extent(BEFORE, 2, 0, 0, 5),)
    rows.add(b'{"n":2}')
    rows.flush()
    assert read(tmp_path, *rows.extents[1:]) == [{"n": 2}]


def test_memory_holds_few_of_many_rows(tmp_path: Path, rows: RowRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "HELD", 1000)
    for n in range(1000):
        rows.add(b'{"n":%d}' % n)
        assert sum(map(len, rows.waiting)) <= 1000
    rows.flush()
    assert read(tmp_path, *rows.extents) == [{"n": n} for n in range(1000)]


def test_a_file_that_is_full_is_followed_by_another(
    tmp_path: Path, rows: RowRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FILE", 100)
    for n in range(20):
        rows.add(b'{"n":%d}' % n)
        rows.flush()
    assert len({extent.file for extent in rows.extents}) > 3
    assert read(tmp_path, *rows.extents) == [{"n": n} for n in range(20)]


class Handler:
    """A signal handler that does something while a call of the system is under way, or just after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[[], None], *, after: bool) -> None:
        real = getattr(os, name)
        self.calls = 0

        def call(*args: Any) -> Any:
            self.calls += 1
            if self.calls > 1:
                return real(*args)
            if not after:
                do()
            result = real(*args)
            if after:
                do()
            return result

        monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", ["write", "lseek"])
def test_a_save_from_a_signal_handler_amid_another_counts_each_row_once(
    tmp_path: Path, rows: RowRecorder, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool
) -> None:
    """Its save counts the rows that were recorded before it; none is there twice, whoever has written them."""
    rows.add(b'{"n":0}')
    rows.flush()
    rows.add(b'{"n":1}')
    amid: list[Extent] = []

    def save() -> None:
        rows.add(b'{"n":2}')
        rows.flush()
        amid.extend(rows.extents)

    Handler(monkeypatch, name, save, after=after)
    rows.flush()
    assert read(tmp_path, *amid) == [{"n": 0}, {"n": 1}, {"n": 2}]
    rows.add(b'{"n":3}')
    rows.flush()
    assert read(tmp_path, *rows.extents) == [{"n": n} for n in range(4)]


def test_a_handler_that_raises_amid_a_write_loses_and_doubles_nothing(
    tmp_path: Path, rows: RowRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.add(b'{"n":1}')

    def ends() -> None:
        raise KeyboardInterrupt

    Handler(monkeypatch, "write", ends, after=True)
    with pytest.raises(KeyboardInterrupt):
        rows.flush()
    assert rows.extents == ()
    rows.add(b'{"n":2}')
    rows.flush()
    assert read(tmp_path, *rows.extents) == [{"n": 1}, {"n": 2}]


def test_a_file_that_somebody_has_removed_is_put_back_when_another_is_asked_for(
    tmp_path: Path, rows: RowRecorder
) -> None:
    rows.add(b'{"n":1}')
    rows.flush()
    (tmp_path / "rows" / NAME).unlink()
    (tmp_path / "rows").rmdir()
    rows.add(b'{"n":2}')
    rows.flush()
    rows.renew()
    rows.add(b'{"n":3}')
    rows.flush()
    assert read(tmp_path, *rows.extents) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert len({extent.file for extent in rows.extents}) == 2


def test_a_descriptor_that_user_code_has_closed_is_neither_written_nor_closed(
    tmp_path: Path, rows: RowRecorder
) -> None:
    rows.add(b'{"n":1}')
    rows.flush()
    assert rows._writer is not None
    fd = rows._writer.fd
    os.close(fd)
    other = os.open(tmp_path / "theirs", os.O_WRONLY | os.O_CREAT)
    os.dup2(other, fd)
    rows.add(b'{"n":2}')
    with pytest.raises(OSError, match="closed or replaced"):
        rows.flush()
    rows.settle()
    rows.end()
    rows.begin(7, 2, 1)
    rows.add(b'{"n":3}')
    rows.flush()
    assert read(tmp_path, *rows.extents[1:]) == [{"n": 3}]
    assert (tmp_path / "theirs").read_bytes() == b""
    os.close(fd)
    os.close(other)
