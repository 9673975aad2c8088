"""What the user has chosen for an experiment: it stays from start to start until told otherwise."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from pyalma_tui.model.modes import Import as Import
from pyalma_tui.model.modes import Sync as Sync

Argument: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]  # a program can be given no other
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
HashSeed: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_294_967_295)] | Literal["random"]

NEVER = 0.0  # the timeout of somebody who wants none
MOST_NICE = 19  # of setpriority(2)
MAX_WORKERS = 1_000  # each is a process: more are a slip


class Chosen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Each is None where nobody chose; times in seconds.

    `args` follow the module's path in its `sys.argv`, `hash_seed` is its workers' PYTHONHASHSEED. `imports` tells
    whether the module is imported once, or by each worker, `nice` how readily workers give way, `seed_globals` whether
    the generators that a process shares are seeded before each call. `file` is what the .experiment said of `workers`,
    `iterations` and `seed_globals` at that time.
    """

    args: tuple[Argument, ...] | None = None
    hash_seed: HashSeed | None = None
    workers: Annotated[int, msgspec.Meta(ge=1, le=MAX_WORKERS)] | Literal["all"] | None = None
    iterations: Positive | None = None
    timeout: Annotated[float, msgspec.Meta(ge=0)] | None = None
    retries: Annotated[int, msgspec.Meta(ge=0)] | None = None
    grace: Annotated[float, msgspec.Meta(ge=0)] | None = None
    sync: Sync | None = None
    runs_per_worker: Positive | None = None
    imports: Import | None = None
    nice: Annotated[int, msgspec.Meta(ge=0, le=MOST_NICE)] | None = None
    seed_globals: bool | None = None
    file: dict[str, int | str | bool] = {}


def laid_over(known: Chosen, typed: Chosen) -> Chosen:
    """What is chosen now: what was typed, else what is known."""
    facts = msgspec.structs.asdict(typed)
    return msgspec.structs.replace(known, **{name: value for name, value in facts.items() if value not in (None, {})})


def but_edited(known: Chosen, file: dict[str, int | str | bool]) -> Chosen:
    """What is known, without what the .experiment says otherwise since: who has edited it there has told us."""
    names = ("workers", "iterations", "seed_globals")
    edited = {name: None for name in names if known.file.get(name) != file.get(name)}
    return msgspec.structs.replace(known, file=file, **edited)
