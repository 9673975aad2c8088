"""What a session is to run, and how."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from pyalma_tui.model.chosen import Chosen, Sync
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Cut
from pyalma_tui.store import leases


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to run and how; times in seconds.

    `batch` are today's instances, None for those that the state directory remembers. `iterations` and `seed` are
    None where the user did not say. `each` lets every worker import the module by itself, `runs_per_worker` is
    after how many runs one is replaced, None for never, `nice` is how readily they give way to other programs;
    `seed_globals` seeds before each call what a process draws from. `only` is the one run to call, None for all;
    `foreground` gives it the terminal. `folder` is where the module runs, None for where we do, and `cuts` are
    where the attempts of a run end that is on trial. `chosen` is what stays for the next start, None for what it
    has been so far; `told` are lines for the user about that. `on` is what `--on` says of other hosts, on which
    workers live on a lease of so many seconds. `warnings` are what was found wrong with the input, told already on
    stderr.
    """

    target: Path
    module: Path
    state_dir: Path
    batch: Sequence[Instance] | None = None
    iterations: int | None = None
    seed: int | None = None
    workers: int = 1
    grace: float = 10.0
    sync: Sync = "group"
    timeout: float | None = None
    retries: int = 0
    paused: bool = False
    retry_failed: bool = False
    rerun_done: bool = False
    no_done: bool = False
    only: int | None = None
    foreground: bool = False
    folder: Path | None = None
    cuts: tuple[Cut, ...] = ()
    each: bool = False
    runs_per_worker: int | None = None
    nice: int = 0
    seed_globals: bool = False
    chosen: Chosen | None = None
    on: str = ""
    lease: float = leases.USUAL
    told: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unseen: bool = False
