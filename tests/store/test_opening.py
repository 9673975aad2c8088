"""A state directory is opened as checkpoint plus journal, whatever was lost; nothing is merged silently."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import Raw

from pyalma_tui.errors import StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import Checkpointed, DoneStarted, Lost, Note, Reset, Returned, RunRecord, Saved, Started
from pyalma_tui.store import opening
from pyalma_tui.store.opening import read_store, segments
from pyalma_tui.store.planning import Growth, merge, new_ledger
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.segment import line_of
from tests.store.stores import SEGMENT, bytes_below, instances, write_segment, write_store

ERROR = s.Error("killed by SIGKILL")


def started(run: int, attempt: int = 1) -> Started:
    return Started(run, attempt, 0, 5.0, "hash", 77)


def saved(run: int, number: int, attempt: int = 1) -> Saved:
    return Saved(run, attempt, number, 10, Raw(b'"%d"' % number))


def store_of(state_dir: Path) -> opening.Store:
    before = bytes_below(state_dir)
    store = read_store(state_dir, alone=True)
    assert bytes_below(state_dir) == before
    assert store is not None
    return store


def words(store: opening.Store) -> list[str]:
    return [s.word(run.status) for run in store.ledger.runs]


def test_f63_an_empty_directory_and_none_at_all_hold_nothing(tmp_path: Path) -> None:
    assert read_store(tmp_path) is None
    assert read_store(tmp_path / "not there") is None
    (tmp_path / "journal").mkdir()
    assert read_store(tmp_path) is None


def test_the_journal_is_folded_in_from_where_the_checkpoint_ends(tmp_path: Path) -> None:
    first = write_segment(tmp_path, started(1), saved(1, 1))
    write_store(tmp_path, started(1), saved(1, 1), meta=Meta(serial=1, session=1, seed=5, folded={SEGMENT: first}))
    write_segment(tmp_path, started(1), saved(1, 1), saved(1, 2), Returned(1, 1, 0.5))
    store = store_of(tmp_path)
    run = store.ledger.run(1)
    assert (words(store)[0], run.state, run.saves) == ("done", b'"2"', 2)
    assert store.folded == {SEGMENT: (tmp_path / "journal" / SEGMENT).stat().st_size}
    assert store.damaged == {}


def test_records_of_many_writers_are_folded_in_the_order_of_attempts(tmp_path: Path) -> None:
    write_store(tmp_path)
    write_segment(tmp_path, Lost(1, 1, 0.5, 7.0, ERROR), name="000001-runner-0001.jsonl")
    write_segment(tmp_path, started(1, 2), saved(1, 1, 2), name="000001-w0002-0001.jsonl")
    write_segment(tmp_path, started(1), saved(1, 1), saved(1, 2), name="000001-w0009-0001.jsonl")
    run = store_of(tmp_path).ledger.run(1)
    assert (run.attempt, run.saves, run.state) == (2, 3, b'"1"')
    assert isinstance(run.status, s.Running)


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_f65_a_torn_tail_is_skipped_counted_and_named(tmp_path: Path, cut: int) -> None:
    write_store(tmp_path)
    whole = write_segment(tmp_path, started(1), saved(1, 1), tail=line_of(Returned(1, 1, 0.5))[:cut])
    store = store_of(tmp_path)
    assert words(store)[0] == "running"
    assert store.damaged == {SEGMENT: 1}
    assert store.folded == {SEGMENT: whole}


@pytest.mark.parametrize("place", range(4))
def test_f65_a_damaged_line_in_the_middle_costs_that_line_only(tmp_path: Path, place: int) -> None:
    """Also the start of an attempt: what it saved and that it returned is true all the same."""
    write_store(tmp_path)
    write_segment(tmp_path, started(1), saved(1, 1), saved(1, 2), Returned(1, 1, 0.5))
    path = tmp_path / "journal" / SEGMENT
    lines = path.read_bytes().splitlines(keepends=True)
    lines[place] = b"\0" * (len(lines[place]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))
    store = store_of(tmp_path)
    run = store.ledger.run(1)
    assert words(store)[0] == ("running" if place == 3 else "done")
    assert (run.state, run.saves) == ((b'"1"', 1) if place == 2 else (b'"2"', 2))
    assert store.damaged == {SEGMENT: 1}


LOST_ENDS: dict[str, tuple[tuple[RunRecord, ...], Started | Saved | Returned, str, bytes | None]] = {
    "the end of the attempt before": ((started(1), saved(1, 1)), started(1, 2), "running", b'"1"'),
    "a reset": ((started(1), saved(1, 1), Returned(1, 1, 0.5)), started(1, 3), "running", None),
    "a start": ((), saved(1, 4), "running", b'"4"'),
    "a start and its saves": ((), Returned(1, 1, 0.5), "done", None),
    "an end and a start": ((started(1), saved(1, 1)), saved(1, 7, 2), "running", b'"7"'),
}


@pytest.mark.parametrize("lost", LOST_ENDS)
def test_f65_a_record_lost_in_between_is_made_up_for(tmp_path: Path, lost: str) -> None:
    """A power cut takes the unsynced end of one file and leaves what another process synced later."""
    before, after, word, state = LOST_ENDS[lost]
    write_store(tmp_path)
    write_segment(tmp_path, *before)
    write_segment(tmp_path, after, name="000001-w0002-0001.jsonl")
    store = store_of(tmp_path)
    assert words(store)[0] == word
    assert store.ledger.run(1).state == state
    assert store.ledger.run(1).attempt == after.attempt


def test_a_lost_reset_after_done_puts_a_completion_ahead(tmp_path: Path) -> None:
    ledger = new_ledger(instances(1), 1, 5)
    ledger.hook = s.DoneHook(s.HookDone(9.0, 0.5), calls=1)
    write_store(tmp_path, started(1), Returned(1, 1, 0.5), ledger=ledger)
    write_segment(tmp_path, started(1, 3))
    assert store_of(tmp_path).ledger.hook == s.DoneHook(s.HookNotYet(), calls=1)


def test_f65_a_segment_shorter_than_what_the_checkpoint_has_of_it_is_told_and_harmless(tmp_path: Path) -> None:
    """The checkpoint was synced and the segment was not: a power cut may leave this."""
    write_segment(tmp_path, started(1))
    meta = Meta(serial=1, session=1, seed=5, folded={SEGMENT: 5000})
    write_store(tmp_path, started(1), saved(1, 1), Returned(1, 1, 0.5), meta=meta)
    store = store_of(tmp_path)
    assert words(store)[0] == "done"
    assert store.damaged == {SEGMENT: 1}
    assert store.folded[SEGMENT] == (tmp_path / "journal" / SEGMENT).stat().st_size


def refused(state_dir: Path) -> str:
    before = bytes_below(state_dir)
    with pytest.raises(StoreError) as caught:
        read_store(state_dir)
    assert bytes_below(state_dir) == before
    assert "\n" not in caught.value.message
    assert "Nothing was changed" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "record",
    [Checkpointed(5, "abc1"), Checkpointed(5), Note(1.0, "checkpoint 5 of abc1"), Note(1.0, "checkpoint 5")],
    ids=["record", "without identity", "note of an older version", "note of an even older one"],
)
def test_f66_a_checkpoint_older_than_what_the_journal_goes_on_from_is_refused(
    tmp_path: Path, record: Checkpointed | Note
) -> None:
    write_store(tmp_path, meta=Meta(serial=3, session=1, seed=5))
    write_segment(tmp_path, record, started(1))
    message = refused(tmp_path)
    assert "it is checkpoint 3, the journal goes on from checkpoint 5" in message
    assert "restored from a backup" in message
    assert str(tmp_path / "db.json") in message


@pytest.mark.parametrize(
    "record",
    [Checkpointed(2, "abc2"), Note(1.0, "checkpoint 2 of abc2")],
    ids=["record", "note of an older version"],
)
def test_f66_a_checkpoint_of_another_experiment_is_refused_though_every_record_would_fit(
    tmp_path: Path, record: Checkpointed | Note
) -> None:
    write_store(tmp_path, meta=Meta(identity="abc1", serial=3, session=1, seed=5))
    write_segment(tmp_path, record, started(1))
    assert "the journal beside it is that of another experiment" in refused(tmp_path)


def test_f66_a_journal_of_an_earlier_session_that_has_come_back_is_told_and_not_taken_in(tmp_path: Path) -> None:
    write_store(tmp_path, meta=Meta(serial=7, session=2, seed=5))
    write_segment(tmp_path, started(1), saved(1, 1))
    store = store_of(tmp_path)
    assert store.stale == (SEGMENT,)
    assert words(store) == ["pending", "pending", "pending"]
    write_store(tmp_path, meta=Meta(serial=7, session=2, seed=5, folded={SEGMENT: 0}))
    assert words(store_of(tmp_path)) == ["running", "pending", "pending"]


def test_f66_a_checkpoint_newer_than_the_journal_needs_nothing_of_it(tmp_path: Path) -> None:
    write_store(tmp_path, started(1), Returned(1, 1, 0.5), meta=Meta(serial=7, session=1, seed=5))
    write_segment(tmp_path, Checkpointed(5, "abc1"), started(1), saved(1, 1), Returned(1, 1, 0.5))
    store = store_of(tmp_path)
    assert words(store) == ["done", "pending", "pending"]
    assert [note.text for note in store.ledger.notes] == []


@pytest.mark.parametrize("text", ["checkpoint x.py has changed", "checkpoint ", "checkpoint \u00b2"])
def test_a_note_that_only_looks_like_one_of_ours_is_a_note(tmp_path: Path, text: str) -> None:
    write_store(tmp_path)
    write_segment(tmp_path, Note(1.0, text))
    assert [note.text for note in store_of(tmp_path).ledger.notes] == [text]


@pytest.mark.parametrize(
    "record", [started(4), started(0), started(-1), Returned(9, 1, 0.5)], ids=["beyond", "zero", "negative", "end"]
)
def test_f66_a_journal_of_another_experiment_is_refused(tmp_path: Path, record: Started | Returned) -> None:
    write_store(tmp_path)
    write_segment(tmp_path, record)
    assert "the journal does not fit it" in refused(tmp_path)


def test_f66_a_run_that_starts_right_after_it_was_done_is_refused(tmp_path: Path) -> None:
    write_store(tmp_path, started(1), Returned(1, 1, 0.5))
    write_segment(tmp_path, started(1, 2))
    assert "the journal does not fit it" in refused(tmp_path)


def test_f64_a_journal_with_records_and_no_checkpoint_is_refused(tmp_path: Path) -> None:
    write_segment(tmp_path, started(1))
    assert "it is missing, but the journal beside it is not" in refused(tmp_path)


def test_a_first_start_that_came_to_nothing_holds_nothing(tmp_path: Path) -> None:
    write_segment(tmp_path, Note(1.0, "hello"), tail=b"torn")
    assert read_store(tmp_path) is None


def test_files_that_are_no_segments_are_left_alone(tmp_path: Path) -> None:
    write_store(tmp_path)
    for name in ("notes.jsonl", f"{SEGMENT}.damaged-20250101-000000", "x-w0001-0001.jsonl", ".000001-w1-0001.jsonl"):
        (tmp_path / "journal" / name).write_bytes(b"garbage\n")
    assert segments(tmp_path / "journal") == ()
    assert store_of(tmp_path).damaged == {}


@pytest.mark.parametrize("kind", ["directory", "link", "journal is a file"])
def test_f71_what_cannot_be_read_is_a_store_error_that_names_it(tmp_path: Path, kind: str) -> None:
    write_store(tmp_path)
    path = tmp_path / "journal" / SEGMENT
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        path = tmp_path / "journal"
        path.rmdir()
        path.touch()
    with pytest.raises(StoreError) as caught:
        read_store(tmp_path)
    assert str(tmp_path) in caught.value.message
    assert "Nothing was changed" in caught.value.message


def test_a_reader_without_the_lock_reads_again_when_the_owner_writes_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path)
    write_segment(tmp_path, started(1))
    listed = opening.segments
    writes = [True, True]

    def owner_acts(journal: Path) -> tuple[str, ...]:
        names = listed(journal)
        if writes and writes.pop():
            write_store(tmp_path, started(1), saved(1, 1), Returned(1, 1, 0.5))
            (journal / SEGMENT).unlink(missing_ok=True)
        return names

    monkeypatch.setattr(opening, "segments", owner_acts)
    store = read_store(tmp_path)
    assert store is not None
    assert words(store)[0] == "done"


def test_a_reader_gives_up_on_a_store_that_changes_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path)
    real = opening.segments

    def restless(journal: Path) -> tuple[str, ...]:
        write_store(tmp_path)
        return real(journal)

    monkeypatch.setattr(opening, "segments", restless)
    with pytest.raises(StoreError, match="changes faster than it can be read"):
        read_store(tmp_path)


def test_a_reader_may_see_one_worker_before_and_another_after(tmp_path: Path) -> None:
    """It read the runner's segment before the loss was written, and the next worker's after it began again."""
    write_store(tmp_path)
    write_segment(tmp_path, name="000001-runner-0001.jsonl")
    write_segment(tmp_path, started(1), saved(1, 3))
    write_segment(tmp_path, started(1, 2), name="000001-w0002-0001.jsonl")
    assert words(store_of(tmp_path)) == ["running", "pending", "pending"]


def test_done_that_began_alone_is_found_running(tmp_path: Path) -> None:
    write_store(tmp_path)
    write_segment(tmp_path, DoneStarted(1, 9.0))
    assert store_of(tmp_path).ledger.hook == s.DoneHook(s.HookRunning(9.0), calls=1)


def test_a_reset_in_the_journal_puts_done_ahead_again(tmp_path: Path) -> None:
    ledger = new_ledger(instances(1), 1, 5)
    ledger.hook = s.DoneHook(s.HookDone(9.0, 0.5), calls=1)
    write_store(tmp_path, started(1), Returned(1, 1, 0.5), ledger=ledger)
    write_segment(tmp_path, Reset(1, 2, 10.0, calls=1))
    store = store_of(tmp_path)
    assert words(store) == ["pending"]
    assert store.ledger.hook.status == s.HookNotYet()


# --- growth ------------------------------------------------------------------------------------------------------


def test_b25_a_reordered_batch_is_matched_by_identity() -> None:
    ledger = new_ledger(instances(3), 1, 5)
    today = [Instance(0, "i2", "/i2"), Instance(1, "i0", "/i0"), Instance(2, "i1", "/i1")]
    merged, order, growth = merge(ledger, today, 1, 5)
    assert merged is ledger
    assert order == [2, 0, 1]
    assert growth == Growth()
    assert growth.text == ""


def test_an_instance_that_moved_keeps_its_runs_and_gets_its_new_path() -> None:
    ledger = new_ledger(instances(1), 1, 5)
    merged, _, growth = merge(ledger, [Instance(0, "i0", "/moved/i0")], 1, 5)
    assert merged.instances[0].file == "/moved/i0"
    assert growth == Growth()


def test_a_store_of_somebody_elses_rights_is_a_store_error(tmp_path: Path) -> None:
    write_store(tmp_path)
    (tmp_path / "db.json").chmod(0)
    if os.access(tmp_path / "db.json", os.R_OK):
        pytest.skip("root reads everything")
    with pytest.raises(StoreError, match="Permission denied"):
        read_store(tmp_path)
