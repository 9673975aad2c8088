"""What a session does about files that others remove or damage, and about a disk that refuses."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyalma_tui.errors import InUseError, StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Sync
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import DoneReturned, DoneStarted, Reset, Returned, Started
from pyalma_tui.runner import session as module
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.store import checkpoint as checkpoint_module
from pyalma_tui.store import journal as journal_module
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.checkpoint import Checkpoint
from pyalma_tui.store.checkpointing import CALM, Checkpointing
from pyalma_tui.store.creation import prepare
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.mending import Mended
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.segment import SegmentWriter, line_of, saved_line, saved_prefix

W1 = "000001-w0001-0001.jsonl"


def settings(folder: Path, count: int = 2, iterations: int | None = None, sync: Sync = "flush") -> Settings:
    batch = [Instance(i, f"i{i}", f"/i{i}") for i in range(count)]
    state_dir, target = folder / "x.alma", folder / "x.py"
    return Settings(
        target=target, module=target, state_dir=state_dir, batch=batch, iterations=iterations, seed=5, sync=sync
    )


def opened(chosen: Settings, has_done: bool = True) -> Session:
    return Session(chosen, "hash", has_done)


def die(session: Session) -> None:
    """End as by kill -9: nothing more is written."""
    session._checkpointing.close()
    session._syncing.close()
    session.journal.close()
    session._lock.close()


@contextmanager
def dying(session: Session) -> Iterator[Session]:
    try:
        yield session
    finally:
        die(session)


def pen(session: Session, name: str = "w0001") -> SegmentWriter:
    """A worker's hand, which is followed."""
    made = SegmentWriter(session.state_dir / "journal", session.journal.name_for(name))
    session.journal.follow(name)
    return made


def tick(session: Session) -> Mended:
    """What the runner does ten times a second, and the end of the checkpoint that it has begun, if any."""
    mended = session.mend()
    session.absorb(session.journal.poll())
    session.tend(1e9, idle=False)
    session._checkpointing.close()
    return mended


def remembered(session: Session, run: int = 1) -> bytes | None:
    """The state that a start would find now."""
    store = read_store(session.state_dir)
    assert store is not None
    return store.ledger.run(run).state


def save(hand: SegmentWriter, number: int) -> None:
    hand.append(saved_line(saved_prefix(1, 1), number, 0, b'"%d"' % number))


def start(hand: SegmentWriter) -> None:
    hand.append(line_of(Started(1, 1, 0, 5.0, "", 0)))


# --- a first start ---------------------------------------------------------------------------------------------


def test_as_long_as_the_first_checkpoint_is_being_written_nothing_counts_as_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, allowed = checkpoint_module.write_checkpoint, threading.Event()

    def slow(state_dir: Path, checkpoint: Checkpoint, umask: int) -> None:
        allowed.wait(10)
        real(state_dir, checkpoint, umask)

    monkeypatch.setattr(checkpoint_module, "write_checkpoint", slow)
    with dying(opened(settings(tmp_path, count=300, iterations=20))) as session:
        try:
            assert not (session.state_dir / "db.json").exists()
            assert session.mend() == Mended()
        finally:
            allowed.set()
        tick(session)
        tick(session)
        assert session.planned
        (session.state_dir / "db.json").unlink()
        assert "was removed while it was in use" in session.mend().notes[0]


# --- two starts --------------------------------------------------------------------------------------------------


def test_directories_that_another_start_makes_at_the_same_time_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.mkdir

    def second(path: Path, mode: int) -> None:
        real(path)
        real(path, mode)

    with monkeypatch.context() as patch:
        patch.setattr(os, "mkdir", second)
        prepare(tmp_path / "x.alma")
    assert sorted(os.listdir(tmp_path / "x.alma")) == ["journal", "logs"]


def test_a_file_where_a_directory_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.alma").touch()
    with pytest.raises(StoreError, match=r"x\.alma: a file, not a directory\. Nothing was started"):
        opened(settings(tmp_path))


# --- what others remove ------------------------------------------------------------------------------------------


