"""Files of rows: on the disk before what counts them, given up when little of them counts, read in pieces."""

from __future__ import annotations

import tracemalloc
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import LOST, Extent
from pyalma_tui.model.instance import Files
from pyalma_tui.model.vector import Frozen
from pyalma_tui.store import row_files, rows
from pyalma_tui.store.cold import cold
from pyalma_tui.store.row_files import MovedRows, RowFiles, given_up
from pyalma_tui.store.rows import RowIndex, RowReader, missing, row_line

ONE, TWO = "000001-w0001-0001.jsonl", "000001-w0002-0001.jsonl"


def put(folder: Path, file: str, run: int, numbers: range, attempt: int = 1) -> Extent:
    """Append rows of an attempt to a file; the extent that they are."""
    folder.mkdir(exist_ok=True)
    lines = b"".join(row_line(run, attempt, b'{"n":%d}' % n) for n in numbers)
    with (folder / file).open("ab") as out:
        start = out.tell()
        out.write(lines)
    return Extent(file, attempt, start, start + len(lines), len(numbers))


def run(number: int, *extents: Extent) -> Run:
    return Run(number, number - 1, 0, 0, extents=extents)


def numbers(folder: Path, which: Run, first: int = 0, last: int | None = None) -> list[int]:
    with RowReader(folder) as reader:
        found = [row["n"] for row in reader.rows(which, first, last)]
        assert reader.missing == 0, reader.why
    return found


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [7, 64, 1 << 18])
def test_rows_are_read_whatever_the_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(rows, "PIECE", piece)
    put(tmp_path, ONE, 2, range(3))
    mine = run(1, put(tmp_path, ONE, 1, range(5)), put(tmp_path, TWO, 1, range(5, 30), attempt=2))
    assert numbers(tmp_path, mine) == list(range(30))
    for first, last in ((0, 3), (4, 6), (5, 30), (29, 40), (30, 31), (3, 3)):
        assert numbers(tmp_path, mine, first, last) == list(range(first, min(last, 30)))


def test_a_row_of_another_run_or_attempt_is_not_taken_for_one(tmp_path: Path) -> None:
    extent = put(tmp_path, ONE, 1, range(2))
    for wrong in (run(2, extent), run(1, msgspec.structs.replace(extent, attempt=2))):
        with RowReader(tmp_path) as reader:
            assert list(reader.rows(wrong)) == []
            assert reader.missing == 2


@pytest.mark.parametrize("damage", ["gone", "cut", "torn", "zeros", "one byte"])
def test_what_is_missing_is_counted_and_all_else_is_read(tmp_path: Path, damage: str) -> None:
    mine = run(1, put(tmp_path, ONE, 1, range(4)), put(tmp_path, TWO, 1, range(4, 6)))
    path = tmp_path / ONE
    whole = path.read_bytes()
    line = len(whole) // 4
    left: dict[str, tuple[bytes, list[int]]] = {
        "cut": (whole[: 2 * line], [0, 1]),
        "torn": (whole[: 2 * line + 5], [0, 1]),
        "zeros": (whole[:line] + bytes(line - 1) + b"\n" + whole[2 * line :], [0, 2, 3]),
        "one byte": (whole[: line - 3] + b"7" + whole[line - 2 :], [1, 2, 3]),
    }
    path.unlink()
    kept: list[int] = []
    if damage != "gone":
        content, kept = left[damage]
        path.write_bytes(content)
    with RowReader(tmp_path) as reader:
        assert [row["n"] for row in reader.rows(mine)] == [*kept, 4, 5]
        assert reader.missing == 4 - len(kept)
        assert ONE in reader.why
    assert missing(tmp_path, [mine], {1}).startswith(f"{4 - len(kept)} row")
    if damage in ("gone", "cut", "torn"):
        assert "4 rows of results cannot be read" in missing(tmp_path, [mine], set())


