"""A segment: the form of its lines, and that reading it in a hurry gives what reading every line gives."""

from __future__ import annotations

import os
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from pyalma_tui.errors import IllegalTransitionError
from pyalma_tui.model import jsontext
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import Note, Progressed, Record, Returned, Saved, Started
from pyalma_tui.model.status import DoneHook
from pyalma_tui.store import segment
from pyalma_tui.store.disk import HIGH_FD
from pyalma_tui.store.layout import next_segment, segment_name
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.segment import (
    READ,
    SegmentWriter,
    line_of,
    record_of,
    saved_line,
    saved_prefix,
)
from pyalma_tui.store.tail import Tail
from tests.model.histories import histories

NAME = "000001-w0001-0001.jsonl"
SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def saved(run: int, number: int, attempt: int = 1) -> bytes:
    return saved_line(saved_prefix(run, attempt), number, 10, b'"%d"' % number)


def started(run: int, attempt: int = 1) -> bytes:
    return line_of(Started(run, attempt, 0, 5.0, "hash", 77))


def returned(run: int, attempt: int = 1) -> bytes:
    return line_of(Returned(run, attempt, 0.5))


def read_all(path: Path, size: int = 1 << 16) -> list[Record]:
    tail = Tail(path, growing=False)
    try:
        return list(tail.read(bytearray(size)))
    finally:
        tail.close()


def every_line(data: bytes) -> list[Record]:
    """The records of all whole lines, by the plainest of readers."""
    found = []
    for line in data.split(b"\n")[:-1]:
        if len(line) > 9 and line[:8] == b"%08x" % crc32(line[9:]):
            record = record_of(line)
            assert record is not None
            found.append(record)
    return found


def folded(records: list[Record], runs: int) -> list[Run]:
    ledger = Ledger(
        [Instance(i, str(i), "") for i in range(runs)], [Run(i + 1, i, 0, 0) for i in range(runs)], DoneHook()
    )
    ledger.apply_all(records)
    return list(ledger.runs)


# --- the form ----------------------------------------------------------------------------------------------------


def test_a_line_is_a_checksum_a_separator_and_compact_json() -> None:
    assert line_of(Note(1.0, "x")) == b'%08x\t["note",1.0,"x"]\n' % crc32(b'["note",1.0,"x"]')
    body = b'["saved",7,1,42,3500,"s"]'
    assert saved_line(saved_prefix(7, 1), 42, 3500, b'"s"') == b"%08x %s\n" % (crc32(body), body)


def test_the_fast_way_to_a_saved_line_gives_the_same_line() -> None:
    extent = Extent("000001-w0001-0001.jsonl", 1, 0, 90, 2)
    line = line_of(Saved(7, 1, 42, 3500, Raw(b'{"a":1}'), (extent,)))
    assert line == saved_line(saved_prefix(7, 1), 42, 3500, b'{"a":1}', b"," + jsontext.encode((extent,)))
    without = saved_line(saved_prefix(7, 1), 42, 3500, b'{"a":1}')
    assert record_of(without[:-1]) == Saved(7, 1, 42, 3500, Raw(b'{"a":1}'))


@pytest.mark.parametrize("text", ["\t", "a\tb\nc", "\ud800", "\0\r\n\u2028", '"'], ids=ascii)
def test_no_state_brings_a_tab_or_a_newline_into_its_line(text: str) -> None:
    line = saved_line(saved_prefix(1, 1), 1, 0, jsontext.encode({text: text}))
    assert line.count(b"\n") == 1
    assert b"\t" not in line
    record = record_of(line[:-1])
    assert isinstance(record, Saved)
    assert ascii(jsontext.decode(bytes(record.state))) == ascii({text: text})


def test_any_changed_byte_of_a_line_is_noticed() -> None:
    line = started(1)[:-1]
    for place in range(len(line)):
        if place != 8:  # the separator, which carries nothing that the record does not
            assert record_of(line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]) is None


@pytest.mark.parametrize(
    "line", [b"", b"\0" * 60, b"00000000 ", b"zzzzzzzz [1]", b"%08x [1]" % crc32(b"[1]")], ids=repr
)
def test_what_is_no_record_is_none(line: bytes) -> None:
    assert record_of(line) is None


def test_names_sort_by_session_and_are_numbered_by_writer() -> None:
    assert segment_name(2, "w0003", 1) == "000002-w0003-0001.jsonl"
    assert next_segment("000002-w0003-0001.jsonl") == "000002-w0003-0002.jsonl"
    assert next_segment("000002-w0003-9999.jsonl") == "000002-w0003-10000.jsonl"


# --- writing -----------------------------------------------------------------------------------------------------


