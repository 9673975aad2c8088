"""`pyalma-tui import`: go on with an unfinished experiment from pyalma's `.plan`."""

from __future__ import annotations

import os
from pathlib import Path

from pyalma_tui.cli.speak import ask, say, warn
from pyalma_tui.errors import InputError, UsageError
from pyalma_tui.loading.batch import read_batch
from pyalma_tui.loading.entries import number
from pyalma_tui.loading.json_file import Warn
from pyalma_tui.loading.plan_file import PlanFile, plan_beside, read_plan_file, untaken_plan
from pyalma_tui.loading.pyalma_import import ImportedPlan, imported_from
from pyalma_tui.loading.target import Target, find_target
from pyalma_tui.model import status as s
from pyalma_tui.model.plan import refuse_too_many
from pyalma_tui.model.words import named, numbered, plural
from pyalma_tui.store.creation import create
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.schema import Meta


def import_plan(name: str, state: Path | None) -> int:
    """Make the state directory that continues where pyalma stopped; the exit code. The plan is left as it is.

    Raises UsageError if there is a state already, InputError, StoreError; then nothing was changed.
    """
    if Path(name).suffix != ".experiment":
        raise UsageError(f"import: {name}: this is no .experiment. Give the one that the .plan stands beside")
    target = find_target(name, warn)
    state_dir = target.state_dir(state)
    if read_store(state_dir) is not None:
        raise UsageError(
            f"import: {state_dir}: a state is there already. Nothing was changed; `pyalma-tui {name}` continues it, "
            f"--state DIR imports into another place"
        )
    take(name, target, state_dir, warn)
    say(f"`pyalma-tui {name}` continues it")
    return 0


def offer(name: str, target: Target, state_dir: Path, *, may_ask: bool) -> None:
    """Before a first start: take the plan over if there is one and the answer is yes, else say that one could."""
    known = untaken_plan(target.path, state_dir)
    if not known:
        return
    if may_ask and ask(f"{known}. Continue where it stopped?"):
        take(name, target, state_dir, lambda text: None)  # the start that follows warns of the batch
    else:
        say(f"{known}; `pyalma-tui import {name}` continues it, before a first start")


def take(name: str, target: Target, state_dir: Path, warn_of_batch: Warn) -> None:
    """Take the plan over into a new state directory, and say what it was. Raises InputError, StoreError."""
    assert target.experiment is not None, "only an .experiment has a plan"
    path = plan_beside(target.path)
    shown = os.fspath(plan_beside(Path(name)))
    if not os.path.exists(path):
        raise InputError(
            f"import: {shown}: there is no such file. pyalma leaves it beside the .experiment it was stopped in"
        )
    plan = read_plan_file(Path(shown), warn)
    experiment = target.experiment
    batch = number(read_batch(experiment.batch, warn_of_batch), target.folder)
    refuse_too_many(target.path, len(batch), experiment.iterations)
    drawn = int.from_bytes(os.urandom(4), "big")
    seed = experiment.seed if experiment.seed is not None else drawn
    imported = imported_from(plan, shown, batch, experiment.iterations, experiment.seed, drawn, path.stat().st_mtime)
    meta = Meta(
        serial=1,
        session=1,
        target=str(target.path),
        module=str(target.module),
        iterations=experiment.iterations,
        seed=seed,
    )
    create(state_dir, meta, batch, imported.runs)
    _tell(shown, plan, imported, experiment.iterations)


def _tell(shown: str, plan: PlanFile, imported: ImportedPlan, iterations: int) -> None:
    counts = dict.fromkeys(s.WORDS, 0)
    for run in imported.runs:
        counts[s.word(run.status)] += 1
    states = sum(run.state is not None for run in imported.runs)
    say(
        f"imported {shown}, which stays as it is: at iteration {numbered(imported.iteration)} of "
        f"{named(iterations)}; "
        f"{plural(counts['done'], 'run')} done, {counts['interrupted']:,} interrupted ({states:,} with a state), "
        f"{counts['pending']:,} pending"
    )
    if plan.strays:
        belong = (
            "belongs to no unfinished run; it was" if plan.strays == 1 else "belong to no unfinished run; they were"
        )
        warn(f"{shown}: {plural(plan.strays, 'saved state')} {belong} not imported")
    if plan.random_state is None and imported.runs and counts["pending"]:
        warn(f"{shown}: it has no rand_state; seeds of pending runs are drawn from the experiment's seed, or anew")
    elif not imported.as_planned:
        warn(f"{shown}: its rand_state is not where the experiment's seed leads; the seeds go on from rand_state")
