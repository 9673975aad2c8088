"""Rows of a long extent from any place on, and the last of them, each read without going through all."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pyalma_tui.model import jsontext
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent
from pyalma_tui.store import rows
from pyalma_tui.store.rows import RowReader, row_line

NUMBER = 300


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with rows of different lengths in two files, between those of others."""
    extents = []
    for file, (first, last) in {"one": (0, 250), "two": (250, NUMBER)}.items():
        own = b"".join(row_line(1, 1, jsontext.encode({"n": n, "text": "x" * (n % 7)})) for n in range(first, last))
        other = row_line(2, 1, b'{"n":-1}')
        (tmp_path / file).write_bytes(other + own + other)
        extents.append(Extent(file, 1, len(other), len(other) + len(own), last - first))
    return Run(1, 0, 0, 5, attempt=1, extents=tuple(extents))


def numbers(found: Any) -> list[int]:
    return [row["n"] for row in found]


def test_rows_are_read_from_any_place_in_any_order(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PIECE", 100)
    monkeypatch.setattr(rows, "NEAR", 64)
    with RowReader(tmp_path) as reader:
        for first in (290, 0, 249, 130, 131, 7, 298, 251):
            for last in (first, first + 1, first + 3, NUMBER):
                assert numbers(reader.rows(run, first, last)) == list(range(first, min(last, NUMBER)))
        assert not reader.missing


def test_a_place_that_is_known_is_read_again_in_a_few_pieces(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "NEAR", 64)
    read, reads = os.pread, 0

    def counted(fd: int, count: int, offset: int) -> bytes:
        nonlocal reads
        reads += 1
        return read(fd, count, offset)

    with RowReader(tmp_path) as reader:
        assert numbers(reader.rows(run, 240, 241)) == [240]
        monkeypatch.setattr(os, "pread", counted)
        assert numbers(reader.rows(run, 239, 240)) == [239]
    assert reads <= 4


def test_the_latest_rows_need_no_more_than_a_piece_at_the_end(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RowReader(tmp_path) as reader:
        assert numbers(reader.latest(run, 4)) == [296, 297, 298, 299]
        assert numbers(reader.latest(run, 60)) == list(range(240, NUMBER)), "two extents"
        monkeypatch.setattr(rows, "TAIL", 150)
        found = numbers(reader.latest(run, 10))
        assert 1 <= len(found) < 10
        assert found == list(range(NUMBER - len(found), NUMBER)), "no half line"
        assert not reader.missing


@pytest.mark.parametrize("wanted", [2, 7, 60, NUMBER - 1, NUMBER, 1000])
def test_some_rows_are_spread_over_all_with_about_the_number_that_each_has(
    run: Run, tmp_path: Path, wanted: int
) -> None:
    with RowReader(tmp_path) as reader:
        found = list(reader.spread(run, wanted))
        assert not reader.missing
    assert len(found) == min(wanted, NUMBER)
    places = [row["n"] for _, row in found]
    assert places == sorted(places)
    assert places[-1] == NUMBER - 1
    assert places[0] <= 2
    assert all(abs(number - 1 - row["n"]) <= 4 for number, row in found)
    assert max(b - a for a, b in itertools.pairwise(places)) <= NUMBER / (wanted - 1) + 8


def test_of_very_many_rows_some_are_read_without_going_through_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"".join(row_line(1, 1, b'{"n":%d}' % n) for n in range(100_000))
    (tmp_path / "one").write_bytes(text)
    run = Run(1, 0, 0, 5, attempt=1, extents=(Extent("one", 1, 0, len(text), 100_000),))
    read, sizes = os.pread, []

    def counted(fd: int, count: int, offset: int) -> bytes:
        sizes.append(count)
        return read(fd, count, offset)

    monkeypatch.setattr(os, "pread", counted)
    monkeypatch.setattr(rows, "NEAR", 512)
    with RowReader(tmp_path) as reader:
        assert len(list(reader.spread(run, 200))) == 200
    assert sum(sizes) < 200_000


def test_what_cannot_be_read_is_missing_in_a_sample(run: Run, tmp_path: Path) -> None:
    (tmp_path / "two").unlink()
    with RowReader(tmp_path) as reader:
        assert {row["n"] < 250 for _, row in reader.spread(run, 60)} == {True}


@pytest.mark.parametrize("piece", [1, 40, 100, 1 << 14])
def test_the_last_row_that_has_a_field_is_found_from_the_end_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(rows, "NEAR", piece)
    monkeypatch.setattr(rows, "PIECE", 3 * piece)
    own = [
        row_line(1, 2, jsontext.encode(row)) for row in ({"é": 1, "deep": {"x": 2}}, {"n": None, "a.b": 3}, {"q": "n"})
    ]
    (tmp_path / "three").write_bytes(b"".join(own))
    more = Extent("three", 2, 0, sum(map(len, own)), 3)
    longer = Run(1, 0, 0, 5, attempt=2, extents=(*run.extents, more))
    with RowReader(tmp_path) as reader:
        found = {name: reader.last_value(longer, name) for name in ("n", "text", "é", "deep.x", "a.b", "q", "none")}
        assert found == {"n": NUMBER - 1, "text": "x" * 5, "é": 1, "deep.x": 2, "a.b": 3, "q": "n", "none": None}
        assert reader.last_value(Run(1, 0, 0, 5, extents=run.extents[:1]), "n") == 249
        assert not reader.missing


def test_the_last_row_of_a_long_extent_is_found_in_one_piece_at_its_end(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "NEAR", 128)
    read, pieces = os.pread, []

    def counted(fd: int, count: int, offset: int) -> bytes:
        pieces.append(count)
        return read(fd, count, offset)

    monkeypatch.setattr(os, "pread", counted)
    with RowReader(tmp_path) as reader:
        assert reader.last_value(run, "n") == NUMBER - 1
    assert pieces == [128]


def test_the_last_row_is_found_where_rows_were_moved_to_and_one_that_is_damaged_is_counted(
    run: Run, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    (tmp_path / "two").rename(moved)
    now = Run(1, 0, 0, 5, extents=(run.extents[0], replace(run.extents[1], file="moved")))
    with RowReader(tmp_path, lambda _: now) as reader:
        assert reader.last_value(run, "n") == NUMBER - 1
        assert not reader.missing
    moved.write_bytes(moved.read_bytes().replace(b'"n":299', b'"n":298'))
    with RowReader(tmp_path, lambda _: now) as reader:
        assert reader.last_value(run, "n") == NUMBER - 2
        assert reader.missing == 1
    moved.unlink()
    with RowReader(tmp_path, lambda _: now) as reader:
        assert reader.last_value(run, "n") == 249
        assert reader.missing == NUMBER - 250