def test_what_is_appended_is_there_at_once_for_any_reader(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    tail = Tail(tmp_path / NAME)
    buffer = bytearray(1 << 10)
    for number in range(1, 4):
        writer.append(saved(1, number))
        assert [r.number for r in tail.read(buffer) if isinstance(r, Saved)] == [number]
    assert writer.position == tail.position == tail.size()
    assert list(tail.read(buffer)) == []
    tail.close()
    writer.close()


def test_a_segment_is_closed_on_exec_and_out_of_the_way(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    assert not os.get_inheritable(writer.fd)
    assert writer.fd >= HIGH_FD
    writer.close()
    writer.close()


def test_a_segment_that_exists_is_never_written_again(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(started(1))
    with pytest.raises(FileExistsError):
        SegmentWriter(tmp_path, NAME)
    assert (tmp_path / NAME).read_bytes() == started(1)


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / NAME).symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match=NAME):
        SegmentWriter(tmp_path, NAME)
    with pytest.raises(OSError, match=NAME):
        Tail(tmp_path / NAME)


def test_a_writer_goes_on_in_the_next_segment_when_one_is_full(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, NAME, limit=100)
    for number in range(1, 10):
        writer.append(saved(1, number))
    writer.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["000001-w0001-0001.jsonl", "000001-w0001-0002.jsonl", "000001-w0001-0003.jsonl"]
    numbers = [r.number for name in names for r in every_line((tmp_path / name).read_bytes()) if isinstance(r, Saved)]
    assert numbers == list(range(1, 10))
    assert all(100 <= (tmp_path / name).stat().st_size < 200 for name in names[:-1])


# --- reading -----------------------------------------------------------------------------------------------------


@SLOW
@given(
    st.lists(histories(run=1), max_size=1).map(lambda found: found[0] if found else []),
    histories(run=2),
    st.data(),
    st.integers(1, 400),
)
def test_the_shortcut_over_streaks_gives_the_same_fold_as_every_line(
    tmp_path_factory: pytest.TempPathFactory, one: list[Record], two: list[Record], data: st.DataObject, size: int
) -> None:
    """One writer, two runs in any interleaving, notes in between, read in pieces of any size, in any number of goes."""
    notes: list[Record] = [Note(1.0, "n\t")] * data.draw(st.integers(0, 2))
    pending: list[list[Record]] = [list(one), list(two), notes]
    records: list[Record] = []
    while any(pending):
        records.append(data.draw(st.sampled_from([rest for rest in pending if rest])).pop(0))
    lines = b"".join(map(line_of, records))
    path = tmp_path_factory.mktemp("journal") / NAME
    path.touch()
    tail = Tail(path)
    found: list[Record] = []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=3)))
    for start, stop in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        with path.open("ab") as file:
            file.write(lines[start:stop])
        found += tail.read(bytearray(size))
    assert tail.position == len(lines)
    assert tail.damaged == 0
    assert folded(found, 2) == folded(every_line(lines), 2)
    assert tail.kept <= len(lines)
    tail.close()


@SLOW
@given(histories(run=1, most=60), st.data(), st.integers(1, 300))
def test_damage_anywhere_is_skipped_and_never_believed(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], data: st.DataObject, size: int
) -> None:
    """Zeroed, changed and torn bytes: the fold is that of the lines that are whole."""
    whole = b"".join(map(line_of, records))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        first = data.draw(st.integers(0, max(0, len(whole) - 1)))
        last = min(len(whole), first + data.draw(st.integers(1, 120)))
        filler = data.draw(st.sampled_from([0, ord("x"), ord("\n"), ord("\t")]))
        damaged[first:last] = bytes([filler]) * (last - first)
    torn = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    path = tmp_path_factory.mktemp("journal") / NAME
    path.write_bytes(torn)
    try:
        expected = folded(every_line(torn), 1)
    except IllegalTransitionError:
        expected = []
    try:
        found = folded(read_all(path, size), 1)
    except IllegalTransitionError:
        found = []
    assert found == expected


def test_every_damaged_line_that_matters_is_counted(tmp_path: Path) -> None:
    lines = [started(1), saved(1, 1), saved(1, 2), returned(1), started(2), saved(2, 1)]
    for place in (0, 1, 2, 3, 4, 5):
        broken = [*lines]
        broken[place] = b"X" + broken[place][1:]
        (tmp_path / NAME).write_bytes(b"".join(broken))
        tail = Tail(tmp_path / NAME)
        assert len(list(tail.read(bytearray(1 << 10)))) == 5
        assert tail.damaged == 1
        tail.close()


def test_of_a_long_streak_only_the_last_few_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / NAME).write_bytes(started(1) + b"".join(saved(1, n) for n in range(1, 1001)) + returned(1))
    decoded: list[bytes] = []
    real = segment.record_of

    def noted(line: bytes) -> Record | None:
        decoded.append(line)
        return real(line)

    monkeypatch.setattr(segment, "record_of", noted)
    found = read_all(tmp_path / NAME)
    assert len(decoded) <= 7
    assert folded(found, 1) == folded(every_line((tmp_path / NAME).read_bytes()), 1)
    assert folded(found, 1)[0].saves == 1000


def test_a_line_that_seems_to_be_of_a_streak_but_is_not_is_found(tmp_path: Path) -> None:
    """A damaged separator hides an end between two streaks: of one run, or of two."""
    hidden = returned(1).replace(b"\t", b" ", 1)
    for others in ([saved(2, 1), saved(2, 2)], []):
        data = started(1) + saved(1, 1) + saved(1, 2) + hidden + b"".join(others)
        (tmp_path / NAME).write_bytes((started(2) if others else b"") + data)
        assert any(isinstance(record, Returned) for record in read_all(tmp_path / NAME))


