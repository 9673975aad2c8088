"""What is taken back of what a person did to runs: the newest step first, as far as its runs have not begun since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyalma_tui.model import status as s
from pyalma_tui.model.completion import identity_of, taken_back
from pyalma_tui.model.experiment import what_was
from pyalma_tui.model.records import Restored
from pyalma_tui.model.words import plural
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.removing import put_back
from pyalma_tui.runner.state import Forgot, PutFirst, Removed, Retried, State, Step
from pyalma_tui.runner.steps import all_done, labels

REMEMBERED = 100  # steps


def remember(step: Step, state: State) -> None:
    """A person has done this just now; what concerns no run is nothing to take back."""
    if step.runs:
        state.undoable = [*state.undoable, step][-REMEMBERED:]


def undo(state: State, clock: Clock) -> Iterator[Instruction]:
    """Take back the newest step, and say what that was, or why it cannot be."""
    if not state.undoable:
        yield i.Say("nothing to undo: nothing was forgotten, retried, put first or removed in this session")
        return
    step = state.undoable[-1]
    state.undoable = state.undoable[:-1]
    match step:
        case Forgot():
            yield from _remember_again(step, state, clock)
        case Removed():
            yield from put_back(step, state)
        case Retried(runs):
            back = _let_go(runs, state)
            yield from _told("retry", back, runs, state)
        case PutFirst(runs, first, added):
            back = [run for run in runs if run in state.queue]
            state.queue.prefer(first)
            _let_go(added, state)
            yield from _told("run next", back, runs, state)


def _remember_again(step: Forgot, state: State, clock: Clock) -> Iterator[Instruction]:
    """Let the runs be what they were before they were reset, those that still are what that has made of them."""
    forgotten = state.ledger.forgotten
    back = [run for run in state.standing(step.runs, s.Pending) if run in forgotten]
    for run in back:
        attempt = state.ledger.run(run).attempt + 1
        restored = Restored(run, attempt, clock.at, what_was(forgotten[run]))
        yield i.Write(restored, state.ledger.apply(restored))  # a failure that was told already is no new one
        if run not in step.waited:
            state.queue.discard(run)
    if state.ledger.hook.calls and all_done(state):
        done = identity_of(state.ledger.run(run) for run in state.order)
        state.ledger.hook = taken_back(state.ledger.hook, done)
    yield from _told("forget", back, step.runs, state)


def _let_go(runs: Sequence[int], state: State) -> list[int]:
    """Those of the runs that still wait do so no more."""
    return [run for run in runs if state.queue.discard(run)]


def _told(what: str, back: Sequence[int], runs: Sequence[int], state: State) -> Iterator[Instruction]:
    late = len(runs) - len(back)
    have = "has" if late == 1 else "have"
    if not back:
        yield i.Say(f"{what} cannot be undone: {labels(runs, state)} {have} begun since, or been changed otherwise")
    else:
        but = f"; {plural(late, 'run')} {have} begun since" if late else ""
        yield i.Say(f"undone: {what} of {labels(back, state)}{but}")
