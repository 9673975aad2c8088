"""The code of a session is renewed while it runs: an agent that imports the module as it is now serves from then on.

What is called goes on with the code that it has, and its worker ends with it; what is begun from then on has the new
code. A module that cannot be imported changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import PurePath

from pyalma_tui.model.completion import offered
from pyalma_tui.model.words import plural
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.state import Calling, Coming, Present, Running, State
from pyalma_tui.runner.steps import dismiss
from pyalma_tui.runner.workers.protocol import NotRenewed, Renewed


def renew(command: c.Renew, state: State) -> Iterator[Instruction]:
    """Let the module be imported as it is now."""
    if state.closing:
        return
    if not state.policy.renews:
        yield i.Say("not on other hosts: start again, and the module as it is now is imported. Nothing was called")
        return
    state.renewing = command
    yield i.Say(f"importing {_name(state)} as it is now; what runs goes on with the code that it has")
    yield i.RenewAgent()


def do_nothing_then(state: State) -> None:
    """Everything was interrupted: what is being imported is imported, and nothing is called with it."""
    if state.renewing is not None:
        state.renewing = c.Renew(None)


def renewed(event: Renewed, state: State, clock: Clock) -> Generator[Instruction, None, c.Command | None]:
    """Begin with the new code from now on; what is to be done with it."""
    then, state.renewing = state.renewing.then if state.renewing is not None else None, None
    loaded = event.loaded
    state.generation += 1
    state.agent, state.has_done = Present(), loaded.has_done
    state.ledger.hook = offered(state.ledger.hook, loaded.has_done)
    state.starting.anew()
    for seat in state.seated(Coming):  # they import, or are forks of, what was there before
        yield from dismiss(seat, state, clock)
    left = len(state.seated(Running, Calling))
    still = f"; {plural(left, 'call goes', 'calls go')} on with that of before" if left else ""
    yield i.Say(f"{_name(state)} was imported as it is now: what is begun from now on has this code{still}")
    if loaded.unforkable:
        yield i.Say(f"each worker imports the module by itself: {loaded.unforkable}")
    return then


def not_renewed(event: NotRenewed, state: State) -> Iterator[Instruction]:
    """Go on as before, and do nothing of what was to be done with the new code."""
    wanted, state.renewing = state.renewing, None
    nothing = "; nothing was called again" if wanted is not None and wanted.then is not None else ""
    yield i.Say(f"not imported: {event.error.message}. The session keeps the code that it has{nothing}")


def _name(state: State) -> str:
    return PurePath(state.policy.module).name