def test_rows_of_which_nobody_knows_where_they_were_are_missing(tmp_path: Path) -> None:
    mine = run(1, Extent(LOST, 1, 0, 0, 3), put(tmp_path, ONE, 1, range(2), attempt=2))
    with RowReader(tmp_path) as reader:
        assert [row["n"] for row in reader.rows(mine)] == [0, 1]
        assert reader.missing == 3
    assert missing(tmp_path, [mine], set()).startswith("3 rows")


def test_a_reader_of_rows_that_are_moved_meanwhile_goes_on_where_they_are_now(tmp_path: Path) -> None:
    first, second = put(tmp_path, ONE, 1, range(3)), put(tmp_path, TWO, 1, range(3, 6))
    before = run(1, first, second)
    with RowReader(tmp_path, lambda run: after) as reader:
        found = reader.rows(before)
        assert [row["n"] for row in islice(found, 2)] == [0, 1]
        files = RowFiles(tmp_path, 2)
        put(tmp_path, ONE, 2, range(10))
        put(tmp_path, TWO, 2, range(10))
        moved = files.tidy([before], {ONE, TWO})
        files.let_go(moved.left)
        after = moved.in_run(before)
        assert [row["n"] for row in found] == [2, 3, 4, 5]
        assert reader.missing == 0


def test_a_million_rows_are_read_in_little_memory(tmp_path: Path) -> None:
    mine = run(1, put(tmp_path, ONE, 1, range(200_000)))
    with RowReader(tmp_path) as reader:
        tracemalloc.start()
        try:
            assert sum(1 for _ in reader.rows(mine)) == 200_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4_000_000


def test_the_index_finds_every_row_of_all_runs(tmp_path: Path) -> None:
    runs = [run(1, put(tmp_path, ONE, 1, range(3))), run(2), run(3, put(tmp_path, ONE, 3, range(2)))]
    index = RowIndex(runs)
    assert len(index) == 5
    assert [(found.id, row) for found, row in map(index.place, range(5))] == [(1, 0), (1, 1), (1, 2), (3, 0), (3, 1)]
    with pytest.raises(IndexError):
        index.place(5)
    assert [(found.id, begin, end) for found, begin, end in index.parts(2, 9)] == [(1, 2, 3), (3, 0, 2)]
    assert len(RowIndex([])) == 0


def test_hosts_are_told_also_where_runs_without_rows_were_on_others(tmp_path: Path) -> None:
    rowless = msgspec.structs.replace(run(2), host="node2")
    recorded = msgspec.structs.replace(run(1, put(tmp_path, ONE, 1, range(3))), host="node1")
    assert RowIndex([recorded, rowless]).with_host


# --- giving up --------------------------------------------------------------------------------------------------------


def test_files_go_of_which_less_than_half_counts_or_that_are_many_and_small() -> None:
    sizes = {"empty": 0, "full": 100, "half": 100, "less": 100, "nothing": 100}
    counted = {"full": 100, "half": 50, "less": 49}
    assert given_up(sizes, counted, ()) == {"empty", "less", "nothing"}
    assert given_up(sizes, counted, {"full", "other"}) == {"empty", "less", "nothing", "full"}
    many = {str(n): 5 for n in range(row_files.MANY)}
    assert given_up(many, many, ()) == set()
    assert given_up(many | {"one more": 5, "large": 2 << 20}, many | {"one more": 5, "large": 2 << 20}, ()) == {
        *many,
        "one more",
    }


def test_what_counts_is_copied_and_nothing_goes_before_somebody_lets_it_go(tmp_path: Path) -> None:
    dropped = put(tmp_path, ONE, 1, range(100))
    kept = [run(1, put(tmp_path, ONE, 1, range(3), attempt=2)), run(2, put(tmp_path, TWO, 2, range(3))), run(3)]
    files = RowFiles(tmp_path, 2)
    moved = files.tidy(kept, {ONE, TWO})
    assert moved.left == (ONE,)
    after = [moved.in_run(each) for each in kept]
    assert after[1:] == kept[1:]
    assert [numbers(tmp_path, each) for each in kept] == [numbers(tmp_path, each) for each in after]
    files.let_go(moved.left)
    assert numbers(tmp_path, after[0]) == [0, 1, 2]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < dropped.end
    assert files.removed() == set()


