"""The window over a growing file against a list of its lines."""

from __future__ import annotations

import itertools
import os
import random
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyalma_tui.logs import reader as module
from pyalma_tui.logs.reader import Line, Reader

LIMIT = 8
MB = 1024 * 1024


@dataclass
class Spy:
    """What was read from the disk."""

    calls: int = 0
    most: int = 0
    total: int = 0
    ends: list[int] = field(default_factory=list)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    seen = Spy()
    pread = os.pread

    def counted(fd: int, count: int, offset: int) -> bytes:
        seen.calls += 1
        seen.most = max(seen.most, count)
        seen.total += count
        return pread(fd, count, offset)

    monkeypatch.setattr(os, "pread", counted)
    return seen


@pytest.fixture(scope="module", params=[3, module.CHUNK], ids=["chunks of 3", "usual chunks"])
def directory(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where files are written that are read in chunks of that many bytes."""
    with mock.patch.object(module, "CHUNK", request.param):
        yield tmp_path_factory.mktemp("logs")


def in_rows(content: bytes) -> bytes:
    """The content with a carriage return where the cursor had gone up before it went down again, at most four lines."""
    found = bytearray(content)
    for runs in re.finditer(rb"((?:\x1b\[A)+)(\n+)", content):
        back = min(len(runs[1]) // 3, len(runs[2]), 4)
        found[runs.start(2) : runs.start(2) + back] = b"\r" * back
    return bytes(found)


def model(content: bytes, limit: int) -> list[tuple[int, int]]:
    """(start, next) of each line, from the whole content at once."""
    content = in_rows(content)
    lines: list[tuple[int, int]] = []
    start = 0
    for text in re.findall(rb"[^\n]*\n|[^\n]+", content):
        end = start + len(text)
        stop = end - text.endswith(b"\n")
        cuts = [cut for cut in range(0, stop, limit) if cut >= start + limit]
        edges = [start, *cuts, end]
        lines += itertools.pairwise(edges)
        start = end
    return lines


def opened(path: Path, limit: int = LIMIT) -> Reader:
    reader = Reader(path, limit)
    reader.refresh()
    return reader


def spans(lines: list[Line]) -> list[tuple[int, int]]:
    return [(line.start, line.next) for line in lines]


contents = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\n", b"\x1b[A", b"\x1b[A\n\r"]),
        st.binary(max_size=3),
        st.integers(0, 40).map(lambda n: b"x" * n + b"\n"),
        st.integers(0, 6).map(lambda n: b"\x1b[A" * n + b"\n" * (n + 1)),
    ),
    max_size=30,
).map(b"".join)


@given(content=contents)
def test_lines_are_those_of_the_model_read_from_any_of_them(directory: Path, content: bytes) -> None:
    (path := directory / "any.log").write_bytes(content)
    reader = opened(path)
    lines = model(content, LIMIT)
    for index, (start, _) in enumerate(lines):
        assert spans(reader.lines(start, 3)) == lines[index : index + 3]
    assert spans(reader.lines(0, len(lines) + 1)) == lines
    reader.close()


@given(content=contents)
def test_going_back_from_any_line_meets_the_same_lines(directory: Path, content: bytes) -> None:
    (path := directory / "back.log").write_bytes(content)
    reader = opened(path)
    starts = [start for start, _ in model(content, LIMIT)]
    for index, start in enumerate([*starts, len(content)]):
        for count in (1, 2, 7):
            assert reader.before(start, count) == ([0, *starts][max(0, index - count + 1)] if index else 0)
    reader.close()


@given(content=contents)
def test_every_byte_belongs_to_the_line_that_holds_it(directory: Path, content: bytes) -> None:
    (path := directory / "at.log").write_bytes(content)
    reader = opened(path)
    for start, behind in model(content, LIMIT):
        assert {reader.at(offset) for offset in range(start, behind)} == {start}
    reader.close()


@given(content=contents)
def test_no_byte_is_lost_and_none_shown_twice(directory: Path, content: bytes) -> None:
    (path := directory / "whole.log").write_bytes(content)
    reader = opened(path)
    lines = reader.lines(0, len(content) + 1)
    assert b"".join(line.data + b"\n" * (not line.cut_after) for line in lines).removesuffix(b"\n") == (
        in_rows(content).removesuffix(b"\n")
    )
    assert reader.raw(0, len(content)) == content
    assert [line.cut_before for line in lines[1:]] == [line.cut_after for line in lines[:-1]]
    reader.close()


@settings(max_examples=60)
@given(parts=st.lists(contents, max_size=6), data=st.data())
def test_a_growing_file_keeps_its_beginnings_and_a_shrunk_one_starts_over(
    directory: Path, parts: list[bytes], data: st.DataObject
) -> None:
    path = directory / "grow.log"
    path.write_bytes(b"")
    reader = opened(path)
    content = b""
    for part in parts:
        generation, known = reader.generation, [start for start, _ in model(content, LIMIT)]
        if content and data.draw(st.booleans(), label="truncate"):
            content = content[: data.draw(st.integers(0, len(content) - 1), label="to")]
            os.truncate(path, len(content))
            assert reader.refresh()
            assert reader.generation > generation
        else:
            content += part
            with path.open("ab") as file:
                file.write(part)
            assert reader.refresh() == bool(part)
            assert reader.generation == generation
            assert [start for start, _ in model(content, LIMIT)][: len(known)] == known
        lines = model(content, LIMIT)
        assert reader.size == len(content)
        assert spans(reader.lines(0, 1000)) == lines
        assert reader.before(reader.size, 4) == (lines[-4:][0][0] if lines else 0)
    reader.close()


@given(text=st.text(alphabet="aä漢🎉", min_size=1, max_size=60))
def test_a_cut_splits_no_character(directory: Path, text: str) -> None:
    (path := directory / "utf8.log").write_bytes(text.encode())
    reader = opened(path)
    assert "".join(line.data.decode() for line in reader.lines(0, 1000)) == text
    reader.close()


def test_a_file_that_is_not_there_yet_is_empty_and_appears(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "run" / "1.log")
    assert not reader.refresh()
    assert (reader.size, reader.problem, reader.lines(0, 5), reader.before(0, 5)) == (0, "", [], 0)
    reader.path.parent.mkdir()
    reader.path.write_bytes(b"hello")
    assert reader.refresh()
    assert not reader.refresh()
    assert [line.data for line in reader.lines(0, 5)] == [b"hello"]


def test_another_file_under_the_same_name_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_bytes(b"old\n")
    reader = opened(path, module.LIMIT)
    (tmp_path / "new").write_bytes(b"new, and longer\n")
    (tmp_path / "new").replace(path)
    assert reader.refresh()
    assert reader.generation == 1
    assert reader.lines(0, 1)[0].data == b"new, and longer"
    path.unlink()
    assert reader.refresh()
    assert (reader.generation, reader.size, reader.problem) == (2, 0, "")


@pytest.mark.parametrize("kind", ["directory", "fifo", "link to itself"])
def test_what_is_no_readable_file_is_a_problem_with_a_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "1.log"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    reader = Reader(path)
    assert reader.refresh()
    assert reader.problem
    assert reader.lines(0, 5) == []


def test_a_file_that_shrinks_between_looking_and_reading_reads_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_bytes(b"one\ntwo\nthree\n")
    reader = opened(path, module.LIMIT)
    os.truncate(path, 2)
    assert reader.lines(0, 5)[0].data.startswith(b"on\0")
    assert reader.before(reader.size, 1) == 0
    assert reader.at(9) == 0


def test_no_descriptor_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    count = len(os.listdir("/dev/fd"))
    reader = Reader(path)
    for _ in range(20):
        (tmp_path / "new").write_bytes(b"x\n")
        (tmp_path / "new").replace(path)
        reader.refresh()
    reader.close()
    assert len(os.listdir("/dev/fd")) == count


@pytest.fixture(params=["lines", "one line"])
def large(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, int]]:
    """256 MB: really written lines, or one line without an end in a sparse file."""
    path = tmp_path / "large.log"
    with path.open("wb") as file:
        if request.param == "lines":
            block = b"".join(b"11:02:07 restart %09d, best 3 unsatisfied\n" % n for n in range(20_000))
            while file.tell() < 256 * MB:
                file.write(block)
        else:
            file.truncate(256 * MB)
    yield path, path.stat().st_size
    path.unlink()


def test_d47_a_large_file_is_read_in_bounded_pieces_and_constant_memory(large: tuple[Path, int], spy: Spy) -> None:
    path, size = large
    chance = random.Random(47)
    tracemalloc.start()
    try:
        reader = opened(path, module.LIMIT)
        top = reader.before(reader.size, 50)
        shown = reader.lines(top, 50)
        assert (len(shown), shown[-1].next) == (50, size)
        at_the_end = Spy(spy.calls, spy.most, spy.total)
        for _ in range(30):
            top = reader.before(top, 49)
            assert len(reader.lines(top, 50)) == 50
            top = reader.at(chance.randrange(size))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    reader.close()
    one_line = shown[0].cut_after
    assert at_the_end.total <= (20 * MB if one_line else 80 * 1024)
    assert spy.most <= 160 * 1024
    assert peak < (12 * MB if one_line else MB)
