"""Steps that several decisions take: each changes the state and says what follows from that."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from pyalma_tui.errors import PyalmaError, StoreError
from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import cut_off as cut_off_hook
from pyalma_tui.model.hook_text import UNSURE
from pyalma_tui.model.printable import clip_middle
from pyalma_tui.model.records import Record
from pyalma_tui.model.words import plural, run_name
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.retries import CRASHES
from pyalma_tui.runner.state import Calling, Coming, Doing, Leaving, Running, Seat, State
from pyalma_tui.runner.stop import Stop

PRESSED = 1.5  # seconds that a worker gets to end as a Python program does; then it gets SIGINT
GOODBYE = 2.0  # seconds until it is killed
NAMED = 3  # runs that a message names
LONGEST_NAME = 60  # cells of each
MAKE_ROOM = "make room or allow writing, then start again"


def turn(seat: Seat, state: State, clock: Clock, doing: Doing, *, served: int = 0) -> None:
    """Let a worker begin something else; `served` more calls of user code than before."""
    state.seats[seat.slot] = replace(
        seat, doing=doing, began=clock.now, since=clock.at, stop=None, served=seat.served + served
    )


def leave(seat: Seat, state: State) -> None:
    """A worker is gone: its slot is free, and what lay ready for it waits again."""
    del state.seats[seat.slot]
    if seat.ahead is not None:
        state.queue.add([seat.ahead.run])


def dismiss(seat: Seat, state: State, clock: Clock) -> Iterator[Instruction]:
    """Let a worker end that calls nothing; its slot is free when it is gone."""
    came = not isinstance(seat.doing, Coming)
    turn(seat, state, clock, Leaving(came=came))
    yield i.Give(seat.worker, m.Exit())
    if not came:  # it may be importing, which may take long, and nothing is lost with it
        yield i.SendSignal(seat.worker, signal.SIGINT)


def all_done(state: State) -> bool:
    """Whether every run of today's batch is done."""
    counts = state.ledger.counts
    if counts.done == counts.total:
        return counts.total > 0
    if len(state.queue) or state.retries or any(seat.run for seat in state.seats.values()):
        return False
    order = state.order
    if not 0 < len(order) <= counts.done + state.ledger.aside.done:
        return False
    return len(state.ledger.standing(order, "done")) == len(order)


def stop(seat: Seat, step: Stop, state: State) -> Iterator[Instruction]:
    """Take a step of the stop protocol; done() has no save(), so it gets the grace to end by itself."""
    state.seats[seat.slot] = replace(seat, stop=step)
    match seat.doing:
        case Running(run, attempt):
            pass
        case Calling(call):
            run, attempt = 0, call
        case _:
            raise AssertionError("only user code is stopped")
    match step.step:
        case "asked":
            yield i.Ask(seat.worker, m.InterruptAttempt(run, attempt, step.timeout))
        case "SIGINT":
            yield i.Ask(seat.worker, m.Signalled(run, attempt))
            yield i.SendSignal(seat.worker, signal.SIGINT)
        case "SIGTERM":
            yield i.Ask(seat.worker, m.Signalled(run, attempt))
            yield i.SendSignal(seat.worker, signal.SIGTERM, group=True)
        case "SIGKILL":
            yield i.SendSignal(seat.worker, signal.SIGKILL, group=True)


def is_wished(seat: Seat) -> bool:
    """Whether somebody wishes that what it calls stops."""
    return seat.stop is not None and seat.stop.wished


def write(record: Record, state: State, clock: Clock) -> Iterator[Instruction]:
    """Record something of a run, or of done()."""
    run = state.ledger.apply(record)
    yield i.Write(record, run)
    if run is not None and isinstance(run.status, s.Failed):
        yield from after_failure(run.id, state, clock)


def after_failure(run: int, state: State, clock: Clock) -> Iterator[Instruction]:
    """A run has failed: it is tried again later if it may be."""
    wanted = not state.gate.halted and state.retries.failed(run, clock.now)
    if wanted and state.retries.is_deadly(run):
        yield i.Say(f"{label(run, state)} is not tried again by itself: it ended {CRASHES} workers")


def cut_off(why: str, state: State) -> Iterator[Instruction]:
    """done() began, and nobody knows how it ended."""
    if isinstance(state.ledger.hook.status, s.HookRunning):
        state.ledger.hook = cut_off_hook(state.ledger.hook)
        yield i.Say(f"done() was cut off ({why}); {UNSURE}")


def block(error: PyalmaError, said: str, state: State) -> Iterator[Instruction]:
    """Begin nothing more, for this reason; if something holds it up already, that stays the reason."""
    if state.gate.blocked is None:
        state.gate = replace(state.gate, blocked=error)
        yield i.Say(said)


def not_saved(what: str, refused: m.Refused, state: State, clock: Clock) -> Iterator[Instruction]:
    """The disk refused something: nothing is begun only to be refused as well."""
    yield i.NotSaved(refused.why)
    if refused.room:
        state.room.refused(clock.now)
    later = "; what it has interrupted goes on by itself when there is room" if refused.room else ""
    error = StoreError(f"NOT SAVED: {what}: {refused.why}; {MAKE_ROOM}")
    yield from block(error, f"nothing more is started: {refused.why}{later}", state)


def labels(runs: Sequence[int], state: State) -> str:
    """How many runs these are, and what they are called: `4 runs (g003#6, g003#9, g006#2, …)`."""
    names = [label(run, state) for run in runs[:NAMED]]
    return f"{plural(len(runs), 'run')} ({', '.join(names)}{', …' * (len(runs) > NAMED)})"


def label(run: int, state: State) -> str:
    """What a run is called in a message."""
    known, ledger = state.ledger.run(run), state.ledger
    name = run_name(ledger.instances[known.instance].label, known.iteration, len(ledger.runs_of[known.instance]))
    return clip_middle(name, LONGEST_NAME)
