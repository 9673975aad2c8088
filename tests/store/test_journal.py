"""The journal directory: bounded, carried over, and known how far it was read."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyalma_tui.model.records import Lost, Note, Record, Returned, Saved, Started
from pyalma_tui.model.status import Error
from pyalma_tui.store import disk, segment
from pyalma_tui.store import journal as module
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.row_files import RowFiles
from pyalma_tui.store.segment import LIMIT, SegmentWriter, line_of, saved_line, saved_prefix
from tests.store.test_segment import every_line

OWN = "000002-runner-0001.jsonl"
W1 = "000002-w0001-0001.jsonl"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of session 2 in an empty directory."""
    found = Journal(tmp_path, 2, {}, RowFiles(tmp_path / "rows", 2))
    yield found
    found.close()


def writer(journal: Journal, limit: int = 10_000, name: str = "w0001") -> SegmentWriter:
    made = SegmentWriter(journal.directory, journal.name_for(name), limit=limit)
    journal.follow(name)
    return made


def saved(number: int, run: int = 1) -> bytes:
    return saved_line(saved_prefix(run, 1), number, 0, b'"%d"' % number)


def flood(pen: SegmentWriter, first: int, last: int) -> None:
    for number in range(first, last + 1):
        pen.append(saved(number))


def names(journal: Journal) -> list[str]:
    return sorted(os.listdir(journal.directory))


def kept(journal: Journal) -> list[Record]:
    """All records that are on the disk."""
    return [r for name in names(journal) for r in every_line((journal.directory / name).read_bytes())]


def test_what_a_worker_appends_is_read_once(journal: Journal) -> None:
    pen = writer(journal)
    pen.append(line_of(Started(1, 1, 0, 5.0, "", 0)))
    assert list(journal.poll()) == [Started(1, 1, 0, 5.0, "", 0)]
    assert list(journal.poll()) == []
    pen.append(saved(1))
    assert len(list(journal.read("w0001"))) == 1
    assert list(journal.read("nobody")) == []


def test_it_tells_whether_anything_was_appended(journal: Journal) -> None:
    pen = writer(journal)
    list(journal.poll())
    assert not journal.changed
    pen.append(saved(1))
    list(journal.poll())
    assert journal.changed
    journal.changed = False
    list(journal.poll())
    assert not journal.changed
    journal.append(Note(1.0, "x"))
    assert journal.changed


def test_a_writer_that_has_not_begun_cannot_be_followed(journal: Journal) -> None:
    with pytest.raises(FileNotFoundError):
        journal.follow("w0001")


def test_positions_are_how_far_was_read_never_how_much_there_is(journal: Journal) -> None:
    pen = writer(journal)
    pen.append(saved(1))
    assert journal.positions()[W1] == 0
    list(journal.poll())
    read = journal.positions()[W1]
    pen.append(saved(2))
    assert (journal.positions()[W1], read) == (pen.position - len(saved(2)), len(saved(1)))


def test_a_reader_follows_a_writer_into_its_next_segments(journal: Journal) -> None:
    pen = writer(journal, limit=100)
    pen.append(line_of(Started(1, 1, 0, 5.0, "", 0)))
    for number in range(1, 40):
        pen.append(saved(number))
        pen.append(line_of(Note(1.0, str(number))))
    records = list(journal.poll())
    assert [r.number for r in records if isinstance(r, Saved)] == list(range(1, 40))
    assert journal.positions()[pen.name] == pen.position


def test_a_flooded_segment_is_carried_over_and_goes(journal: Journal) -> None:
    pen = writer(journal, limit=2000)
    pen.append(line_of(Started(1, 1, 0, 5.0, "", 0)))
    flood(pen, 1, 200)
    records = list(journal.poll())
    assert max(r.number for r in records if isinstance(r, Saved)) == 200
    assert names(journal) == sorted([OWN, pen.name])
    assert [r for r in kept(journal) if isinstance(r, Started)] == [Started(1, 1, 0, 5.0, "", 0)]
    assert max(r.number for r in kept(journal) if isinstance(r, Saved)) == 200
    assert set(journal.positions()) == {OWN, pen.name}