def test_a_torn_last_line_is_left_until_it_is_whole(tmp_path: Path) -> None:
    line = returned(1)
    path = tmp_path / NAME
    path.write_bytes(started(1))
    tail = Tail(path)
    assert len(list(tail.read(bytearray(64)))) == 1
    for byte in line[:-1]:
        with path.open("ab") as file:
            file.write(bytes([byte]))
        assert list(tail.read(bytearray(64))) == []
    with path.open("ab") as file:
        file.write(b"\n")
    assert list(tail.read(bytearray(64))) == [Returned(1, 1, 0.5)]
    tail.close()


def test_a_line_longer_than_the_buffer_is_read(tmp_path: Path) -> None:
    text = jsontext.encode("x" * 5000)
    (tmp_path / NAME).write_bytes(started(1) + saved_line(saved_prefix(1, 1), 1, 0, text) + returned(1))
    records = read_all(tmp_path / NAME, 16)
    assert [type(record) for record in records] == [Started, Saved, Returned]
    assert isinstance(records[1], Saved)
    assert bytes(records[1].state) == text


def test_reading_begins_at_a_position(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(started(1) + saved(1, 1) + returned(1))
    tail = Tail(tmp_path / NAME, len(started(1)))
    assert [type(record) for record in tail.read(bytearray(64))] == [Saved, Returned]
    tail.close()


@SLOW
@given(histories(run=1, most=60), st.integers(1, 300))
def test_the_lines_that_are_carried_over_fold_to_the_same_run(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], size: int
) -> None:
    lines = b"".join(map(line_of, records))
    path = tmp_path_factory.mktemp("journal") / NAME
    path.write_bytes(lines)
    tail = Tail(path)
    kept = b"".join(tail.lines(bytearray(size)))
    tail.close()
    assert set(kept.splitlines()) <= set(lines.splitlines())
    short, whole = folded(every_line(kept), 1), folded(every_line(lines), 1)
    assert [(r.status, r.state, r.saves, r.attempt) for r in short] == [
        (r.status, r.state, r.saves, r.attempt) for r in whole
    ]
    assert kept.count(b'"saved"') <= 1 + sum(not isinstance(record, Saved) for record in records)


def test_a_late_save_of_another_run_does_not_hide_the_streak_it_is_in(tmp_path: Path) -> None:
    """A thread that run 1 left behind saves in the middle of run 2, or as the last before the segment is full."""
    early, late = [saved(2, 1), saved(2, 2)], saved(1, 9)
    for lines in ([*early, late], [late, *early], [*early, late, saved(2, 3)]):
        (tmp_path / NAME).write_bytes(b"".join(lines))
        for size in (1 << 10, 50, 100):
            tail = Tail(tmp_path / NAME)
            kept = every_line(b"".join(tail.lines(bytearray(size))))
            tail.close()
            numbers = [r.number for r in kept if isinstance(r, Saved) and r.run == 2]
            assert max(numbers) == sum(b'"saved",2' in line for line in lines)


@pytest.mark.parametrize(
    "numbers",
    [(1, 3, 2), (1, 2, 4, 3), (1, 6, 5, 4, 3, 2), (1, 3, 4, 5, 6, 7, 2), (1, 4, 6, 5, 3, 2), (3, 2, 1)],
    ids=str,
)
@pytest.mark.parametrize("size", [1 << 10, 150, 100, 50])
def test_c36_of_saves_within_each_other_the_one_with_the_highest_number_counts(
    tmp_path: Path, numbers: tuple[int, ...], size: int
) -> None:
    (tmp_path / NAME).write_bytes(started(1) + b"".join(saved(1, number) for number in numbers))
    read = read_all(tmp_path / NAME, size)
    tail = Tail(tmp_path / NAME)
    carried = every_line(b"".join(tail.lines(bytearray(size))))
    tail.close()
    assert [type(record) for record in carried] == [Started, Saved]
    for records in (read, carried):
        (run,) = folded(records, 1)
        assert (run.state, run.saves) == (b'"%d"' % max(numbers), max(numbers))


def test_what_is_nested_too_deep_to_be_read_is_damage(tmp_path: Path) -> None:
    """A program that did not look wrote it."""
    deep = saved_line(saved_prefix(1, 1), 2, 0, b"[" * 100_000 + b"]" * 100_000)
    assert record_of(deep[:-1]) is None
    (tmp_path / NAME).write_bytes(started(1) + saved(1, 1) + deep + saved(1, 3))
    tail = Tail(tmp_path / NAME)
    records = list(tail.read(bytearray(READ)))
    tail.close()
    assert folded(records, 1)[0].saves == 3


def test_progress_breaks_a_streak_and_is_kept(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(saved(1, 1) + saved(1, 2) + line_of(Progressed(1, 1, 1.0, 2.0)) + saved(1, 3))
    tail = Tail(tmp_path / NAME)
    assert [type(r) for r in every_line(b"".join(tail.lines(bytearray(64))))] == [Saved, Progressed, Saved]
    tail.close()
