"""The terms of a start: what was typed, else chosen before, else what the .experiment says, else the usual."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Sequence
from typing import get_args

import msgspec

from pyalma_tui.errors import UsageError
from pyalma_tui.loading.experiment_file import number_of_workers, read_workers
from pyalma_tui.loading.target import Target
from pyalma_tui.model.chosen import MOST_NICE, NEVER, Chosen, HashSeed, Import, Sync, but_edited, laid_over
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.model.words import plural
from pyalma_tui.store.schema import Meta

GRACE = 10.0  # seconds
SHOWN = 200  # cells of the module's arguments that a line has
LONGEST_WAIT = 1e9  # seconds: longer than anybody waits, and JSON has a form for it


class Terms(msgspec.Struct, frozen=True):
    """How this start runs: `seed` is None where the one it was planned with holds, `told` are lines for the user."""

    chosen: Chosen
    seed: int | None
    workers: int
    iterations: int | None
    timeout: float | None
    retries: int
    grace: float
    sync: Sync
    runs_per_worker: int | None = None
    each: bool = False
    nice: int = 0
    seed_globals: bool = False
    told: tuple[str, ...] = ()


def typed(
    *,
    named: str = "{}",
    args: tuple[str, ...] | None = None,
    workers: str | int | None = None,
    iterations: int | None = None,
    timeout: float | None = None,
    retries: int | None = None,
    grace: float | None = None,
    sync: Sync | None = None,
    runs_per_worker: int | None = None,
    imports: Import | None = None,
    nice: int | None = None,
    seed_globals: bool | None = None,
) -> Chosen:
    """What somebody chooses now; raises UsageError for what means nothing. `named` is how an option is named to him."""
    numbers = {"iterations": (iterations, 1), "retries": (retries, 0), "grace": (grace, 0)}
    numbers["runs-per-worker" if named.startswith("-") else "runs_per_worker"] = (runs_per_worker, 1)
    for name, (value, least) in numbers.items():
        if value is not None and not value >= least:
            raise UsageError(f"{named.format(name)}: {value}: it must be at least {least}. Nothing was started")
    if any("\0" in each for each in args or ()):
        raise UsageError(f"{named.format('args')}: a text with a NUL byte cannot be handed on. Nothing was started")
    if timeout is not None and not timeout > 0:
        why = "it must be more than 0 seconds; inf is none"
        raise UsageError(f"{named.format('timeout')}: {timeout}: {why}. Nothing was started")
    if imports is not None and imports not in get_args(Import):
        choices = ", ".join(get_args(Import))
        name = "import" if named.startswith("-") else "imports"
        raise UsageError(f"{named.format(name)}: {imports}: choose {choices}. Nothing was started")
    if nice is not None and not 0 <= nice <= MOST_NICE:
        raise UsageError(f"{named.format('nice')}: {nice}: it is a number from 0 to {MOST_NICE}. Nothing was started")
    if sync is not None and sync not in get_args(Sync):
        raise UsageError(f"{named.format('sync')}: {sync}: choose {', '.join(get_args(Sync))}. Nothing was started")
    return Chosen(
        args=args,
        workers=None if workers is None else read_workers(workers),
        iterations=iterations,
        timeout=None if timeout is None else timeout if timeout <= LONGEST_WAIT else NEVER,
        retries=retries,
        grace=None if grace is None else min(float(grace), LONGEST_WAIT),
        sync=sync,
        runs_per_worker=runs_per_worker,
        imports=imports,
        nice=nice,
        seed_globals=seed_globals,
    )


def terms_of(target: Target, known: Meta, now: Chosen, seed: int | None) -> Terms:
    """The terms of a start, of which `known` is remembered. Raises UsageError for a PYTHONHASHSEED that is none."""
    file = target.experiment
    said: dict[str, int | str | bool] = {"workers": file.workers, "iterations": file.iterations} if file else {}
    if file is not None and file.seed_globals:
        said["seed_globals"] = True
    before = but_edited(known.chosen, said)
    if seed is None and file is not None:
        seed = file.seed
    if seed is None and not known.session:
        seed = int.from_bytes(os.urandom(4), "big")
    planned = known.seed if known.session else seed
    chosen = laid_over(before, now)
    chosen = msgspec.structs.replace(chosen, hash_seed=_hash_seed(before.hash_seed, planned or 0))
    iterations = chosen.iterations if chosen.iterations is not None else said.get("iterations")
    timeout = chosen.timeout
    return Terms(
        chosen=chosen,
        seed=seed,
        workers=number_of_workers(chosen.workers or (file.workers if file else 1)),
        iterations=int(iterations) if iterations is not None else None,
        timeout=None if timeout in (None, NEVER) else timeout,
        retries=chosen.retries or 0,
        grace=GRACE if chosen.grace is None else chosen.grace,
        sync=chosen.sync or "group",
        runs_per_worker=chosen.runs_per_worker,
        each=chosen.imports == "each",
        nice=chosen.nice or 0,
        seed_globals=bool(said.get("seed_globals") if chosen.seed_globals is None else chosen.seed_globals),
        told=tuple(_told(target, before, now, chosen)),
    )


def _hash_seed(known: HashSeed | None, seed: int) -> HashSeed:
    """The PYTHONHASHSEED of all workers: the user's own, else that of before, else one drawn from the seed.

    So a resumed run sees sets of text in the order that they had.
    """
    theirs = os.environ.get("PYTHONHASHSEED")
    if theirs == "random":
        return "random"
    if theirs:
        return int(theirs)  # Python has refused to start with what is none
    if known is not None:
        return known
    return int.from_bytes(hashlib.sha256(f"PYTHONHASHSEED {seed}".encode()).digest()[:4], "big")


def _told(target: Target, before: Chosen, now: Chosen, chosen: Chosen) -> Iterator[str]:
    name = target.module.name
    if chosen.args or before.args:
        if now.args is None or now.args == before.args:
            yield f"{name} gets the arguments {shown_args(chosen.args)}, as last time"
        elif not before.args:
            yield f"{name} gets the arguments {shown_args(chosen.args)}"
        else:
            yield f"{name} gets other arguments: {shown_args(before.args)} → {shown_args(chosen.args)}"
    if before.hash_seed not in (None, chosen.hash_seed):
        change = f"{before.hash_seed} → {chosen.hash_seed}"
        yield f"PYTHONHASHSEED {change}: sets of text have another order than before"
    if remembered := list(_remembered(target, before, now)):
        yield f"as last time: {', '.join(remembered)}"


def _remembered(target: Target, before: Chosen, now: Chosen) -> Iterator[str]:
    """What holds because it was chosen before, if it is not the usual anyway."""
    file = target.experiment
    usual = Chosen(
        workers=file.workers if file else 1,
        iterations=file.iterations if file else 1,
        timeout=NEVER,
        retries=0,
        grace=GRACE,
        sync="group",
        imports="once",
        nice=0,
        seed_globals=bool(file and file.seed_globals),
    )
    for name, said in _words(before).items():
        value = getattr(before, name)
        if value is None or getattr(now, name) is not None or value == getattr(usual, name):
            continue
        told = name in before.file and name != "seed_globals"
        yield f"{said} ({target.path.with_suffix('.experiment').name} says {before.file[name]})" if told else said


def _words(chosen: Chosen) -> dict[str, str]:
    return {
        "workers": "all workers" if chosen.workers == "all" else plural(chosen.workers or 0, "worker"),
        "iterations": plural(chosen.iterations or 0, "iteration"),
        "timeout": f"timeout {chosen.timeout:g} s" if chosen.timeout else "no timeout",
        "retries": plural(chosen.retries or 0, "retry", "retries"),
        "grace": f"grace {chosen.grace or 0:g} s",
        "sync": f"sync {chosen.sync}",
        "runs_per_worker": f"{plural(chosen.runs_per_worker or 0, 'run')} per worker",
        "nice": f"workers are nice {chosen.nice}" if chosen.nice else "workers are not nice",
        "imports": "the module is imported once" if chosen.imports == "once" else "each worker imports the module",
        "seed_globals": f"random is {'' if chosen.seed_globals else 'not '}seeded before each call",
    }


def shown_args(args: Sequence[str] | None, cells: int = SHOWN) -> str:
    """The module's arguments as one would type them, cut if they are many, `none` if there are none."""
    return clip(printable(shlex.join(args)), cells) if args else "none"