def test_a_checkpoint_is_due_for_many_new_files_and_not_again_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "TOO_MANY", 3)
    files = RowFiles(tmp_path, 1)
    for n in range(1, 8):
        assert not files.are_many
        put(tmp_path, f"000001-w{n:04}-0001.jsonl", n, range(2))
        assert files.removed() == set()
        if n == 4:
            assert files.are_many
            files.tidy([], set())


def test_a_file_that_somebody_may_append_to_stays(tmp_path: Path) -> None:
    put(tmp_path, ONE, 1, range(100))
    assert RowFiles(tmp_path, 2).tidy([run(1)], set()) == MovedRows()


def test_to_look_for_files_that_can_go_not_all_runs_are_made_at_once(tmp_path: Path) -> None:
    """A checkpoint of 100,000 runs would take, and keep for good, 80 MB."""
    extent = put(tmp_path, ONE, 1, range(100))
    instances = Files(["a"] * 5_120, "/")
    starts = range(1, 5_121, 256)
    made = msgspec.structs.replace(run(1, extent), attempt=1, saves=1, state=b"1")
    each = [[msgspec.structs.replace(made, id=n) for n in range(first, first + 256)] for first in starts]
    blocks = tuple(cold(block, instances) for block in each)
    tracemalloc.start()
    try:
        assert RowFiles(tmp_path, 2).tidy(Frozen(blocks, 5_120), {ONE}) == MovedRows()
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_copies_go_into_files_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "FILE", 100)
    put(tmp_path, ONE, 9, range(1000))
    kept = [run(n, put(tmp_path, ONE, n, range(4))) for n in range(1, 8)]
    moved = RowFiles(tmp_path, 2).tidy(kept, {ONE})
    assert len({extent.file for extent in moved.places.values()}) > 2
    assert all(numbers(tmp_path, moved.in_run(each)) == [0, 1, 2, 3] for each in kept)


def test_what_is_cut_stays_where_it_is_and_its_file_too(tmp_path: Path) -> None:
    put(tmp_path, ONE, 9, range(100))
    cut, whole = run(2), run(1, put(tmp_path, ONE, 1, range(4)))
    cut = run(2, put(tmp_path, ONE, 2, range(4)))
    path = tmp_path / ONE
    path.write_bytes(path.read_bytes()[:-3])
    moved = RowFiles(tmp_path, 2).tidy([whole, cut], {ONE})
    assert moved.left == ()
    assert moved.in_run(cut) == cut
    assert numbers(tmp_path, moved.in_run(whole)) == [0, 1, 2, 3]


def test_a_disk_without_room_for_copies_leaves_all_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, ONE, 9, range(100))
    mine = run(1, put(tmp_path, ONE, 1, range(4)))

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_files, "sync_data", full)
    assert RowFiles(tmp_path, 2).tidy([mine], {ONE}) == MovedRows()
    assert numbers(tmp_path, mine) == [0, 1, 2, 3]


def test_what_the_disk_has_refused_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, ONE, 1, range(4))
    put(tmp_path, TWO, 2, range(4))
    asked: list[int] = []

    def refuse(fd: int) -> None:
        asked.append(fd)
        if len(asked) == 1:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(row_files, "sync_data", refuse)
    files = RowFiles(tmp_path, 1)
    with pytest.raises(OSError, match="Input"):
        files.sync()
    assert len(asked) == 2
    put(tmp_path, ONE, 1, range(4))
    put(tmp_path, TWO, 1, range(4))
    files.sync()
    assert len(asked) == 3
    assert len(files.refused) == 1