def test_d55_a_removed_segment_is_written_anew_and_its_writer_goes_on_in_another(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path))) as session:
        hand, other = pen(session), pen(session, "w0002")
        start(hand)
        save(hand, 1)
        assert tick(session) == Mended()
        (session.journal.directory / W1).unlink()
        save(hand, 2)
        mended = tick(session)
        assert list(mended.writers) == ["w0001"]
        assert list(mended.notes) == [f"{W1} was removed while it was in use; what it held is written anew from memory"]
        assert remembered(session) == b'"2"'
        save(hand, 3)  # before it has heard of it
        assert tick(session) == Mended(), "it is asked once"
        save(hand, 4)
        hand.rotate()
        save(hand, 5)
        tick(session)
        hand.close()
        other.close()
    assert remembered(session) == b'"5"'


def test_d55_what_a_removed_segment_held_is_written_anew_though_nothing_more_comes(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path))) as session:
        hand = pen(session)
        start(hand)
        save(hand, 1)
        tick(session)
        session.checkpoint()
        save(hand, 2)
        tick(session)
        session.journal.changed = False  # as after a checkpoint that began before
        (session.journal.directory / W1).unlink()
        tick(session)
        assert remembered(session) == b'"2"'
        hand.close()


def test_d55_what_a_writer_appended_before_it_moved_on_is_in_a_checkpoint(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path))) as session:
        hand = pen(session)
        start(hand)
        (session.journal.directory / W1).unlink()
        tick(session)
        save(hand, 1)
        hand.rotate()
        tick(session)
        serial = session.meta.serial
        for _ in range(3):
            tick(session)
        assert session.meta.serial <= serial + 1, "no checkpoint after the other once everybody has moved on"
        hand.close()
    assert remembered(session) == b'"1"'


def test_d55_a_removed_lock_is_taken_anew(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path))) as session:
        lock = session.state_dir / "lock"
        lock.unlink()
        mended = tick(session)
        assert list(mended.notes) == [f"{lock} was removed while it was in use; it is taken anew"]
        with pytest.raises(InUseError, match=f"in use by process {os.getpid()} "):
            Lock(session.state_dir, 0.0)
        assert tick(session) == Mended()


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_d55_where_another_process_has_taken_the_place_nothing_is_written_any_more(tmp_path: Path) -> None:
    session = opened(settings(tmp_path))
    hand = pen(session)
    start(hand)
    for number in range(1, 200):
        save(hand, number)
    hand.close()
    (session.state_dir / "lock").unlink()
    with Lock(session.state_dir, 0.0):
        before = bytes_below(tmp_path)
        with pytest.raises(InUseError):
            session.mend()
        session.write(Reset(2, 1, 0.0, 0))
        session.note("not on the disk")
        session.absorb(session.journal.end("w0001"))
        session.close()
        assert bytes_below(tmp_path) == before


def test_d55_a_session_that_finds_its_place_taken_as_it_ends_writes_nothing_either(tmp_path: Path) -> None:
    session = opened(settings(tmp_path))
    (session.state_dir / "lock").unlink()
    with Lock(session.state_dir, 0.0):
        before = bytes_below(tmp_path)
        descriptors = len(os.listdir("/dev/fd"))
        with pytest.raises(InUseError):
            session.close()
        assert bytes_below(tmp_path) == before
        assert len(os.listdir("/dev/fd")) < descriptors


# --- what others damage ------------------------------------------------------------------------------------------


def test_f65_a_line_damaged_while_we_run_is_told_once_and_its_file_kept(tmp_path: Path) -> None:
    session = opened(settings(tmp_path))
    hand = pen(session)
    start(hand)
    hand.append(b"deadbeef garbage that no one wrote\n")
    save(hand, 1)
    tick(session)
    (note,) = tick(session).notes
    start_of_it = f"1 damaged line(s) of {W1} were skipped; the file is kept as {W1}.damaged-"
    assert note.startswith(start_of_it)
    hand.append(b"deadbeef more of it\n")
    save(hand, 2)
    tick(session)
    assert tick(session) == Mended(), "told once for a segment"
    hand.close()
    session.absorb(session.journal.end("w0001"))
    session.close()
    (kept,) = session.journal.directory.iterdir()
    assert b"deadbeef garbage" in kept.read_bytes()
    assert b"deadbeef more of it" in kept.read_bytes()


