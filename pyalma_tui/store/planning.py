"""Which runs there are: those of a new experiment, and those that today's batch adds to what is remembered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.completion import concerning, identified, identity_of, offered
from pyalma_tui.model.experiment import Run, anew, cut_off, has_result
from pyalma_tui.model.instance import Instance, compact, equal, in_batch
from pyalma_tui.model.plan import Grid, dispatch_order, grow, plan, refuse_too_many
from pyalma_tui.model.words import plural
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.opening import Store


class Planned(msgspec.Struct, frozen=True):
    """What a start is about: the ledger, today's batch as instance ids, and its runs in the order of their dispatch.

    `growth` tells how the batch differs from the last one, in words.
    """

    ledger: Ledger
    batch: Sequence[int]
    order: Sequence[int]
    iterations: int
    seed: int
    growth: str = ""


def plan_start(
    store: Store | None,
    batch: Sequence[Instance] | None,
    iterations: int | None,
    seed: int | None,
    target: Path,
    *,
    has_done: bool,
) -> Planned:
    """What to run now, and where done() stands for it; `store` is what is remembered, which nobody else runs.

    `batch` are today's instances, None for those that are remembered; `iterations` and `seed` are None where nobody
    says. `target` is who is told of too many runs. Raises InputError.
    """
    growth = ""
    if store is not None:
        planned = _planned(store.ledger, store.meta.iterations)
        store.ledger.hook = identified(cut_off(store.ledger.hook), planned)
    if store is None or not store.meta.session:
        instances = compact(batch or ())
        iterations = iterations or 1
        seed = seed if seed is not None else int.from_bytes(os.urandom(4), "big")
        refuse_too_many(target, len(instances), iterations)
        ledger = new_ledger(instances, iterations, seed)
        numbers: Sequence[int] = range(len(instances))
    else:
        iterations = iterations or store.meta.iterations
        seed = store.meta.seed
        today = in_batch(store.ledger.instances) if batch is None else batch
        refuse_too_many(target, len(today), iterations)
        ledger, numbers, change = merge(store.ledger, today, iterations, seed)
        growth = change.text
    as_planned = isinstance(ledger.runs_of, Grid)
    order = dispatch_order(ledger.runs.freeze(), numbers, iterations, as_planned=as_planned)
    ledger.hook = offered(concerning(ledger.hook, _completed(ledger, order)), has_done)
    return Planned(ledger, numbers, order, iterations, seed, growth)


def _planned(ledger: Ledger, iterations: int) -> Iterator[Run]:
    """The runs that were planned when this was written."""
    batch = [instance.in_batch for instance in ledger.instances]
    return (run for run in ledger.runs if batch[run.instance] and run.iteration < iterations)


def _completed(ledger: Ledger, order: Iterable[int]) -> str:
    """The identity of all results that are planned, "" as long as some are not there or done() was never called."""
    planned = [ledger.run(number) for number in order] if ledger.hook.calls else []
    return identity_of(planned) if planned and all(isinstance(run.status, s.Done) for run in planned) else ""


def new_ledger(instances: Sequence[Instance], iterations: int, seed: int) -> Ledger:
    """The ledger of an experiment that starts now."""
    return Ledger(instances, plan(len(instances), iterations, seed), s.DoneHook())


class Growth(msgspec.Struct, frozen=True):
    """How today's batch differs from what the store remembers: instances, and the runs that are new.

    Of those that are not in the batch any more, what `left` has done or saved is kept; `forgotten` ones had nothing.
    """

    added: int = 0
    left: int = 0
    forgotten: int = 0
    back: int = 0
    runs: int = 0

    @property
    def text(self) -> str:
        """The difference in words, "" if there is none."""
        parts = []
        if self.added:
            parts.append(plural(self.added, "new instance"))
        if self.left:
            parts.append(f"{self.left} not in the batch any more")
        if self.forgotten:
            parts.append(f"{self.forgotten} forgotten (not in it any more, nothing done or saved)")
        if self.back:
            parts.append(f"{self.back} in the batch again")
        if self.runs:
            parts.append(plural(self.runs, "new run"))
        return ", ".join(parts)


def merge(
    ledger: Ledger, batch: Sequence[Instance], iterations: int, seed: int
) -> tuple[Ledger, Sequence[int], Growth]:
    """Today's batch laid over what is remembered: the ledger with what is new, the batch as instance ids, the change.

    Instances are matched by identity, never by position; those gone from the batch stay, marked, if they have a result.
    The others are removed; if one comes back it is as new, with the ids and seeds that it had.
    """
    as_planned = isinstance(ledger.runs_of, Grid) and len(batch) * iterations <= len(ledger.runs)
    if as_planned and (batch is ledger.instances or equal(batch, ledger.instances)):
        return ledger, range(len(batch)), Growth()
    known = {instance.identity: instance for instance in ledger.instances}
    instances = {i.id: msgspec.structs.replace(i, in_batch=False) if i.in_batch else i for i in ledger.instances}
    order: list[int] = []
    for entry in batch:
        old = known.get(entry.identity)
        number = old.id if old else len(instances)
        if old is None or not old.in_batch or (old.file, old.title, old.bare) != (entry.file, entry.title, entry.bare):
            instances[number] = msgspec.structs.replace(entry, id=number)
        else:
            instances[number] = old
        order.append(number)
    everything = [instances[i] for i in range(len(instances))]
    forgotten = [i.id for i in everything if not (i.in_batch or i.removed or _has_result(ledger, i.id))]
    runs = _remove(forgotten, everything, ledger)
    added = grow(runs, everything, iterations, seed)
    pairs = list(zip(ledger.instances, everything, strict=False))
    revived = [b.id for a, b in pairs if a.removed and not b.removed]
    growth = Growth(
        added=len(instances) - len(ledger.instances) + len(revived),
        left=sum(a.in_batch and not b.in_batch and not b.removed for a, b in pairs),
        forgotten=len(forgotten),
        back=sum(b.in_batch and not a.in_batch and not a.removed for a, b in pairs),
        runs=len(added) + sum(len(ledger.runs_of[i]) for i in revived),
    )
    if not added and all(a is b for a, b in pairs):
        return ledger, order, growth
    merged = Ledger(compact(everything), [*runs, *added], ledger.hook)
    merged.notes = ledger.notes
    return merged, order, growth


def _has_result(ledger: Ledger, instance: int) -> bool:
    return any(has_result(ledger.run(run)) for run in ledger.runs_of[instance])


def _remove(numbers: Iterable[int], instances: list[Instance], ledger: Ledger) -> list[Run]:
    """Mark these instances as removed, in place; all runs, those of the removed ones with nothing behind them."""
    runs = list(ledger.runs)
    for number in numbers:
        instances[number] = msgspec.structs.replace(instances[number], in_batch=False, removed=True)
        for run in ledger.runs_of[number]:
            runs[run - 1] = anew(runs[run - 1], runs[run - 1].attempt)
    return runs


def without(ledger: Ledger, numbers: Iterable[int]) -> Ledger:
    """The ledger after these instances were taken out of the experiment, with all that their runs have."""
    instances = list(ledger.instances)
    runs = _remove(numbers, instances, ledger)
    left = Ledger(instances, runs, ledger.hook)
    left.notes, left.forgotten = ledger.notes, dict(ledger.forgotten)
    return left


def with_again(ledger: Ledger, back: Iterable[Instance], runs: Iterable[Run]) -> Ledger:
    """The ledger after these instances were put back that had been taken out of it, with their runs as they were."""
    instances, all_runs = list(ledger.instances), list(ledger.runs)
    for instance in back:
        instances[instance.id] = instance
    for run in runs:
        all_runs[run.id - 1] = run
    whole = Ledger(compact(instances), all_runs, ledger.hook)
    whole.notes, whole.forgotten = ledger.notes, dict(ledger.forgotten)
    return whole
