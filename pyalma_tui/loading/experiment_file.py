"""`.experiment` files: which module runs on which batch, how often and with how many workers.

Their keys are in pyalma_tui/README.md, "File formats".
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeGuard

import msgspec

from pyalma_tui.errors import UsageError
from pyalma_tui.loading.cpus import usable_cpus
from pyalma_tui.loading.json_file import (
    Origin,
    Warn,
    described,
    expect_object,
    expect_path,
    quoted,
    read_json,
    refuse_irregular,
    unknown_key,
)
from pyalma_tui.model.chosen import MAX_WORKERS
from pyalma_tui.model.plan import MAX_RUNS

WorkerCount: TypeAlias = int | Literal["all"]

KEYS = ("load", "batch", "workers", "iterations", "seed", "seed_globals", "on")
EXAMPLE = {"load": "./module.py", "batch": "./module.batch"}


class ExperimentFile(msgspec.Struct, frozen=True):
    """What an experiment file says: absolute paths of files that exist, `seed` None where none was chosen.

    `on` is as for `--on`, "" for this machine.
    """

    module: Path
    batch: Path
    workers: WorkerCount
    iterations: int
    seed: int | None
    seed_globals: bool = False
    on: str = ""


def read_experiment_file(path: Path, folder_of_start: Path, warn: Warn) -> ExperimentFile:
    """The content of an experiment file; raises InputError, `warn` gets one line for each unknown key."""
    shown = os.fspath(path)
    absolute = os.path.abspath(shown)
    origin = Origin("cannot read the experiment", shown)
    example = f'Write {{"load": "{EXAMPLE["load"]}", "batch": "{EXAMPLE["batch"]}"}}'
    values = expect_object(read_json(absolute, origin, KEYS, warn), origin, "$", example)
    for key in values:
        if key not in KEYS:
            warn(unknown_key(origin, "$", key, KEYS))
    folders = [os.path.dirname(absolute), os.path.abspath(folder_of_start)]
    return ExperimentFile(
        module=_module(values, folders, origin),
        batch=_existing("batch", values, folders, origin),
        workers=_workers(values.get("workers", 1), origin),
        iterations=_iterations(values.get("iterations", 1), origin),
        seed=_seed(values, origin),
        seed_globals=_seed_globals(values.get("seed_globals", False), origin),
        on=_on(values.get("on", ""), origin),
    )


def parse_workers(text: str | int) -> int:
    """The number of workers that was asked for, where "all" are the CPUs this process may use; raises UsageError."""
    return number_of_workers(read_workers(text))


def number_of_workers(workers: WorkerCount) -> int:
    """How many these are here and now."""
    return usable_cpus() if workers == "all" else workers


def read_workers(text: str | int) -> WorkerCount:
    """How many workers somebody asks for; raises UsageError for what is no number of them."""
    workers = _usable_workers(text)
    if workers is None:
        shown = quoted(text) if isinstance(text, str) else str(text)
        why = f"a whole number from 1 to {MAX_WORKERS:,} was expected"
        raise UsageError(f'cannot start workers: --workers {shown}: {why}. Give one, or "all" for {usable_cpus()} here')
    return workers


def _module(values: dict[str, Any], folders: list[str], origin: Origin) -> Path:
    """The run module: a .py file that may be read."""
    file = _existing("load", values, folders, origin)
    name = quoted(values["load"])
    if file.suffix != ".py":
        raise origin.error(f"{name} is not a .py file", "Name the run module", "$.load")
    if not os.access(file, os.R_OK):
        raise origin.error(f"{name} may not be read", "Change its permissions", "$.load")
    return file


def _existing(key: str, values: dict[str, Any], folders: list[str], origin: Origin) -> Path:
    """The regular file that a key names, seen from the first folder in which there is something of this name."""
    if key not in values:
        raise origin.error("this key is missing", f'Add "{key}": "{EXAMPLE[key]}"', f"$.{key}")
    name = expect_path(values[key], origin, f"$.{key}")
    for folder in folders:
        file = os.path.normpath(os.path.join(folder, name))
        try:
            facts = os.stat(file)
        except (OSError, ValueError):  # a NUL or half a surrogate pair is a ValueError: no file can have this name
            continue
        refuse_irregular(facts, origin, "Correct the path", quoted(name), f"$.{key}")
        return Path(file)
    where = "" if os.path.isabs(name) else " in " + " or ".join(dict.fromkeys(folders))
    raise origin.error(f"there is no file {quoted(name)}{where}", "Correct the path", f"$.{key}")


def _workers(value: object, origin: Origin) -> WorkerCount:
    workers = _usable_workers(value)
    if workers is not None:
        return workers
    why = f'a whole number from 1 to {MAX_WORKERS:,} or "all" was expected, found {described(value)}'
    raise origin.error(why, 'Write "workers": 4', "$.workers")


def _usable_workers(value: object) -> WorkerCount | None:
    """The value as a number of workers, None if it is none; digits are accepted as text, as pyalma does."""
    if value == "all":
        return "all"
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        value = int(value)
    return value if _is_whole(value) and 1 <= value <= MAX_WORKERS else None


def _iterations(value: object, origin: Origin) -> int:
    if _is_whole(value) and 1 <= value <= MAX_RUNS:
        return value
    why = f"a whole number from 1 to {MAX_RUNS:,} was expected, found {described(value)}"
    raise origin.error(why, 'Write "iterations": 1', "$.iterations")


def _seed(values: dict[str, Any], origin: Origin) -> int | None:
    if "seed" not in values:
        return None
    value = values["seed"]
    if _is_whole(value):
        return value
    why = f"a whole number was expected, found {described(value)}"
    raise origin.error(why, 'Leave "seed" out to have one drawn and recorded', "$.seed")


def _seed_globals(value: object, origin: Origin) -> bool:
    if isinstance(value, bool):
        return value
    why = f"true or false was expected, found {described(value)}"
    raise origin.error(why, 'Write "seed_globals": true', "$.seed_globals")


def _on(value: object, origin: Origin) -> str:
    if isinstance(value, str):
        return value
    raise origin.error(f"a text was expected, found {described(value)}", 'Write "on": "slurm"', "$.on")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