def test_f65_damage_in_the_last_words_of_a_worker_is_told_as_the_session_ends(tmp_path: Path) -> None:
    session = opened(settings(tmp_path))
    hand = pen(session)
    hand.append(b"deadbeef garbage\n")
    hand.close()
    session.absorb(session.journal.end("w0001"))
    session.close()
    (kept,) = session.journal.directory.iterdir()
    assert kept.name in (session.state_dir / "session.log").read_text()


# --- a disk that refuses -----------------------------------------------------------------------------------------


class Refusing:
    """A disk that refuses to sync these files, once each; `asked` are the names of all that were to be synced."""

    def __init__(self, *names: str) -> None:
        self.left = list(names)
        self.asked: list[str] = []

    def __call__(self, fd: int) -> None:
        name = Path(os.readlink(f"/dev/fd/{fd}")).name
        self.asked.append(name)
        if name in self.left:
            self.left.remove(name)  # as of Linux: the next one would say that all is well
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_segment_that_the_disk_refused_is_left_by_its_worker_and_never_synced_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Refusing(W1)
    monkeypatch.setattr(journal_module, "sync_data", disk)
    with dying(opened(settings(tmp_path))) as session:
        hand = pen(session)
        start(hand)
        save(hand, 1)
        with pytest.raises(OSError, match="Input/output"):
            session.journal.sync()
        save(hand, 2)
        serial = session.meta.serial
        mended = tick(session)
        assert list(mended.writers) == ["w0001"]
        assert list(mended.notes) == [f"the disk has refused {W1}; what it held is written anew from memory"]
        tick(session)
        assert session.meta.serial == serial + 1
        save(hand, 3)
        session.journal.sync()
        hand.rotate()
        for _ in range(2):
            tick(session)
            session.journal.sync()
        (session.journal.directory / W1).unlink(missing_ok=True)  # nothing of it may count
        assert remembered(session) == b'"3"'
        save(hand, 4)
        session.journal.sync()
        assert disk.asked.count(W1) == 1
        assert disk.asked.count(hand.name) == 1
        hand.close()


@pytest.mark.parametrize("sync", ["flush", "group", "fsync"])
def test_done_is_not_called_before_that_it_is_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: Sync
) -> None:
    disk = Refusing()
    monkeypatch.setattr(journal_module, "sync_data", disk)
    with dying(opened(settings(tmp_path, sync=sync))) as session:
        own = session.journal._own.name
        disk.asked.clear()
        session.write_durably(DoneStarted(1, 5.0))
        assert disk.asked[-1] == own
        disk.left.append(own)
        with pytest.raises(OSError, match="Input/output"):
            session.write_durably(DoneStarted(2, 5.0))
        assert session.ledger.hook.calls == 1
        session.write_durably(DoneStarted(2, 5.0))
        assert disk.asked[-1] != own, "it went into a new file"


@pytest.mark.parametrize("sync", ["flush", "group", "fsync"])
def test_before_done_each_file_is_synced_once_and_ours_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sync: Sync
) -> None:
    disk = Refusing()
    with dying(opened(settings(tmp_path, sync=sync))) as session:
        hand, other = pen(session), pen(session, "w0002")
        start(hand)
        other.append(line_of(Started(2, 1, 0, 5.0, "", 0)))
        list(session.journal.end("w0002"))  # which is gone
        monkeypatch.setattr(journal_module, "sync_data", disk)
        session.note("told of it")
        session.write_durably(DoneStarted(1, 5.0))
        assert sorted(disk.asked) == sorted([W1, other.name, session.journal._own.name])
        assert disk.asked[-1] == session.journal._own.name
        hand.close()
        other.close()


# --- ids that db.json does not know yet --------------------------------------------------------------------------


