"""Which experiments there are: below a folder, and those that were used last."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model.standing import Standing, is_running, standing
from pyalma_tui.model.view import Tally
from pyalma_tui.store import layout
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.recent import read_recent

ENDING: Final = ".alma"
DEEPEST: Final = 6  # folders below each other
FOLDERS: Final = 20_000  # that are looked into: a home directory is not searched for minutes
SKIPPED: Final = frozenset({"node_modules", "__pycache__", "site-packages"})


class FoundExperiment(msgspec.Struct, frozen=True):
    """What stands where: `at` is when something was saved last, `problem` why it cannot be read.

    `pid` is the process that has it, `runs` whether that calls anything of it now.
    """

    target: Path
    state_dir: Path
    counts: Tally = Tally()
    at: float = 0.0
    pid: int | None = None
    problem: str = ""
    runs: bool = False

    @property
    def standing(self) -> Standing:
        """How it stands, in one word."""
        return standing(self.counts, held=self.pid is not None, runs=self.runs, problem=self.problem)

    @property
    def is_usual(self) -> bool:
        """Whether its state is where the target alone leads to."""
        return os.path.realpath(self.target.with_suffix(ENDING)) == str(self.state_dir)

    @property
    def name(self) -> str:
        """The target as it is reached from here, with its state if that is anywhere else than usual."""
        return _from_here(self.target) + ("" if self.is_usual else f" in {_from_here(self.state_dir)}")


def _from_here(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def found(folder: Path) -> list[FoundExperiment]:
    """Those below this folder, then those used last that are still there.

    What runs comes first, then what a process has open, then the latest.
    """
    targets = {Path(each.state_dir): Path(each.target) for each in read_recent()}
    state_dirs = dict.fromkeys([*_below(folder), *targets])
    told = [each for state_dir in state_dirs if (each := _standing(state_dir, targets.get(state_dir))) is not None]
    return sorted(told, key=lambda each: (not each.runs, each.pid is None, -each.at))


def _below(folder: Path) -> Iterator[Path]:
    root = os.path.realpath(folder)
    left = FOLDERS
    for path, inside, files in os.walk(root):
        if path.endswith(ENDING):
            inside.clear()
            if layout.DATABASE in files or layout.LOCK in files:
                yield Path(path)
            continue
        left -= 1
        deep = path[len(root) :].count(os.sep) >= DEEPEST
        inside[:] = [] if deep or left <= 0 else sorted(n for n in inside if not n.startswith(".") and n not in SKIPPED)


def _standing(state_dir: Path, target: Path | None) -> FoundExperiment | None:
    """How one stands, None for what has gone or is none."""
    if not os.path.lexists(layout.database(state_dir)) and not os.path.lexists(layout.journal(state_dir)):
        return None
    guess = target or _beside(state_dir)
    try:
        store, who = look(state_dir)
    except PyalmaError as error:
        return FoundExperiment(guess, state_dir, problem=error.message)
    except OSError as error:
        return FoundExperiment(guess, state_dir, problem=f"{error.filename or state_dir}: {error.strerror}")
    if store is None:
        return None
    ledger = store.ledger
    named = Path(store.meta.target) if store.meta.target else guess
    if not named.exists() and guess.exists():  # the folder was moved
        named = guess
    at = ledger.saved_at or _written(state_dir)
    runs = is_running(ledger.counts, ledger.aside, ledger.hook)
    return FoundExperiment(named, state_dir, ledger.counts, at, None if who is None else who.pid, runs=runs)


def _beside(state_dir: Path) -> Path:
    """The target that a state directory is called after."""
    experiment = state_dir.with_suffix(".experiment")
    return experiment if experiment.exists() else state_dir.with_suffix(".py")


def _written(state_dir: Path) -> float:
    try:
        return layout.database(state_dir).stat().st_mtime
    except OSError:
        return time.time()