def test_what_is_carried_over_is_synced_before_the_segment_goes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    sync, unlink = disk.sync_data, Path.unlink

    def noted_sync(fd: int) -> None:
        acts.append("sync")
        sync(fd)

    def noted_unlink(path: Path, missing_ok: bool = False) -> None:
        acts.append(path.name)
        unlink(path, missing_ok)

    monkeypatch.setattr(segment, "sync_data", noted_sync)
    monkeypatch.setattr(Path, "unlink", noted_unlink)
    pen = writer(journal, limit=1000)
    flood(pen, 1, 40)
    list(journal.poll())
    assert acts == ["sync", W1]


def test_a_segment_in_which_most_counts_waits_for_the_checkpoint(journal: Journal) -> None:
    pen = writer(journal, limit=100)
    for run in range(1, 6):
        pen.append(saved(1, run))
        pen.append(line_of(Returned(run, 1, 0.5)))
    list(journal.poll())
    assert W1 in names(journal)
    positions = journal.positions()
    assert positions[W1] == (journal.directory / W1).stat().st_size
    journal.checkpointed({W1: positions[W1] - 1})  # not whole in it
    assert W1 in names(journal)
    journal.checkpointed(positions)
    assert W1 not in names(journal)
    assert pen.name in names(journal)
    assert OWN in names(journal)
    assert W1 not in journal.positions()


def test_a_damaged_segment_is_not_carried_over(journal: Journal) -> None:
    pen = writer(journal, limit=2000)
    flood(pen, 1, 20)
    pen.append(b"00000000\tgarbage\n")
    flood(pen, 21, 80)
    list(journal.poll())
    assert W1 in names(journal)


@pytest.mark.parametrize("refused", ["write", "fdatasync"])
def test_f72_a_disk_too_full_to_carry_over_leaves_the_segment_to_the_checkpoint(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    pen = writer(journal, limit=1000)
    flood(pen, 1, 40)
    real = getattr(os, refused)
    own = journal._own

    def refuse(fd: int, *args: bytes) -> int:
        if fd == own.fd:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, *args)  # type: ignore[no-any-return]

    with monkeypatch.context() as patch:
        patch.setattr(os, refused, refuse)
        records = list(journal.poll())
    assert max(r.number for r in records if isinstance(r, Saved)) == 40
    assert W1 in names(journal)
    assert W1 in journal.positions()
    journal.append(Note(1.0, "the disk has room again"))
    assert max(r.number for r in kept(journal) if isinstance(r, Saved)) == 40
    journal.checkpointed(journal.positions())
    assert W1 not in names(journal)