def test_a_record_of_a_run_waits_until_its_id_is_known_to_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaited = threading.Event()
    write, finish_checkpoint = checkpoint_module.write_checkpoint, Checkpointing.finish

    def slow(state_dir: Path, checkpoint: Checkpoint, umask: int) -> None:
        assert awaited.wait(60)
        write(state_dir, checkpoint, umask)

    def finish(checkpointing: Checkpointing, *, wait: bool) -> None:
        if wait:
            awaited.set()
        finish_checkpoint(checkpointing, wait=wait)

    monkeypatch.setattr(module, "WAITED_FOR", 0)
    monkeypatch.setattr(checkpoint_module, "write_checkpoint", slow)
    monkeypatch.setattr(Checkpointing, "finish", finish)
    with dying(opened(settings(tmp_path))) as session:
        try:
            session.note("notes do not wait")
            assert not session.planned
            session.write(Reset(2, 1, 0.0, 0))
            assert session.planned, "nobody else has waited for it"
        finally:
            awaited.set()
    assert read_store(session.state_dir) is not None


def test_a_record_of_a_run_is_refused_where_its_id_cannot_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "WAITED_FOR", 0)
    monkeypatch.setattr(checkpoint_module, "write_checkpoint", refuse)
    with dying(opened(settings(tmp_path))) as session, pytest.raises(StoreError, match="No space left"):
        session.write(Reset(2, 1, 0.0, 0))
    assert read_store(session.state_dir) is None, "a first start that came to nothing"


# --- done() and another completion -------------------------------------------------------------------------------


def finish(session: Session, runs: Sequence[int]) -> None:
    for run in runs:
        attempt = session.ledger.run(run).attempt + 1
        session.write(Started(run, attempt, 0, 5.0, "", 0))
        session.write(Returned(run, attempt, 0.5))


def grown(folder: Path) -> Settings:
    return settings(folder, count=3)


def same(folder: Path) -> Settings:
    return settings(folder)


def where(session: Session) -> tuple[s.HookStatus, int]:
    """Where done() stands, and how often it was called."""
    return session.ledger.hook.status, session.ledger.hook.calls


def call_done(session: Session, identity: str, end: bool = True) -> None:
    """What the runner and a worker write when done() is called."""
    call = session.ledger.hook.calls + 1
    session.write_durably(DoneStarted(call, 5.0, identity))
    if end:
        session.write(DoneReturned(call, 5.0, 0.5))


# each step: instances, iterations, what is run to its end, then how done() stands; it is called where it is due
STEPS: dict[str, list[tuple[int, int, bool, str]]] = {
    "a subset, the whole, the subset, the whole": [
        (1, 1, True, "not yet"),
        (3, 1, False, "not yet"),
        (3, 1, True, "not yet"),
        (1, 1, False, "done"),
        (3, 1, False, "done"),
    ],
    "fewer iterations, and as many as before": [
        (2, 3, False, "not yet"),
        (2, 1, True, "not yet"),
        (2, 3, True, "not yet"),
        (2, 1, False, "done"),
        (2, 3, False, "done"),
    ],
}


@pytest.mark.parametrize("identities", [True, False], ids=["recorded with its results", "by an older version"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_done_is_called_once_for_each_set_of_results(
    tmp_path: Path, steps: list[tuple[int, int, bool, str]], identities: bool
) -> None:
    for number, (count, iterations, run, then) in enumerate(steps):
        with dying(opened(settings(tmp_path, count, iterations))) as session:
            if run:
                left = [run for run in session.order if isinstance(session.ledger.run(run).status, s.Pending)]
                finish(session, left)
            assert s.hook_word(session.ledger.hook.status) == then, f"step {number}"
            if run:
                call_done(session, session.results if identities else "")


def test_a_completion_that_was_cut_off_or_done_anew_is_told_from_the_others(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path, 1))) as session:
        finish(session, (1,))
        call_done(session, session.results, end=False)
    with dying(opened(settings(tmp_path, 2))) as session:
        finish(session, (2,))
        call_done(session, session.results)
    with dying(opened(settings(tmp_path, 1))) as session:
        assert where(session) == (s.HookCutOff(5.0), 2)
    with dying(opened(settings(tmp_path, 2))) as session:
        session.write(Reset(2, 2, 0.0, 2))
        assert where(session) == (s.HookNotYet(), 2)
        finish(session, (2,))
        assert where(session) == (s.HookNotYet(), 2), "the same runs, and another attempt"
    with dying(opened(settings(tmp_path, 1))) as session:
        assert where(session) == (s.HookCutOff(5.0), 2)


