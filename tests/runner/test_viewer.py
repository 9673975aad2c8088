"""A view of an experiment that somebody else runs: here the test is that somebody, with the writers of the store."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, what_was
from pyalma_tui.model.records import (
    Checkpointed,
    DoneStarted,
    Lost,
    Note,
    Record,
    Reset,
    Restored,
    Returned,
    Saved,
    Started,
    Stopped,
)
from pyalma_tui.runner import handover
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.store import planning
from pyalma_tui.store.layout import segment_name
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.lock import Holder, Lock
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.segment import SegmentWriter, line_of
from tests.catalogue.experiment import Experiment, experiments
from tests.store.stores import bytes_below, instances, write_store

PATIENCE = 20.0  # seconds
BEGAN = 1_700_000_000.0


class Session:
    """An experiment that is run: the lock, its own segment and that of a worker, checkpoints when the test wants."""

    def __init__(self, state_dir: Path, number: int = 1, ledger: Ledger | None = None) -> None:
        self.state_dir = state_dir
        self.number = number
        self.meta = Meta(identity="abc1", serial=number, session=number, seed=5, target="/home/user/sat.py")
        self.ledger = write_store(state_dir, meta=self.meta, ledger=ledger)
        self.lock = Lock(state_dir, BEGAN)
        self.own = self.segment("runner")
        self.worker = self.segment("w0001")

    def segment(self, writer: str) -> SegmentWriter:
        return SegmentWriter(self.state_dir / "journal", segment_name(self.number, writer, 1))

    def write(self, *records: Record) -> None:
        """As the worker, or as the runner, whoever writes such a record."""
        for record in records:
            own = isinstance(record, Reset | Restored | Stopped | Lost | Note | DoneStarted)
            (self.own if own else self.worker).append(line_of(record))
            self.ledger.apply(record)

    def checkpoint(self) -> None:
        """Write what is true now."""
        self.meta = msgspec.structs.replace(self.meta, serial=self.meta.serial + 1)
        write_store(self.state_dir, meta=self.meta, ledger=self.ledger)

    def remove(self, *names: str) -> None:
        for name in names:
            (self.state_dir / "journal" / name).unlink()

    def close(self) -> None:
        for each in (self.own, self.worker, self.lock):
            each.close()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    began = Session(tmp_path / "sat.alma")
    yield began
    began.close()


@pytest.fixture
def viewer(session: Session) -> Viewer:
    return Viewer(session.state_dir, Path("other.py"))


def started(run: int, attempt: int = 1, slot: int = 0) -> Started:
    return Started(run, attempt, slot, BEGAN, "", 7)


def saved(run: int, number: int, attempt: int = 1) -> Saved:
    return Saved(run, attempt, number, number * 1000, msgspec.Raw(b'"%d"' % number))


def seen(viewer: Viewer, true: Callable[[Snapshot], bool], why: str) -> Snapshot:
    """The snapshot as soon as this is true of it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        viewer.look()
        snapshot = viewer.snapshot()
        if true(snapshot):
            return snapshot
        assert time.monotonic() < deadline, f"never seen: {why}\n{msgspec.structs.replace(snapshot, runs_of=())}"
        time.sleep(0.01)


def state(snapshot: Snapshot, run: int) -> tuple[bytes | None, int, str]:
    it: Run = snapshot.runs[run - 1]
    return it.state, it.attempt, s.word(it.status)


