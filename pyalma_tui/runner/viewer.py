"""A view of an experiment that another process runs: its files are read again and again, and nothing is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pyalma_tui.errors import DefectError, Failure, IllegalTransitionError, PyalmaError, StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.records import Checkpointed, Note, Record, RunRecord
from pyalma_tui.runner.commands import Command
from pyalma_tui.runner.foresight import Foresight, longest_of, waiting_of, workers_of
from pyalma_tui.runner.handover import obstacle
from pyalma_tui.runner.sampling import Sampling
from pyalma_tui.runner.snapshot import Elsewhere, Phase, Slot, Snapshot
from pyalma_tui.store import layout, opening
from pyalma_tui.store.abandoned import settle
from pyalma_tui.store.checkpoint import stamp
from pyalma_tui.store.cold import having
from pyalma_tui.store.kept_code import grown_from
from pyalma_tui.store.ledger import NOTES, Ledger
from pyalma_tui.store.lock import elsewhere_of, holder
from pyalma_tui.store.segment import READ
from pyalma_tui.store.tail import Tail

LOOK = 0.3  # seconds between two looks at the files, at least
SHARE = 10  # … and so many times what the look before has cost; the same for reading db.json
REST = 2.0  # seconds without a running run after which it is called idle: between short runs it is not
LAST_SEEN = "Shown is what was true before"
CHECK = 2.0  # seconds between two looks at the process that runs it


class Viewer:
    """A Conductor that obeys nothing; `snapshot` and `send` are for any thread, the rest is for one.

    What db.json and the journal say is taken in as at an opening, then what is appended to the segments. db.json is
    read again when it was replaced. A segment is not kept open: it is removed only when a checkpoint, or a copy in
    another segment, has what it held.
    """

    def __init__(self, state_dir: Path, target: Path) -> None:
        """`target` is what was asked for, until the state directory tells what is run."""
        self._state_dir = state_dir
        self._target = target
        self._code = ""
        self._codes: frozenset[str] = frozenset()
        self._chosen = Chosen()
        self._ledger: Ledger | None = None
        self._positions: dict[str, int] = {}
        self._stamp: tuple[int, int] | None = None
        self._next_read = 0.0
        self._running: set[int] = set()
        self._active_at = 0.0
        self._foresight = Foresight()
        self._sampling = Sampling(state_dir)
        self._notes: tuple[Note, ...] = ()
        self._elsewhere: Elsewhere | None = None
        self._next_check = 0.0
        self._last_pid = 0
        self._buffer = bytearray(READ)
        self._pause = 0.0
        self._changed = True
        self._failure: Failure | None = None
        self._snapshot = Snapshot()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._main, name="pyalma-tui-viewer")
        self._publish("opening")

    # --- for other threads ---------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The latest moment."""
        return self._snapshot

    def send(self, command: Command) -> None:
        """Do nothing: the experiment is another process's."""

    # --- its own -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        self._thread.join()

    def _main(self) -> None:
        while not self._closing.wait(self._pause):
            self.look()

    def look(self) -> None:
        """Take in what has happened since the last look, and publish it if anything has."""
        now = time.monotonic()
        try:
            failure = self._take_in(now)
        except PyalmaError as error:
            failure = error.failure
        except OSError as error:
            failure = StoreError(f"view: {error.filename or self._state_dir}: {error.strerror}. {LAST_SEEN}").failure
        except Exception as error:
            why = f"view: {type(error).__name__}: {error}. The experiment goes on; please report this"
            self._failure = DefectError(why).failure
            self._publish(self._phase(now))
            raise
        phase = self._phase(now)
        due = phase == "busy" and self._foresight.is_due
        if self._changed or due or failure != self._failure or phase != self._snapshot.phase:
            self._failure = failure
            self._publish(phase)

    def _take_in(self, now: float) -> Failure | None:
        """Look at everything; what was wrong the last time if that could not be looked at again."""
        self._pause = LOOK
        self._look_who(now)  # first: if nobody holds it, what is read after that is all there is
        stale = stamp(self._state_dir) != self._stamp
        if stale and now >= self._next_read:
            self._read(now)
            stale = False
        elif self._ledger is not None:
            self._follow(self._ledger)
            self._pause = max(LOOK, SHARE * (time.monotonic() - now))
        if not stale and self._elsewhere is None and self._ledger is not None:
            self._end(self._ledger)
        return self._failure if stale else None

    def _look_who(self, now: float) -> None:
        """Find out which process runs it; raises OSError if the state directory is gone."""
        layout.lock(self._state_dir).lstat()
        who = holder(self._state_dir)
        known = self._elsewhere
        if who is None:
            elsewhere = None
            self._next_read = self._next_read if known is None else 0.0  # its last checkpoint is worth it
        elif known is not None and (who.pid, who.since) == (known.pid, known.since) and now < self._next_check:
            return
        else:
            self._next_check = now + CHECK
            self._last_pid = who.pid
            elsewhere = Elsewhere(who.pid, who.since, obstacle(self._state_dir, who), who.elsewhere)
        self._changed |= elsewhere != known
        self._elsewhere = elsewhere

    def _read(self, now: float) -> None:
        """Take everything anew."""
        now_there = stamp(self._state_dir)
        try:
            store = opening.read_store(self._state_dir)
        finally:
            self._next_read = now + max(LOOK, SHARE * (time.monotonic() - now))
        if store is None and self._ledger is not None:
            raise StoreError(f"view: {self._state_dir}: it was removed. {LAST_SEEN}")
        if store is None:  # it is just being made
            return
        self._stamp, self._positions = now_there, store.folded
        self._ledger = ledger = store.ledger
        self._target = Path(store.meta.target or self._target)
        self._code = store.meta.code or store.meta.module_hash
        self._chosen = store.meta.chosen
        self._codes = frozenset(grown_from(self._state_dir, self._code))
        self._running = {run.id for run in having(ledger.runs, "running")}
        self._foresight.forget()
        self._remember(ledger)

    def _follow(self, ledger: Ledger) -> None:
        """Take in what was appended, the runner's segments last: what it writes comes after what it has read."""
        records: list[Record] = []
        names = opening.segments(layout.journal(self._state_dir))
        for name in sorted(names, key=lambda name: ("-runner-" in name, name)):
            records += self._appended(name)
        self._positions = {name: self._positions[name] for name in names if name in self._positions}
        records = [record for record in map(opening.as_today, records) if not isinstance(record, Checkpointed)]
        if not records:
            return
        try:
            ledger.apply_all(records)
        except (IllegalTransitionError, IndexError):  # they belong to a checkpoint that has not been read yet
            self._stamp = None
            return
        for record in records:
            if not isinstance(record, RunRecord):
                continue
            run = ledger.run(record.run)
            if isinstance(run.status, s.Running):
                self._running.add(record.run)
            else:
                self._running.discard(record.run)
            self._foresight.learn(record, run)
            self._sampling.learn(record, run)
        self._remember(ledger)

    def _appended(self, name: str) -> Iterable[Record]:
        path, position = layout.journal(self._state_dir) / name, self._positions.get(name, 0)
        try:
            if path.lstat().st_size <= position:
                return ()
            tail = Tail(path, position, sampled=True)
        except FileNotFoundError:  # it has gone just now
            return ()
        try:
            records = list(tail.read(self._buffer))
            self._positions[name] = tail.position
        finally:
            tail.close()
        return records

    def _remember(self, ledger: Ledger) -> None:
        self._changed = True
        if ledger.notes:  # a checkpoint forgets them, the reader shall not
            self._notes = tuple(dict.fromkeys((*self._notes, *ledger.notes)))[-NOTES:]
            ledger.notes = ()

    def _end(self, ledger: Ledger) -> None:
        """Nobody runs it: what was cut off without a word is told as the next start will tell it."""
        self._changed |= settle(ledger)
        self._running.clear()

    # --- what is told --------------------------------------------------------------------------------------------

    def _phase(self, now: float) -> Phase:
        if self._elsewhere is None:
            return "idle"
        if self._ledger is None:
            return "opening"
        if self._running or isinstance(self._ledger.hook.status, s.HookRunning):
            self._active_at = now
        return "busy" if now < self._active_at + REST else "idle"

    def _idle_reason(self) -> str:
        if self._elsewhere is None:
            return f"process {self._last_pid} has ended" if self._last_pid else "nobody runs it"
        return "nothing runs at the moment"

    def _slots(self, ledger: Ledger) -> tuple[Slot, ...]:
        running = [ledger.run(number) for number in self._running]
        slots = [
            Slot(run.status.slot, run.status.pid, "running", run.status.since, run.id, host=elsewhere_of(run.host))
            for run in running
            if isinstance(run.status, s.Running)
        ]
        return tuple(sorted(slots, key=lambda slot: (slot.number, slot.since)))

    def _workers(self) -> int:
        return max(len(self._running), workers_of(self._chosen))

    def _forecast(self, ledger: Ledger, slots: tuple[Slot, ...]) -> Forecast | None:
        running = [slot.run for slot in slots if slot.run]
        longest = longest_of(self._chosen.timeout, self._chosen.retries)
        return self._foresight.look(ledger, running, lambda: waiting_of(ledger), self._workers(), longest=longest)

    def _publish(self, phase: Phase) -> None:
        self._changed = False
        ledger = self._ledger
        told = Snapshot(
            serial=self._snapshot.serial + 1,
            at=time.time(),
            title=self._target.stem,
            target=self._target,
            code=self._code,
            codes=self._codes,
            args=self._chosen.args or (),
            state_dir=self._state_dir,
            phase=phase,
            workers=self._workers() if ledger is not None else 0,
            notes=self._notes,
            samples=self._sampling.samples(),
            idle_reason=self._idle_reason() if phase == "idle" else "",
            failure=self._failure,
            elsewhere=self._elsewhere,
        )
        if ledger is not None:
            slots = self._slots(ledger)
            told = msgspec.structs.replace(
                told,
                instances=ledger.instances,
                runs=ledger.runs.freeze(),
                rows=ledger.rows.freeze(),
                runs_of=ledger.runs_of,
                counts=ledger.counts,
                aside=ledger.aside,
                slots=slots,
                done_hook=ledger.hook,
                forecast=self._forecast(ledger, slots) if phase == "busy" else None,
                saved_at=ledger.saved_at,
            )
        self._snapshot = told
