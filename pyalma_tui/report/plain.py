"""Without a screen: lines as things happen, or JSON lines."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, Queue
from typing import IO

import msgspec

from pyalma_tui.model import ending, jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.ending import is_full
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.model.printable import printable
from pyalma_tui.model.records import (
    DoneRaised,
    DoneReturned,
    DoneStarted,
    Note,
    Progressed,
    Record,
    Reset,
    Restored,
    Saved,
    Started,
)
from pyalma_tui.model.words import duration, plural, run_name
from pyalma_tui.report.facts import NULL
from pyalma_tui.report.summary import state_line
from pyalma_tui.runner.snapshot import Change, Conductor, Snapshot

POLL = 0.2  # seconds between two looks
GATHER = 0.02  # seconds in which changes gather before they are printed together
SAVES_EVERY = 1.0  # seconds between two lines about the saves of one run
TOGETHER = 500  # lines that are written at once
WAITING = 50_000  # changes that wait to be printed, some 50 MB


class FallibleStream:
    """A stream that may go away: then the experiment goes on and nobody is told."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []  # that wait to be written: a system call for each would slow down short runs
        self.gone = False
        self.full = ""  # why, if there was no room for what was to be written

    def line(self, text: str) -> None:
        """Write one line, whole; it is seen at the next flush, at the latest."""
        self._lines.append(text)
        if len(self._lines) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Let what was written be seen, whatever the stream does by itself: PYTHONUNBUFFERED is common."""
        lines, self._lines = self._lines, []
        if lines:
            self.attempt(lambda: self._stream.write("\n".join([*lines, ""])))
            self.attempt(self._stream.flush)

    def attempt(self, act: Callable[[], object]) -> None:
        """Do something that writes to it."""
        if self.gone:
            return
        try:
            act()
        except (OSError, ValueError) as error:  # a closed pipe, a terminal that hung up, or a full disk
            self.gone = True
            if isinstance(error, OSError) and is_full(error.errno):
                self.full = os.strerror(error.errno or 0)
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class Event(msgspec.Struct, frozen=True):
    """One line of `--json`; `time` in seconds of the epoch, `run` and what belongs to it null for other events."""

    event: str
    run: int | None
    instance: str | None
    iteration: int | None
    status: str | None
    state: msgspec.Raw
    time: float


class Changes:
    """What the runner tells, handed from its thread to ours.

    Where nobody reads what we print, as in a pager that was stopped, changes wait here: a number of them, those after
    them are only counted, and told in a note where they would stand.
    """

    def __init__(self, most: int = WAITING) -> None:
        # not a SimpleQueue: of CPython 3.11 that waits for ever if a signal comes just when its timeout is over
        self._queue: Queue[Sequence[Change]] = Queue()
        self._most = most
        self._put = self._taken = 0  # each counted by one thread
        self._left_out = 0
        self._counting = threading.Lock()

    def put(self, changes: Sequence[Change]) -> None:
        """The listener of a runner."""
        if self._put - self._taken >= self._most:
            with self._counting:
                self._left_out += len(changes)
            return
        if self._left_out:
            self._queue.put(self._told())
        self._put += len(changes)
        self._queue.put(changes)

    def take(self, timeout: float) -> Iterator[Change]:
        """What has come; waits for the first so long, then a moment for those that come with it."""
        try:
            yield from self._counted(self._queue.get(timeout=timeout))
            if timeout:  # woken for each of thousands a second, we would take the interpreter from the runner
                time.sleep(GATHER)
            while True:
                yield from self._counted(self._queue.get_nowait())
        except Empty:
            if self._left_out:
                yield from self._told()

    def _counted(self, changes: Sequence[Change]) -> Iterator[Change]:
        for change in changes:
            yield change
            self._taken += 1

    def _told(self) -> list[Change]:
        with self._counting:
            number, self._left_out = self._left_out, 0
        text = f"{plural(number, 'line')} left out: nobody took them. `status` tells where all stands"
        return [(Note(time.time(), text), None)] if number else []


def follow(
    conductor: Conductor,
    changes: Changes,
    show: Callable[[Change, Snapshot], None],
    over: Callable[[], bool],
    settle: Callable[[], None] = lambda: None,
) -> Snapshot:
    """Show changes until nothing runs any more or the runner has closed; `over` tells that it should be left early.

    `settle` is called after each handful of changes.
    """
    while True:
        snapshot = conductor.snapshot()
        at_rest = snapshot.phase in ("idle", "closed") or over()
        for change in changes.take(0.0 if at_rest else POLL):
            show(change, snapshot)
            at_rest = False
        settle()
        if at_rest:
            return snapshot


def json_printer(output: FallibleStream, *, to_ascii: bool) -> Callable[[Change, Snapshot], None]:
    """Print every change as one JSON object."""

    def show(change: Change, snapshot: Snapshot) -> None:
        record, run = change
        if isinstance(record, Progressed):
            return
        name = snapshot.instances[run.instance].label if run else None
        state = NULL if run is None or run.state is None else msgspec.Raw(run.state)
        event = Event(
            event=record.__struct_config__.tag if isinstance(record.__struct_config__.tag, str) else "",
            run=run.id if run else None,
            instance=name,
            iteration=run.iteration if run else None,
            status=s.word(run.status) if run else None,
            state=state,
            time=round(time.time(), 3),
        )
        told = jsontext.encode(event if run or not isinstance(record, Note) else _note(record))
        output.line(escaped(told.decode(), to_ascii=to_ascii))

    return show


def _note(record: Note) -> dict[str, object]:
    empty = dict.fromkeys(("run", "instance", "iteration", "status", "state"))
    return {"event": "note", **empty, "time": round(record.at, 3), "text": printable(record.text)}


def line_printer(output: FallibleStream) -> Callable[[Change, Snapshot], None]:
    """Print changes as lines without control characters: `11:02:07 uf20-01.cnf  done in 3.2 s`."""
    describe = Describer()

    def show(change: Change, snapshot: Snapshot) -> None:
        said = describe(change, snapshot)
        if said is not None:
            output.line(f"{time.strftime('%H:%M:%S')} {said[1]}")

    return show


class Describer:
    """Words for a change; of the saves of one run at most one a second."""

    def __init__(self) -> None:
        self._said: dict[int, float] = {}

    def __call__(self, change: Change, snapshot: Snapshot) -> tuple[str, str] | None:
        record, run = change
        if run is None:
            return _general(record)
        if isinstance(record, Progressed):
            return None
        if isinstance(record, Saved):
            now = time.monotonic()
            if now - self._said.get(run.id, 0.0) < SAVES_EVERY:
                return None
            self._said[run.id] = now
        word = s.word(run.status)
        return word, f"{printable(run_label(run, snapshot))}  {_what(record, run)}"


def _general(record: Record) -> tuple[str, str] | None:
    match record:
        case Note(text=text):
            return "note", printable(text)
        case DoneStarted(call=call):
            return "running", "done()  called" + (f" for the {call}. time" if call > 1 else "")
        case DoneReturned(seconds=seconds):
            return "done", f"done()  returned after {duration(seconds)}"
        case DoneRaised(error=error):
            return "failed", f"done()  failed: {printable(error.message)}"
    return None


def run_label(run: Run, snapshot: Snapshot) -> str:
    """What a run is called."""
    return run_name(snapshot.instances[run.instance].label, run.iteration, len(snapshot.runs_of[run.instance]))


def _what(record: Record, run: Run) -> str:
    state = f"  state {state_line(run.state, 60)}" if run.state is not None else ""
    if isinstance(record, Saved):
        return f"saved{state}"
    if isinstance(record, Started):
        again = f" again, attempt {run.attempt}" if run.attempt > 1 else ""
        return f"running{again}{state}"
    if isinstance(record, Reset):
        return "forgotten, runs anew"
    if isinstance(record, Restored):
        return f"{s.word(run.status)} as before it was forgotten{state}"
    match run.status:
        case s.Done():
            return f"done in {duration(run.seconds)}{state}"
        case s.Failed(error=error):
            return f"failed: {printable(error.message)}{state}"
        case s.Interrupted(why=why):
            return f"interrupted{'' if why == ending.INTERRUPTED else f' ({printable(why)})'}{state}"
    return s.word(run.status)