def test_it_shows_what_is_appended_and_writes_nothing(session: Session, viewer: Viewer) -> None:
    assert viewer.snapshot().phase == "opening"
    session.write(started(1, slot=3), saved(1, 1))
    viewer.look()
    now = viewer.snapshot()
    assert (now.title, now.target, now.state_dir) == ("sat", Path("/home/user/sat.py"), session.state_dir)
    assert (now.phase, now.counts.running, now.failure) == ("busy", 1, None)
    assert now.elsewhere is not None
    assert (now.elsewhere.pid, now.elsewhere.since) == (os.getpid(), BEGAN)
    assert [(slot.number, slot.run) for slot in now.slots] == [(3, 1)]
    assert state(now, 1) == (b'"1"', 1, "running")

    before = bytes_below(session.state_dir)
    viewer.look()
    assert viewer.snapshot() is now, "nothing has changed, so nothing is published"
    assert bytes_below(session.state_dir) == before

    session.write(saved(1, 2), Returned(1, 1, 4.5), started(2), saved(2, 1), Note(BEGAN, "a note"))
    viewer.look()
    later = viewer.snapshot()
    assert state(later, 1) == (b'"2"', 1, "done")
    assert state(later, 2) == (b'"1"', 1, "running")
    assert (later.counts.done, later.counts.running, later.counts.pending) == (1, 1, 1)
    assert [note.text for note in later.notes] == ["a note"]
    assert later.rows[0].tally.done == 1


def test_half_a_line_is_read_when_it_is_whole(session: Session, viewer: Viewer) -> None:
    session.write(started(1))
    viewer.look()
    line = line_of(saved(1, 1))
    os.write(session.worker.fd, line[:9])
    viewer.look()
    assert state(viewer.snapshot(), 1) == (None, 1, "running")
    os.write(session.worker.fd, line[9:])
    viewer.look()
    assert state(viewer.snapshot(), 1) == (b'"1"', 1, "running")


def test_a_segment_rotated_and_removed_between_two_looks_loses_nothing(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1))
    viewer.look()
    session.write(saved(1, 2), Returned(1, 1, 2.0), started(2))
    session.worker.rotate()
    session.write(saved(2, 1))
    session.worker.rotate()
    session.write(saved(2, 2))
    session.checkpoint()
    session.write(Checkpointed(session.meta.serial, session.meta.identity))
    session.remove(segment_name(1, "w0001", 1), segment_name(1, "w0001", 2))
    session.write(saved(2, 3))
    now = seen(viewer, lambda now: state(now, 2) == (b'"3"', 1, "running"), "what came after the checkpoint")
    viewer.look()
    now = seen(viewer, lambda now: state(now, 1) == (b'"2"', 1, "done"), "what only the checkpoint has")
    assert (now.failure, now.notes) == (None, ())
    assert [slot.run for slot in now.slots] == [2]


def test_a_flooded_segment_is_found_in_its_copy(session: Session, viewer: Viewer) -> None:
    session.write(started(1))
    viewer.look()
    for number in range(1, 1000):
        session.worker.append(line_of(saved(1, number)))
    session.worker.rotate()
    session.own.append(line_of(saved(1, 999)))
    session.remove(segment_name(1, "w0001", 1))
    viewer.look()
    assert state(viewer.snapshot(), 1) == (b'"999"', 1, "running")
    assert viewer.snapshot().runs[0].saves == 999


def test_notes_outlive_a_checkpoint(session: Session, viewer: Viewer) -> None:
    session.write(Note(BEGAN, "the terminal has gone away"))
    viewer.look()
    session.own.rotate()
    session.checkpoint()
    session.remove(segment_name(1, "runner", 1))
    session.write(Checkpointed(session.meta.serial, session.meta.identity), Note(BEGAN + 2, "later"))
    now = seen(viewer, lambda now: len(now.notes) > 1, "the later note")
    assert [note.text for note in now.notes] == ["the terminal has gone away", "later"]


def test_a_reset_is_seen_as_one_and_the_run_begins_anew(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1), Returned(1, 1, 1.0))
    viewer.look()
    session.write(Reset(1, 2, BEGAN, 0))
    viewer.look()
    assert state(viewer.snapshot(), 1) == (None, 2, "pending")
    session.write(started(1, attempt=3), saved(1, 1, attempt=3))
    viewer.look()
    assert state(viewer.snapshot(), 1) == (b'"1"', 3, "running")


def test_a_reset_that_is_taken_back_is_seen(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1), Returned(1, 1, 1.0))
    viewer.look()
    was = what_was(viewer.snapshot().runs[0])
    session.write(Reset(1, 2, BEGAN, 0))
    viewer.look()
    session.write(Restored(1, 3, BEGAN, was))
    viewer.look()
    assert state(viewer.snapshot(), 1) == (b'"1"', 3, "done")
    assert viewer.snapshot().counts.done == 1


