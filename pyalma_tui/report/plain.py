"""Without a screen: lines as things happen, in a terminal with a few live lines below them, or JSON lines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import IO

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.model.records import (
    DoneRaised,
    DoneReturned,
    DoneStarted,
    Note,
    Progressed,
    Record,
    Reset,
    Saved,
    Started,
)
from pyalma_tui.model.status_style import STYLES, StatusStyle
from pyalma_tui.report.facts import NULL
from pyalma_tui.report.summary import duration, state_line
from pyalma_tui.runner.snapshot import Change, Conductor, Snapshot

POLL = 0.2  # seconds between two looks
GATHER = 0.02  # seconds in which changes gather before they are printed together
SAVES_EVERY = 1.0  # seconds between two lines about the saves of one run
BUSY_ROWS = 8
OF_NOTES = StatusStyle(" ", "dim")


class Output:
    """A stream that may go away: then the experiment goes on and nobody is told."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.gone = False

    def line(self, text: str) -> None:
        """Write one line, whole; it is seen at the next flush."""
        self.attempt(lambda: self._stream.write(text + "\n"))

    def flush(self) -> None:
        """Let what was written be seen: once for many lines, or printing would slow down short runs."""
        self.attempt(self._stream.flush)

    def attempt(self, act: Callable[[], object]) -> None:
        """Do something that writes to it."""
        if self.gone:
            return
        try:
            act()
        except (OSError, ValueError):  # a closed pipe, or a terminal that hung up
            self.gone = True
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
    """What the runner tells, handed from its thread to ours."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Sequence[Change]] = SimpleQueue()

    def put(self, changes: Sequence[Change]) -> None:
        """The listener of a runner."""
        self._queue.put(changes)

    def take(self, timeout: float) -> Iterator[Change]:
        """What has come; waits for the first so long, then a moment for those that come with it."""
        try:
            yield from self._queue.get(timeout=timeout)
            if timeout:  # woken for each of thousands a second, we would take the interpreter from the runner
                time.sleep(GATHER)
            while True:
                yield from self._queue.get_nowait()
        except Empty:
            return


def follow(
    conductor: Conductor,
    changes: Changes,
    show: Callable[[Change, Sequence[Instance]], None],
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
            show(change, snapshot.instances)
            at_rest = False
        settle()
        if at_rest:
            return snapshot


def json_printer(output: Output) -> Callable[[Change, Sequence[Instance]], None]:
    """Print every change as one JSON object."""

    def show(change: Change, instances: Sequence[Instance]) -> None:
        record, run = change
        if isinstance(record, Progressed):
            return
        name = instances[run.instance].label if run else None
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
        output.line(jsontext.encode(event if run or not isinstance(record, Note) else _note(record)).decode())

    return show


def _note(record: Note) -> dict[str, object]:
    empty = dict.fromkeys(("run", "instance", "iteration", "status", "state"))
    return {"event": "note", **empty, "time": round(record.at, 3), "text": printable(record.text)}


def line_printer(output: Output) -> Callable[[Change, Sequence[Instance]], None]:
    """Print changes as lines without control characters: `11:02:07 uf20-01.cnf  done in 3.2 s`."""
    describe = _Describer()

    def show(change: Change, instances: Sequence[Instance]) -> None:
        said = describe(change, instances)
        if said is not None:
            output.line(f"{time.strftime('%H:%M:%S')} {said[1]}")

    return show


class _Describer:
    """Words for a change; of the saves of one run at most one a second."""

    def __init__(self) -> None:
        self._said: dict[int, float] = {}

    def __call__(self, change: Change, instances: Sequence[Instance]) -> tuple[str, str] | None:
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
        name = printable(instances[run.instance].label)
        iteration = f" [{run.iteration}]" if run.iteration else ""
        return word, f"{name}{iteration}  {_what(record, run)}"


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


def _what(record: Record, run: Run) -> str:
    state = f"  state {state_line(run.state, 60)}" if run.state is not None else ""
    if isinstance(record, Saved):
        return f"saved{state}"
    if isinstance(record, Started):
        again = f" again, attempt {run.attempt}" if run.attempt > 1 else ""
        return f"running{again}{state}"
    if isinstance(record, Reset):
        return "forgotten, runs anew"
    match run.status:
        case s.Done(duration=seconds):
            return f"done in {duration(seconds)}{state}"
        case s.Failed(error=error):
            return f"failed: {printable(error.message)}{state}"
        case s.Interrupted(why=why):
            return f"interrupted ({why}){state}"
    return s.word(run.status)


def follow_live(conductor: Conductor, changes: Changes, console: Console, over: Callable[[], bool]) -> Snapshot:
    """In a terminal: lines scroll above a bar and the busy runs."""
    describe = _Describer()
    with Live(console=console, refresh_per_second=4, transient=True) as live:

        def show(change: Change, instances: Sequence[Instance]) -> None:
            said = describe(change, instances)
            if said is not None and not isinstance(change[0], Saved):
                word, text = said
                style = STYLES.get(word, OF_NOTES)
                glyph = Text(f"{style.glyph} ", style=style.colour)
                live.console.print(Text(time.strftime("%H:%M:%S "), style="dim") + glyph + Text(text))

        while True:
            snapshot = conductor.snapshot()
            live.update(_live(snapshot, console.width))
            over_now = over()
            followed = follow(conductor, changes, show, lambda: True)
            if followed.phase in ("idle", "closed") or over_now:
                return followed
            time.sleep(POLL)


def _live(snapshot: Snapshot, width: int) -> RenderableType:
    counts = snapshot.counts
    head = Table.grid(padding=(0, 1))
    left = f"~{duration(snapshot.forecast.middle)} left" if snapshot.forecast else "time left unknown"
    head.add_row(
        Text(f"{counts.done:,}/{counts.total:,} runs"),
        ProgressBar(total=max(1, counts.total), completed=counts.done, width=min(40, width // 3)),
        Text(f"{counts.failed} failed" if counts.failed else "", style="red"),
        Text((snapshot.not_saved and f"NOT SAVED {snapshot.not_saved}") or left, style="dim"),
    )
    rows = Table.grid(padding=(0, 1))
    busy = [slot for slot in snapshot.slots if slot.run]
    for slot in busy[:BUSY_ROWS]:
        run = snapshot.runs[(slot.run or 1) - 1]
        rows.add_row(
            Text(STYLES["running"].glyph, style=STYLES["running"].colour),
            Text(clip(printable(snapshot.instances[run.instance].label), 40)),
            Text(duration(max(0.0, time.time() - slot.since)), style="dim"),
            Text(state_line(run.state, 30)),
            Text(f"stopping: {slot.stopping.step}" if slot.stopping else "", style="yellow"),
        )
    more = Text(f"… and {len(busy) - BUSY_ROWS} more" if len(busy) > BUSY_ROWS else "", style="dim")
    return Group(head, rows, more)
