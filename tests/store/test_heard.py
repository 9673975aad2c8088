"""Segments on other hosts: what is told counts once, and what nobody could tell any more is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyalma_tui.model.records import Record, Saved
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.layout import segment_name
from pyalma_tui.store.row_files import RowFiles
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal(tmp_path, 2, {}, RowFiles(tmp_path / "rows", 2))
    yield found
    found.close()


def line(number: int) -> bytes:
    return saved_line(saved_prefix(1, 1), number, 0, b'"%d"' % number)


def told(journal: Journal, name: str, position: int, *numbers: int) -> list[int]:
    return of(journal.take("w0001", name, position, [line(number)[:-1].decode() for number in numbers]))


def of(records: Iterator[Record]) -> list[int]:
    return [record.number for record in records if isinstance(record, Saved)]


def test_what_is_told_counts_once_though_it_is_told_again_or_is_in_the_file(journal: Journal) -> None:
    journal.listen("w0001")
    pen = SegmentWriter(journal.directory, name := journal.name_for("w0001"), limit=10_000)
    for number in range(1, 4):
        pen.append(line(number))
    assert told(journal, name, pen.position, 3) == [3]
    assert told(journal, name, pen.position, 3) == []
    assert of(journal.poll()) == []
    assert journal.positions()[name] == pen.position
    assert of(journal.end("w0001")) == []


def test_what_is_told_needs_no_file_that_can_be_read_here(journal: Journal) -> None:
    journal.listen("w0001")
    assert told(journal, journal.name_for("w0001"), 40, 1) == [1]
    assert of(journal.end("w0001")) == []


def test_what_a_place_could_not_tell_any_more_is_read_also_in_later_segments(journal: Journal) -> None:
    journal.listen("w0001")
    pen = SegmentWriter(journal.directory, name := journal.name_for("w0001"), limit=10_000)
    pen.append(line(1))
    told(journal, name, pen.position, 1)
    pen.append(line(2))
    pen.rotate()
    pen.append(line(3))
    assert of(journal.end("w0001")) == [2, 3]
    assert journal.positions()[pen.name] == pen.position
    assert told(journal, pen.name, pen.position, 3) == []  # it was given up


def test_a_writer_that_goes_on_in_a_new_segment_leaves_the_old_one_to_the_checkpoint(journal: Journal) -> None:
    journal.listen("w0001")
    pen = SegmentWriter(journal.directory, name := journal.name_for("w0001"), limit=10_000)
    pen.append(line(1))
    told(journal, name, end := pen.position, 1)
    pen.rotate()
    pen.append(line(2))
    told(journal, pen.name, pen.position, 2)
    positions = journal.positions()
    assert (positions[name], positions[pen.name]) == (end, pen.position)
    journal.checkpointed(positions)
    assert not (journal.directory / name).exists()
    assert (journal.directory / pen.name).exists()


def test_what_could_not_be_told_is_read_behind_a_segment_that_somebody_has_removed(journal: Journal) -> None:
    journal.listen("w0001")
    pen = SegmentWriter(journal.directory, name := journal.name_for("w0001"), limit=10_000)
    pen.append(line(1))
    told(journal, name, pen.position, 1)
    (journal.directory / name).unlink()
    assert journal.removed == {"w0001": name}
    pen.rotate()
    pen.append(line(2))
    assert of(journal.end("w0001")) == [2]


def test_what_is_told_counts_also_in_the_ten_thousandth_segment(journal: Journal) -> None:
    journal.listen("w0001")
    nine, ten = segment_name(2, "w0001", 9_999), segment_name(2, "w0001", 10_000)
    assert told(journal, nine, 40, 1) == [1]
    assert told(journal, ten, 40, 2) == [2]
    assert told(journal, nine, 80, 1) == []
