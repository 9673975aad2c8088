"""Instances are taken out of an experiment while it is run, and put back as long as the session lasts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from pyalma_tui.model import status as s
from pyalma_tui.model.completion import concerning, identity_of
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.printable import clip_middle
from pyalma_tui.model.words import plural
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Instruction
from pyalma_tui.runner.state import Removed, State
from pyalma_tui.runner.steps import LONGEST_NAME, all_done, labels
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.planning import with_again, without

NAMED = 3  # instances


def remove(numbers: Sequence[int], state: State) -> Iterator[Instruction]:
    """Take these instances out, unless one of their runs is being called; what they were can be taken back."""
    ledger = state.ledger
    instances = [each for number in numbers if not (each := ledger.instances[number]).removed]
    runs = [run for each in instances for run in ledger.runs_of[each.id]]
    taken = {run for seat in state.seats.values() for run in seat.runs}
    if busy := [run for run in runs if run in taken]:
        are = "is" if len(busy) == 1 else "are"
        yield i.Say(f"nothing removed: {labels(busy, state)} {are} running; interrupt first")
        return
    if not instances:
        return
    were = tuple(ledger.run(run) for run in runs)
    waited = tuple(run for run in runs if state.queue.discard(run))
    state.undoable = [*state.undoable, Removed(tuple(instances), were, waited)]
    left = without(ledger, [each.id for each in instances])
    for run in were:
        left.forgotten.setdefault(run.id, run)  # so that its rows stay where they are
    _replace(left, state, state.out.union(runs))
    yield i.Replan()
    yield i.Say(f"removed {_named(instances)}; u puts them back while this session lasts")


def put_back(step: Removed, state: State) -> Iterator[Instruction]:
    """Let instances that were taken out be what they were; nothing of them can have begun since."""
    whole = with_again(state.ledger, step.instances, step.were)
    for run in step.were:
        if whole.forgotten.get(run.id) is run:
            del whole.forgotten[run.id]
    _replace(whole, state, state.out.difference(step.runs))
    state.queue.add(step.waited)
    yield i.Replan()
    yield i.Say(f"undone: removal of {_named(step.instances)}")


def _replace(ledger: Ledger, state: State, out: frozenset[int]) -> None:
    state.ledger, state.out = ledger, out
    state.order = [run for run in state.queue.planned if run not in out]
    hook = ledger.hook
    results = identity_of(map(ledger.run, state.order)) if all_done(state) else ""
    if isinstance(hook.status, s.HookRunning):  # for the results that there were
        ledger.hook = replace(hook, ahead=hook.identity != results)
    elif hook.calls:
        ledger.hook = concerning(hook, results)


def _named(instances: Iterable[Instance]) -> str:
    names = [clip_middle(each.label, LONGEST_NAME) for each in instances]
    return f"{plural(len(names), 'instance')} ({', '.join(names[:NAMED])}{', …' * (len(names) > NAMED)})"
