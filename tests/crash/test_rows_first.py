"""Rows are on the disk before whatever makes them count, however saves are synced."""

from __future__ import annotations

import pytest

from pyalma_tui.store.row_files import RowFiles
from tests.crash.disk import Create, Disk, Fault, Rename, Sync
from tests.crash.enumerator import scratch
from tests.crash.lab import Lab


def inode_in(disk: Disk, folder: str, part: str) -> int:
    """The newest file with this in its name in a folder."""
    return [e.inode for e in disk.events if isinstance(e, Create) and e.directory == folder and part in e.name][-1]


def order_of_syncs(sync: str, step: str) -> tuple[list[int], int, int, list[int]]:
    """What was synced in a step, the files of rows and of the journal, what was synced before db.json was renamed."""
    with scratch() as base, Disk(base) as disk:
        lab = Lab(disk, sync)  # type: ignore[arg-type]
        lab.open()
        hand = lab.hand(9000)
        hand.start(1)
        hand.record("a")
        hand.save(1)
        lab.poll()
        begin = len(disk.events)
        getattr(lab.session, step)()
        events = disk.events[begin:]
        lab.die()
    named = next((i for i, e in enumerate(events) if isinstance(e, Rename) and e.new == "db.json"), len(events))
    synced = [e.inode for e in events if isinstance(e, Sync)]
    before = [e.inode for e in events[:named] if isinstance(e, Sync)]
    return synced, inode_in(disk, "x.alma/rows", "w0001"), inode_in(disk, "x.alma/journal", "w0001"), before


def test_a_round_of_syncs_begins_with_the_rows() -> None:
    synced, rows, segment, _ = order_of_syncs("group", "sync_now")
    assert synced.index(rows) < synced.index(segment)


@pytest.mark.parametrize("sync", ["flush", "group"])
def test_a_checkpoint_counts_no_rows_that_are_not_on_the_disk(sync: str) -> None:
    _, rows, _, before = order_of_syncs(sync, "checkpoint")
    assert rows in before


def test_the_tests_above_report_rows_that_nobody_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RowFiles, "sync", lambda self: None)
    _, rows, _, before = order_of_syncs("flush", "checkpoint")
    assert rows not in before
    assert rows not in order_of_syncs("group", "sync_now")[0]


@pytest.mark.parametrize("trouble", ["refused", "removed"])
def test_a_worker_whose_file_of_rows_is_in_trouble_goes_on_in_another_and_it_is_told_once(trouble: str) -> None:
    with scratch() as base, Disk(base) as disk:
        lab = Lab(disk, "group")
        lab.open()
        hand, other = lab.hand(9000), lab.hand(9000)
        for each, run in ((hand, 1), (other, 2)):
            each.start(run)
            each.record("a")
            each.save(1)
        lab.poll()
        assert lab.session.mend().notes == ()
        path = lab.state_dir / "rows" / f"000001-{hand.writer}-0001.jsonl"
        if trouble == "refused":
            disk.fault = Fault(at=len(disk.calls) + 2)  # open, then fdatasync
            with pytest.raises(OSError, match="Input/output"):
                lab.session.sync_now()
            disk.fault = None
            name = next(iter(lab.session.journal.rows.refused))
            writer = hand.writer if hand.writer in name else other.writer
        else:
            path.unlink()
            name, writer = path.name, hand.writer
        mended = lab.session.mend()
        assert mended.writers == {writer}
        (note,) = mended.notes
        assert name in note
        assert lab.session.mend().notes == ()
        lab.die()
