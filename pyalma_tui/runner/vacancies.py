"""Workers that do not come: what is tried instead, and when the others go on without them, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator

from pyalma_tui.errors import LoadError, ShortageError
from pyalma_tui.model.words import plural
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.state import Calling, Coming, Ready, Running, State
from pyalma_tui.runner.steps import block

MEND = "What was saved is kept; mend it, then start again"


def not_born(worker: int, why: str, state: State, clock: Clock, *, later: bool) -> Iterator[Instruction]:
    if (seat := state.seat_of(worker)) is not None:
        del state.seats[seat.slot]
    if later:
        yield from try_later(why, state, clock)
    elif there := len(state.seated(Ready, Running, Calling)):
        state.workers = there
        yield i.Say(f"no more workers can be started ({why}): {_go_on(there)}")
    else:
        yield from block(ShortageError(f"no worker can be started: {why}"), f"no worker can be started: {why}", state)


def _go_on(workers: int) -> str:
    return f"{plural(workers, 'worker')} {'goes' if workers == 1 else 'go'} on"


def try_later(why: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """None could be started, or could start its thread: it waits, unless this is the start and nobody is coming."""
    if state.closing:
        return
    if not (state.came or state.seated(Coming)):
        yield from block(ShortageError(why), f"no worker can be started: {why}", state)
    elif state.starting.short(clock.now):
        yield i.Say(f"no worker can be started at the moment ({why}): it is tried again until one can")


def never_loaded(said: str, why: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """One did not come to load the module: another is tried, and after some the others go on without it."""
    if state.closing:  # it is not needed any more
        return
    others = len(state.seated(Ready, Running, Calling))
    if not state.starting.died(clock.now):
        yield i.Say(f"{said}; another one is started")
    elif others:
        yield i.Say(f"no more workers can be started: {said}; {_go_on(others)}")
    else:
        yield from block(LoadError(f"module: {why}. {MEND}"), f"no worker can be started: {said}", state)