@pytest.mark.parametrize(("between", "then"), [((same,), s.HookNotYet()), ((), s.HookNotYet())])
def test_growth_after_done_was_cut_off_puts_another_completion_ahead(
    tmp_path: Path, between: Sequence[Callable[[Path], Settings]], then: s.HookStatus
) -> None:
    with dying(opened(settings(tmp_path))) as session:
        finish(session, (1, 2))
        session.write_durably(DoneStarted(1, 5.0))
    for each in between:
        with dying(opened(each(tmp_path))) as session:
            assert where(session) == (s.HookCutOff(5.0), 1)
    with dying(opened(grown(tmp_path))) as session:
        assert where(session) == (then, 1)


def test_a_reset_while_done_was_called_puts_another_completion_ahead_also_if_it_was_cut_off(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path))) as session:
        finish(session, (1, 2))
        session.write_durably(DoneStarted(1, 5.0))
        session.write(Reset(1, 2, 0.0, 1))
    with dying(opened(settings(tmp_path))) as session:
        assert where(session) == (s.HookNotYet(), 1)
        session.write_durably(DoneStarted(2, 5.0))
        session.write(DoneReturned(2, 5.0, 0.5))
        assert isinstance(session.ledger.hook.status, s.HookDone)


@pytest.mark.parametrize(("reset", "then"), [(False, s.HookCutOff(5.0)), (True, s.HookNotYet())], ids=["", "ahead"])
def test_a_cut_off_done_is_told_alike_by_a_look_a_view_and_the_next_start(
    tmp_path: Path, reset: bool, then: s.HookStatus
) -> None:
    with dying(opened(settings(tmp_path))) as session:
        finish(session, (1, 2))
        call_done(session, session.results, end=False)
        if reset:
            session.write(Reset(1, 2, 0.0, 1))
    store, holder = look(session.state_dir)
    assert store is not None
    viewer = Viewer(session.state_dir, tmp_path / "x.py")
    viewer.look()
    with dying(opened(settings(tmp_path))) as session:
        told = [store.ledger.hook.status, viewer.snapshot().done_hook.status, session.ledger.hook.status]
    assert (holder, told) == (None, [then] * 3)


@pytest.mark.parametrize("count", [3, 3000])
def test_a_start_syncs_as_often_whatever_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    synced: list[str] = []
    for name in ("fsync", "fdatasync"):
        ready = getattr(os, name)

        def sync(fd: int, ready: Callable[[int], None] = ready) -> None:
            synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), tmp_path))
            ready(fd)

        monkeypatch.setattr(os, name, sync)
    (tmp_path / "x.py").write_text("def run(instance, save, state): ...")
    always = ["x.alma/db.json.tmp", "x.alma", "x.alma/journal", "x.alma/journal/{}-runner-0001.jsonl"]
    first = [".", "x.alma", "x.alma"]  # which are made
    second = ["x.alma/journal"]  # the segment of the first goes
    for session in (1, 2):
        with dying(opened(settings(tmp_path, count))) as opening:
            opening._checkpointing.finish(wait=True)
            opening.tend(1e9, idle=False)
            opening._checkpointing.finish(wait=True)
        told = [each.format(f"{session:06d}") for each in always]
        assert sorted(synced) == sorted([*told, *(first if session == 1 else second)]), session
        del synced[:]


def test_who_ends_with_the_last_run_writes_one_checkpoint_and_who_stays_has_one_soon(tmp_path: Path) -> None:
    with dying(opened(settings(tmp_path))) as session:
        serial = session.meta.serial
        session.journal.changed = True
        session.tend(100.0, idle=False)
        session.tend(100.1, idle=True)
        assert not session._checkpointing.is_writing, "the end, which comes at once, would write the same again"
        assert session.unsettled, "somebody is to come back to it"
        session.tend(100.1 + CALM, idle=True)
        session._checkpointing.finish(wait=True)
        assert session.meta.serial == serial + 1
