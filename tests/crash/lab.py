"""An experiment in one process: the real session, and hands that write as workers do."""

from __future__ import annotations

import os

from pyalma_tui.model import jsontext
from pyalma_tui.model.chosen import Sync
from pyalma_tui.model.experiment import what_was
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import (
    DoneReturned,
    DoneStarted,
    Lost,
    Progressed,
    Raised,
    Record,
    Reset,
    Restored,
    Returned,
    Started,
)
from pyalma_tui.model.status import Error, Running
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.store.segment import SegmentWriter, line_of, saved_line, saved_prefix
from pyalma_tui.worker.recording import RowRecorder
from tests.crash.disk import Disk
from tests.crash.history import HOOK, Act, History

SEED = 5
SEGMENT = 330  # bytes: a few lines, so that workers rotate
OWN_SEGMENT = 420


class Lab:
    """One experiment below `disk.base`, played by one thread; every act goes into the history."""

    def __init__(self, disk: Disk, sync: Sync, runs: int = 4) -> None:
        self._clock = 1e9  # of time.monotonic
        self.disk = disk
        self.sync: Sync = sync
        self.history = History([run.seed for run in plan(runs, 1, SEED)])
        self.state_dir = disk.base / "x.alma"
        self.session: Session
        self._launched = 0
        self._runs = runs

    def open(self) -> None:
        """Start, as `pyalma-tui x.py` does; what ran when the last session died is interrupted."""
        module = self.disk.base / "x.py"
        batch = [Instance(i, f"i{i}", f"/i{i}") for i in range(self._runs)]
        for run, acts in self.history.acts.items():
            if run != HOOK and acts and [a for a in acts if a.kind != "save"][-1].kind == "start":
                self.began(run, "stop")
        settings = Settings(
            target=module, module=module, state_dir=self.state_dir, batch=batch, seed=SEED, sync=self.sync
        )
        before = self.now()
        self.session = Session(settings, "hash", has_done=True)
        self.session.journal._own._limit = OWN_SEGMENT
        for acts in self.history.acts.values():
            for act in acts:
                if act.kind == "stop":
                    act.acknowledged.setdefault("kill", self.now())
        self.history.settle(before, self.now())

    def die(self) -> None:
        """End as by kill -9: nothing more is written. The kernel closes what was open."""
        session = self.session
        session._checkpointing.close()
        session.journal.close()
        session._lock.close()

    def edit(self, run: int) -> None:
        """Somebody opens `db.json`, makes a run pending that was running, and saves it; every length stays."""
        path = self.state_dir / "db.json"
        text = path.read_bytes()
        place = text.index(b'"running"', text.index(b'"%d":{"instance":"' % run))
        act = self.began(run, "edit")
        fd = os.open(path.with_name("db.json~"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, text[:place] + b'"pending"' + text[place + 9 :])
        os.fsync(fd)
        os.close(fd)
        os.replace(path.with_name("db.json~"), path)
        act.acknowledged["kill"] = self.now()

    def close(self) -> None:
        """Quit."""
        before = self.now()
        self.session.close()
        self.history.settle(before, self.now())

    def checkpoint(self) -> None:
        """Write one now."""
        before = self.now()
        self.session.checkpoint()
        self.history.settle(before, self.now())

    def tend(self, idle: bool = False) -> None:
        """What the runner does each tick: begin and finish a checkpoint if one is due."""
        self.poll()
        self._clock += 60.0  # whoever idles has done so for a while
        self.session.tend(self._clock, idle)
        self.session._checkpointing.close()
        self.session.tend(self._clock, False)

    def put_on_disk(self) -> None:
        """Put all that was recorded so far on the disk."""
        self.session.sync_now()
        moment = self.now()
        for acts in self.history.acts.values():
            for act in acts:
                if "kill" in act.acknowledged:
                    act.acknowledged.setdefault("power cut", moment)

    def poll(self) -> None:
        """Read what workers wrote."""
        self.session.absorb(self.session.journal.poll())

    def hand(self, limit: int = SEGMENT) -> Hand:
        """A new worker, followed by the runner."""
        self._launched += 1
        writer = f"w{self._launched:04d}"
        name = self.session.journal.name_for(writer)
        synced = self.sync == "fsync"
        segment = SegmentWriter(
            self.state_dir / "journal", name, synced=synced, named=synced, ahead=synced, limit=limit
        )
        self.session.journal.follow(writer)
        rows = RowRecorder(self.state_dir, name, synced=self.sync == "fsync", umask=0o022)
        return Hand(self, writer, segment, rows)

    def bury(self, hand: Hand) -> None:
        """The worker is gone: read its last words; a run that it left unfinished is lost."""
        hand.segment.close()
        hand.rows.renew()
        self.session.absorb(self.session.journal.end(hand.writer))
        for run in self.session.ledger.runs:
            if isinstance(run.status, Running) and run.id == hand.run:
                act = self.began(run.id, "lose")
                self.session.write(Lost(run.id, run.attempt, 0.5, 9.0, Error("killed")))
                act.acknowledged["kill"] = self.now()

    def reset(self, run: int) -> None:
        """Forget a run."""
        act = self.began(run, "reset")
        ledger = self.session.ledger
        self.session.write(Reset(run, ledger.run(run).attempt + 1, 9.0, ledger.hook.calls))
        act.acknowledged["kill"] = self.now()

    def restore(self, run: int) -> None:
        """Take the reset of a run back."""
        facts = self.history.before_reset(run)
        act = self.began(run, "restore", facts)
        ledger = self.session.ledger
        was = what_was(ledger.forgotten[run])
        self.session.write(Restored(run, ledger.run(run).attempt + 1, 9.0, was))
        act.acknowledged["kill"] = self.now()

    def call_done(self, hand: Hand) -> None:
        """done(): its beginning is on the disk before anybody calls it."""
        act = self.began(HOOK, "done() start")
        call = self.session.ledger.hook.calls + 1
        self.session.write(DoneStarted(call, 9.0))
        act.acknowledged["kill"] = self.now()
        self.session.sync_now()
        if self.sync != "flush":
            act.acknowledged["power cut"] = self.now()
        hand.write(HOOK, "done() return", DoneReturned(call, 9.0, 0.5))
        self.poll()

    def now(self) -> int:
        """How many events have happened; an act acknowledged now must be there after one more."""
        return self.disk.mark("now")

    def began(self, run: int, kind: str, value: object = None, rows: tuple[object, ...] = ()) -> Act:
        """Something is about to be done; these rows count with it."""
        return self.history.begin(run, kind, self.now(), value, rows)


class Hand:
    """What a worker writes, in the way and order in which it does."""

    def __init__(self, lab: Lab, writer: str, segment: SegmentWriter, rows: RowRecorder) -> None:
        self.lab = lab
        self.writer = writer
        self.segment = segment
        self.rows = rows
        self.recorded: list[object] = []  # since the last save
        self.run = 0
        self.attempt = 0
        self.number = 0
        self.broken = False

    def start(self, run: int) -> None:
        """The runner has folded everything, and hands out a run."""
        self.lab.poll()
        self.run, self.attempt, self.number = run, self.lab.session.ledger.run(run).attempt + 1, 0
        self.rows.begin(run, self.attempt, rows_in(self.lab.session.ledger.run(run).extents))
        self.recorded.clear()
        self.write(run, "start", Started(run, self.attempt, 0, 5.0, "hash", 77))

    def save(self, value: object) -> None:
        """save(value) of user code."""
        act = self.lab.began(self.run, "save", value, tuple(self.recorded))
        prefix = saved_prefix(self.run, self.attempt)
        self.rows.flush()
        text = jsontext.encode(value)
        self.segment.append(saved_line(prefix, self.number + 1, 10 * self.number, text, self.rows.told))
        self.recorded.clear()
        self.number += 1
        self._acknowledge(act)

    def record(self, value: object) -> None:
        """record(row=value) of user code."""
        self.recorded.append(value)
        self.rows.add(b'{"row":%s}' % jsontext.encode(value))

    def progress(self) -> None:
        """progress(1, 2) of user code."""
        self.segment.append(line_of(Progressed(self.run, self.attempt, 1.0, 2.0)))

    def returns(self) -> None:
        """run() returned, and the runner is told."""
        act = self.lab.began(self.run, "return", None, tuple(self.recorded))
        self.rows.flush()
        self.segment.append(line_of(Returned(self.run, self.attempt, 0.5, self.rows.end())))
        self._acknowledge(act)

    def raises(self) -> None:
        """run() raised."""
        self.rows.end()
        self.write(self.run, "raise", Raised(self.run, self.attempt, 0.5, Error("ValueError: no")))

    def write(self, run: int, kind: str, record: Record) -> None:
        """Any record that counts as an act."""
        act = self.lab.began(run, kind)
        self.segment.append(line_of(record))
        self._acknowledge(act)

    def _acknowledge(self, act: Act) -> None:
        moment = self.lab.now()
        act.acknowledged["kill"] = moment
        if self.lab.sync == "fsync":
            act.acknowledged["power cut"] = moment