def test_a_reset_and_all_that_came_of_it_are_seen_at_one_look(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1), Returned(1, 1, 1.0))
    viewer.look()
    session.write(Reset(1, 2, BEGAN, 0), started(1, attempt=3), saved(1, 1, attempt=3), Returned(1, 3, 1.0))
    viewer.look()
    assert state(viewer.snapshot(), 1) == (b'"1"', 3, "done")
    assert viewer.snapshot().slots == ()


def test_a_newer_session_with_a_larger_batch_is_followed(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1))
    viewer.look()
    session.write(Stopped(1, 1, 1.0, BEGAN, "interrupted"))
    session.close()
    grown, _, _ = planning.merge(session.ledger, instances(5), 1, 5)
    with closing(Session(session.state_dir, 2, grown)) as newer:
        newer.write(started(5), saved(5, 1))
        viewer.look()  # perhaps too early to read the checkpoint again: the journal speaks of a run that nobody knows
        now = seen(viewer, lambda now: len(now.runs) == 5, "the new instances")
        assert now.failure is None
        assert state(now, 1) == (b'"1"', 1, "interrupted")
        assert state(now, 5) == (b'"1"', 1, "running")
        assert now.phase == "busy"


def test_when_nobody_holds_it_what_was_cut_off_is_told_as_the_next_start_will(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1), DoneStarted(1, BEGAN))
    viewer.look()
    assert viewer.snapshot().phase == "busy"
    session.write(saved(1, 2))  # the last word of a worker that is killed
    session.close()
    now = seen(viewer, lambda now: now.phase == "idle", "that it has ended")
    assert now.elsewhere is None
    assert now.idle_reason == f"process {os.getpid()} has ended"
    assert state(now, 1) == (b'"2"', 1, "interrupted")
    assert s.reason(now.runs[0].status) == "its session was killed"
    assert isinstance(now.done_hook.status, s.HookCutOff)
    assert now.slots == ()
    viewer.look()
    assert viewer.snapshot() is now


def test_between_short_runs_it_is_busy_and_after_a_while_without_any_idle(session: Session, viewer: Viewer) -> None:
    session.write(started(1))
    viewer.look()
    session.write(Returned(1, 1, 0.1))
    viewer.look()
    assert viewer.snapshot().counts.running == 0
    assert viewer.snapshot().phase == "busy"
    now = seen(viewer, lambda now: now.phase == "idle", "that nothing runs")
    assert now.idle_reason == "nothing runs at the moment"
    session.write(started(2))
    viewer.look()
    assert viewer.snapshot().phase == "busy"


def test_a_state_directory_that_disappears_is_told_and_what_was_true_stays(session: Session, viewer: Viewer) -> None:
    session.write(started(1), saved(1, 1))
    viewer.look()
    away = session.state_dir.with_name("away")
    shutil.move(session.state_dir, away)
    viewer.look()
    gone = viewer.snapshot()
    assert gone.failure is not None
    assert "Shown is what was true before" in gone.failure.message
    assert str(session.state_dir) in gone.failure.message
    assert state(gone, 1) == (b'"1"', 1, "running")
    viewer.look()
    assert viewer.snapshot() is gone
    shutil.move(away, session.state_dir)
    session.write(saved(1, 2))
    now = seen(viewer, lambda now: not now.failure, "that it is back")
    assert state(now, 1) == (b'"2"', 1, "running")


def test_an_unreadable_checkpoint_is_told_until_it_can_be_read_again(session: Session, viewer: Viewer) -> None:
    viewer.look()
    (session.state_dir / "db.json").write_text("{")
    told = seen(viewer, lambda now: now.failure is not None, "the failure")
    for _ in range(5):
        viewer.look()
    assert viewer.snapshot() is told, "it does not flicker while it is not looked at again"
    session.write(started(1))
    viewer.look()
    assert viewer.snapshot().counts.running == 1, "the journal is followed all the same"
    session.checkpoint()
    seen(viewer, lambda now: not now.failure, "that it can be read again")