def test_the_journal_stays_bounded_while_one_run_saves_for_ever(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_AT", 20_000)
    pen = writer(journal, limit=2000)
    largest = 0
    for first in range(1, 10_000, 500):
        flood(pen, first, first + 499)
        list(journal.poll())
        assert not journal.due, "a flood forces no checkpoint"
        largest = max(largest, sum((journal.directory / name).stat().st_size for name in names(journal)))
    assert largest < 30_000
    assert max(r.number for r in kept(journal) if isinstance(r, Saved)) >= 9_500


def test_a_checkpoint_is_due_when_the_closed_segments_have_grown(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_AT", 2000)
    pen = writer(journal, limit=500)
    rounds = 0
    while not journal.due:
        pen.append(line_of(Returned(1, 1, 0.5)))
        list(journal.poll())
        rounds += 1
        assert rounds < 500
    journal.checkpointed(journal.positions())
    assert not journal.due
    assert names(journal) == sorted([OWN, pen.name])


def test_segments_of_earlier_sessions_wait_for_the_first_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "000001-w0001-0001.jsonl").write_bytes(saved(1) + b"torn")
    journal = Journal(tmp_path, 2, {"000001-w0001-0001.jsonl": len(saved(1))}, RowFiles(tmp_path / "rows", 2))
    assert journal.positions()["000001-w0001-0001.jsonl"] == len(saved(1))
    journal.checkpointed(journal.positions())
    assert names(journal) == [OWN]
    journal.close()


def test_our_own_segment_is_let_go_after_it_was_retired(journal: Journal) -> None:
    journal.append(Note(1.0, "x"))
    journal.retire()
    journal.append(Note(2.0, "y"))
    positions = journal.positions()
    assert set(positions) == {OWN, "000002-runner-0002.jsonl"}
    journal.checkpointed(positions)
    assert names(journal) == ["000002-runner-0002.jsonl"]
    journal.close()
    journal.remove_own()
    assert names(journal) == []


def test_after_the_last_checkpoint_nothing_is_left(journal: Journal) -> None:
    journal.append(Note(1.0, "x"))
    positions = journal.positions()
    journal.append(Note(2.0, "which checkpoint it was"))
    journal.retire()
    journal.checkpointed(positions)
    assert names(journal) == [OWN, "000002-runner-0002.jsonl"]
    journal.close()
    journal.remove_own()
    assert names(journal) == []


def test_our_own_full_segment_is_synced_before_the_next_one_begins(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(segment, "sync_data", lambda fd: synced.append(os.fstat(fd).st_size))
    journal._own._limit = 100
    for number in range(10):
        journal.append(Note(1.0, f"note {number}"))
    full = [size for size in synced if size >= 100]
    assert len(full) == len(names(journal)) - 1
    assert set(journal.positions()) == set(names(journal))


@pytest.mark.parametrize("step", ["append", "retire"])
def test_an_own_segment_left_in_a_failed_step_is_not_forgotten(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    journal.append(Note(1.0, "x"))
    journal._own._limit = 1

    def refuse(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            journal.append(Note(2.0, "y")) if step == "append" else journal.retire()
    assert set(journal.positions()) == set(names(journal)) == {OWN, "000002-runner-0002.jsonl"}
    journal.append(Note(3.0, "z"))
    assert [r.text for r in kept(journal) if isinstance(r, Note)] == ["x", "z"]


def test_the_last_words_of_a_worker_that_is_gone_are_read(journal: Journal) -> None:
    pen = writer(journal)
    pen.append(saved(1))
    pen.append(line_of(Returned(1, 1, 0.5)))
    pen.close()
    with (journal.directory / W1).open("ab") as file:
        file.write(b"torn")
    assert [type(r) for r in journal.end("w0001")] == [Saved, Returned]
    assert list(journal.end("w0001")) == []
    assert W1 in journal.positions()


def test_an_empty_segment_goes_with_its_worker(journal: Journal) -> None:
    writer(journal).close()
    assert list(journal.end("w0001")) == []
    assert names(journal) == [OWN]


def test_sync_reaches_every_segment_that_has_grown_and_those_closed_since(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(module, "sync_data", lambda fd: synced.append(Path(os.readlink(f"/dev/fd/{fd}")).name))
    pen = writer(journal, limit=100)
    for run in range(1, 4):
        pen.append(line_of(Returned(run, 1, 0.5)))
    journal.append(Note(1.0, "x"))
    journal.sync()
    assert sorted(synced) == [OWN, W1]
    synced.clear()
    journal.sync()
    assert synced == []  # nothing has grown
    for run in range(4, 8):
        pen.append(line_of(Returned(run, 1, 0.5)))
    list(journal.poll())
    assert pen.name != W1
    pen.close()
    list(journal.end("w0001"))
    journal.sync()
    assert sorted(synced) == [name for name in names(journal) if "w0001" in name]
    synced.clear()
    journal.sync()
    assert synced == []


def test_a_failed_sync_is_told_after_all_were_tried_and_leaks_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer(journal).append(saved(1))
    journal.append(Note(1.0, "x"))
    tried: list[int] = []

    def refuse(fd: int) -> None:
        tried.append(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    before = len(os.listdir("/dev/fd"))
    monkeypatch.setattr(module, "sync_data", refuse)
    with pytest.raises(OSError, match="Input/output"):
        journal.sync()
    assert len(tried) == 2
    assert len(os.listdir("/dev/fd")) == before
    journal.sync()  # the same files are not tried again
    assert len(tried) == 2
    journal.append(Lost(1, 1, None, 1.0, Error("")))
    assert "000002-runner-0002.jsonl" in names(journal), "our next record goes into a new one"
    with pytest.raises(OSError, match="Input/output"):
        journal.sync()
    assert len(tried) == 3


def test_a_segment_that_the_disk_refused_is_not_synced_as_it_closes_either(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    pen = writer(journal)
    pen.append(line_of(Returned(1, 1, 0.5)))
    tried: list[str] = []

    def refuse(fd: int) -> None:
        tried.append(Path(os.readlink(f"/dev/fd/{fd}")).name)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module, "sync_data", refuse)
    with pytest.raises(OSError, match="Input/output"):
        journal.sync()
    assert journal.refused == {"w0001": W1}
    pen.append(line_of(Returned(2, 1, 0.5)))
    pen.rotate()
    list(journal.poll())
    assert journal.refused == {}
    journal.sync()
    assert tried == [W1]
    assert W1 in journal.positions(), "it waits for the checkpoint"
    pen.close()


def test_it_tells_whose_segment_was_removed(journal: Journal) -> None:
    pen, other = writer(journal), writer(journal, name="w0002")
    assert journal.removed == {}
    (journal.directory / W1).rename(journal.directory / "elsewhere")
    (journal.directory / W1).touch()
    assert journal.removed == {"w0001": W1}, "another file of that name is not it"
    assert journal.own_in_place
    pen.close()
    other.close()


def test_closed_segments_hold_few_descriptors_where_nobody_syncs(journal: Journal) -> None:
    before = len(os.listdir("/dev/fd"))
    for number in range(2 * module.PARTING):
        pen = writer(journal, name=f"w{number:04d}")
        pen.append(line_of(Returned(1, 1, 0.5)))
        pen.close()
        list(journal.end(f"w{number:04d}"))
    assert len(os.listdir("/dev/fd")) <= before + module.PARTING
    journal.sync()
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize(("workers", "limit"), [(1, 16 << 20), (4, 16 << 20), (8, 8 << 20), (1000, 1 << 20)])
def test_the_segments_of_all_workers_together_stay_within_bounds(journal: Journal, workers: int, limit: int) -> None:
    assert journal.segment_limit("w0001", workers) == limit


def test_workers_that_come_later_get_what_the_others_have_left_of_the_room(journal: Journal) -> None:
    limits = [journal.segment_limit(f"w{number:04d}", 1) for number in range(1, 13)]
    assert limits == [LIMIT] * 4 + [module.SMALLEST] * 8
    assert sum(limits) <= module.OPEN_LIMIT + 8 * module.SMALLEST
    list(journal.end("w0003"))
    assert journal.segment_limit("w0013", 1) == LIMIT - 8 * module.SMALLEST


def test_damage_in_a_followed_segment_is_counted_and_told_once(journal: Journal) -> None:
    pen = writer(journal)
    pen.append(b"garbage\twith a tab\n")
    pen.append(saved(1))
    assert [r.number for r in journal.poll() if isinstance(r, Saved)] == [1]
    assert journal.take_damaged() == {W1: 1}
    pen.append(b"garbage\twith a tab\n")
    assert list(journal.poll()) == []
    assert journal.take_damaged() == {}


def test_damage_in_a_segment_that_is_closed_at_once_is_not_forgotten(journal: Journal) -> None:
    pen = writer(journal, limit=10)
    pen.append(b"garbage\twith a tab\n")
    pen.append(saved(1))
    pen.close()
    assert [r.number for r in journal.end("w0001") if isinstance(r, Saved)] == [1]
    assert journal.take_damaged() == {W1: 1}
