"""Counts and line numbers of a growing file against a count of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.logs import search, tally
from pyalma_tui.logs.needle import having
from pyalma_tui.logs.numbering import Numbering
from pyalma_tui.logs.reader import Reader
from pyalma_tui.logs.search import hits
from pyalma_tui.logs.tally import LineTally

parts = st.lists(st.lists(st.sampled_from(["a", "ab", "\n", "\n", "x" * 9]), max_size=20).map("".join), max_size=5)


@pytest.fixture(scope="module", autouse=True)
def small_steps() -> Iterator[None]:
    """Every text here takes several steps, and several sums are kept."""
    with mock.patch.object(search, "STEP", 16), mock.patch.object(tally, "SPREAD", 20):
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tally") / "1.log"


@given(parts=parts)
def test_what_is_counted_is_what_there_is_before_each_line_while_the_file_grows(path: Path, parts: list[str]) -> None:
    path.write_bytes(b"")
    reader = Reader(path, 12)
    numbering = Numbering(reader)
    matches = LineTally(reader, lambda start, stop: len(hits(reader, having("ab"), start, stop)))
    for part in parts:
        with path.open("a") as file:
            file.write(part)
        reader.refresh()
        for counted in (numbering.tally, matches):
            while counted.going:
                counted.advance(0)
        lines = reader.lines(0, 1000)
        found = [b"ab" in line.data for line in lines]
        assert matches.total == sum(found)
        number = 1
        for index, line in enumerate(lines):
            assert matches.before(line.start) == sum(found[:index])
            assert numbering.number(line.start) == number
            if not line.cut_before:
                assert numbering.start(number) == line.start
            number += not line.cut_after
    reader.close()


def test_a_line_that_is_not_counted_yet_has_no_number_and_one_that_is_not_there_is_the_last(path: Path) -> None:
    path.write_bytes(b"line\n" * 100)
    reader = Reader(path)
    reader.refresh()
    numbering = Numbering(reader)
    numbering.tally.advance(0)
    assert (numbering.number(495), numbering.start(100)) == (None, None)
    numbering.tally.advance(60)
    assert (numbering.number(495), numbering.start(100), numbering.start(1000)) == (100, 495, 495)
    reader.close()
