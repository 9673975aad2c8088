"""Searching and filtering a growing file against the list of its lines."""

from __future__ import annotations

import re
import time
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.logs import filtered as filtering
from pyalma_tui.logs import search as module
from pyalma_tui.logs.filtered import Filtered
from pyalma_tui.logs.needle import having
from pyalma_tui.logs.reader import LIMIT, Line, Reader
from pyalma_tui.logs.search import Search, advance, begin, step

words = st.sampled_from(
    ["n", "no", "NO", "now", "ünïcode", "ÜNÏ", "漢", "\n", "\n", "\n", "\x1b[1m", "\x1b[0;31m", "x" * 9]
)
contents = st.lists(st.one_of(words, st.just("o")), max_size=40).map(lambda parts: "".join(parts).encode())
needles = st.sampled_from(["no", "31", "NOW", "nn", "ünï", "Ï", "漢", "absent"])


@pytest.fixture(scope="module", autouse=True)
def small_steps() -> object:
    """Steps of 16 bytes, so that every text here takes several."""
    with mock.patch.object(module, "STEP", 16):
        yield


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search") / "1.log"


def opened(path: Path, content: bytes, limit: int | None = None) -> Reader:
    """A reader that cuts lines at 12 bytes, unless a cut could split a colour: its rest would be text in the model."""
    path.write_bytes(content)
    reader = Reader(path, limit or (1000 if b"\x1b" in content else 12))
    reader.refresh()
    return reader


def contains(line: Line, needle: str) -> bool:
    text = re.sub(r"\x1b\[[0-9;]*m", "", line.data.decode("utf-8", "surrogateescape"))
    return needle.lower() in text.lower()


def ended(search: Search, reader: Reader) -> Search:
    while search.going:
        before = search
        search = step(search, reader)
        assert search != before
        assert before.share <= search.share <= 1
    return search


@given(content=contents, needle=needles, data=st.data())
def test_a_search_finds_the_next_line_or_the_last_before_and_goes_round_once(
    path: Path, content: bytes, needle: str, data: st.DataObject
) -> None:
    reader = opened(path, content)
    lines = reader.lines(0, 1000)
    found = [line.start for line in lines if contains(line, needle)]
    origin = data.draw(st.sampled_from([line.start for line in lines] + [len(content)]))

    onwards = ended(begin(having(needle), origin, reader.size, forward=True), reader)
    behind = [start for start in found if start >= origin]
    assert onwards.found == (min(behind) if behind else min(found, default=None))
    assert onwards.wrapped == (not behind)

    back = ended(begin(having(needle), origin, reader.size, forward=False), reader)
    ahead = [start for start in found if start < origin]
    assert back.found == (max(ahead) if ahead else max(found, default=None))
    assert back.wrapped == (not ahead)
    reader.close()


@given(parts=st.lists(contents, min_size=1, max_size=4), needle=needles)
def test_a_filter_holds_exactly_the_lines_that_contain_the_text_while_the_file_grows(
    path: Path, parts: list[bytes], needle: str
) -> None:
    reader = opened(path, parts[0], 1000 if b"\x1b" in b"".join(parts) else 12)
    filtered = Filtered(reader, having(needle))
    for part in [b"", *parts[1:]]:
        with path.open("ab") as file:
            file.write(part)
        reader.refresh()
        filtered.advance(0)
        while filtered.going:
            filtered.advance(0)
        expected = [line for line in reader.lines(0, 1000) if contains(line, needle)]
        assert filtered.lines(0, 1000) == expected
        starts = [line.start for line in expected]
        for index, start in enumerate([*starts, reader.size]):
            assert filtered.lines(start, 2) == expected[index : index + 2]
            assert filtered.before(start, 3) == ([*starts, 0][max(0, index - 3)] if starts else 0)
            assert filtered.at_or_behind(start) == len(starts) - index
    reader.close()


def test_appended_lines_do_not_keep_a_search_going(path: Path) -> None:
    reader = opened(path, b"a\n" * 100)
    search = begin(having("wanted"), 0, reader.size, forward=True)
    steps = 0
    while search.going:
        search = step(search, reader)
        with path.open("ab") as file:
            file.write(b"more\n" * 10)
        reader.refresh()
        steps += 1
    assert steps < 40


def test_a_truncated_file_ends_a_search(path: Path) -> None:
    for forward in (True, False):
        reader = opened(path, b"some line\n" * 100)
        search = step(begin(having("wanted"), 500, reader.size, forward=forward), reader)
        path.write_bytes(b"short")
        reader.refresh()
        assert ended(search, reader).found is None


def test_time_runs_out_between_steps(path: Path) -> None:
    reader = opened(path, b"some line\n" * 1000)
    search = advance(begin(having("wanted"), 0, reader.size, forward=True), reader, 0)
    assert search.going
    assert 0 < search.position < 100
    assert not advance(search, reader, 60).going


def test_a_filter_in_a_flood_forgets_the_oldest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "MOST_HITS", 10)
    reader = opened(path, b"x\n" * 25)
    filtered = Filtered(reader, having("x"))
    for _ in range(20):
        with path.open("ab") as file:
            file.write(b"x\n" * 5)
        reader.refresh()
        while filtered.going:
            filtered.advance(0)
        assert filtered.lines(filtered.before(reader.size, 1), 2)[-1].next == reader.size
        assert len(filtered) <= 50


@pytest.mark.parametrize("content", [b"\n", b"x\n", b"\x1b[31mx", b"x", b"\xff"], ids=repr)
def test_d47_one_step_over_hostile_text_is_short(path: Path, content: bytes) -> None:
    with mock.patch.object(module, "STEP", 32 * 1024):
        reader = opened(path, content * (1 << 19), LIMIT)
        for needle in ("x", "xx", "ä"):
            search = begin(having(needle), reader.size, reader.size, forward=False)
            spent = []
            for _ in range(8):
                began = time.process_time()
                search = step(search, reader)
                spent.append(time.process_time() - began)
            # the median: one slow step of eight is the machine's doing
            assert sorted(spent)[4] < 0.05
        reader.close()