def test_nothing_to_see_yet_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    with Lock(tmp_path, BEGAN):
        viewer = Viewer(tmp_path, Path("sat.py"))
        viewer.look()
        assert (viewer.snapshot().phase, viewer.snapshot().failure) == ("opening", None)
        assert viewer.snapshot().title == "sat"


# Asking the holder


def test_whoever_does_not_hold_it_is_not_asked(session: Session) -> None:
    sleeping = subprocess.Popen(["sleep", "1000"])
    try:
        why = handover.obstacle(session.state_dir, Holder(sleeping.pid, BEGAN))
        assert why == f"it runs elsewhere: process {sleeping.pid} of this machine is another one"
    finally:
        sleeping.kill()
        sleeping.wait()
    assert handover.obstacle(session.state_dir, Holder(sleeping.pid, BEGAN)) == "", "its workers are awaited"
    assert not handover.ask(Holder(sleeping.pid, BEGAN))
    assert handover.obstacle(session.state_dir, Holder(0, 0.0)) == "nobody knows which process runs it"


def test_one_of_another_host_is_named_with_it_and_cannot_be_asked(session: Session, viewer: Viewer) -> None:
    """Its number means nothing here: that no process has it does not tell that it is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    os.pwrite(session.lock.fd, msgspec.json.encode(Holder(gone.pid, BEGAN, "node9")) + b"\n", 0)
    session.write(msgspec.structs.replace(started(1), host="node9"))
    snapshot = seen(viewer, lambda snapshot: bool(snapshot.slots), "that a run runs")
    assert snapshot.elsewhere is not None
    assert snapshot.elsewhere.obstacle == "it runs on node9"
    assert snapshot.elsewhere.name == f"process {gone.pid} on node9"
    assert [slot.host for slot in snapshot.slots] == ["node9"]


def test_whoever_would_not_survive_it_is_not_asked_until_it_hears_it(session: Session) -> None:
    who = Holder(os.getpid(), BEGAN)
    assert "a script" in handover.obstacle(session.state_dir, who)
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        assert handover.obstacle(session.state_dir, who) == ""
    finally:
        signal.signal(signal.SIGTERM, before)


# The real program


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[Experiment]:
    yield from experiments(tmp_path)


FLOOD = """
def run(instance, save, state):
    for number in range(200_000):
        save(f"{number:0150}")
    tell("flooded")
"""


def test_while_two_workers_flood_their_journals_states_only_advance(experiment: Experiment) -> None:
    running = experiment.write(FLOOD, ("a", "b", "c")).go("--workers", "2")
    lock = experiment.state_dir / "lock"
    while not lock.exists():
        time.sleep(0.01)
    viewer = Viewer(experiment.state_dir, experiment.module)
    last: dict[int, tuple[int, bytes]] = {}
    different = 0
    while running.process.poll() is None:
        viewer.look()
        now = viewer.snapshot()
        assert now.failure is None
        for run in now.runs:
            told = (run.saves, run.state or b"")
            assert told >= last.get(run.id, (0, b"")), "a state went back"
            different += told != last.get(run.id)
            last[run.id] = told
        time.sleep(0.02)
    assert running.end().code == 0
    assert different > 20
    now = seen(viewer, lambda now: now.phase == "idle", "the end")
    assert now.counts.done == 3
    assert {run.saves for run in now.runs} == {200_000}


def test_it_looks_in_a_thread_of_its_own_and_imports_no_module(experiment: Experiment) -> None:
    experiment.write("tell('imported')\ndef run(instance, save, state):\n    save('1')\n    wait_for('go')\n")
    running = experiment.go()
    experiment.hears("imported")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom pyalma_tui.runner.viewer import Viewer\n"
        "viewer = Viewer(Path('m.alma'), Path('m.py'))\nviewer.start()\n"
        "while not any(run.state == b'\"1\"' for run in viewer.snapshot().runs): time.sleep(0.01)\n"
        "viewer.close()\nassert 'textual' not in sys.modules and 'm' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=experiment.folder, check=True, timeout=60)
    assert experiment.told().count("imported") == 1
    experiment.allow("go")
    assert running.end().code == 0
