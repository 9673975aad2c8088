"""What the history of an experiment says against what its store says."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store
from tests.kill_loop.experiment import SAVES


@dataclass
class Verdict:
    """What was seen; `broken` are sentences, one for each broken promise."""

    acknowledged: int = 0
    lost: int = 0
    overlaps: int = 0
    done_calls: int = 0
    broken: list[str] = field(default_factory=list)


def check_instance(history: Path, verdict: Verdict) -> None:
    """Every start hands in the last acknowledged state, or one that was being saved when the kill came."""
    acknowledged = called = 0
    for line in history.read_text().splitlines():
        word, _, number = line.partition(" ")
        if word == "start":
            if not acknowledged <= int(number) <= called:
                verdict.lost += 1
                verdict.broken.append(f"{history.name}: started with {number} after {acknowledged} was acknowledged")
            acknowledged = called = int(number)
        elif word == "call":
            called = int(number)
        elif word == "saved":
            acknowledged = int(number)
            verdict.acknowledged += 1
        elif word == "overlap":
            verdict.overlaps += 1
            verdict.broken.append(f"{history.name}: two workers at once")


def check_store(state_dir: Path, histories: Path, instances: int, *, finished: bool, verdict: Verdict) -> None:
    """The store knows every run, at least as far as it was acknowledged, and none is done before run() returned."""
    store = read_store(state_dir)
    if store is None:
        return
    runs = list(store.ledger.runs)
    if len(runs) != instances:
        verdict.broken.append(f"{instances - len(runs)} runs are missing")
    for run in runs:
        name = store.ledger.instances[run.instance].name
        path = histories / name
        lines = path.read_text().splitlines() if path.exists() else []
        acknowledged = max((int(line[6:]) for line in lines if line.startswith("saved ")), default=0)
        stored = int((run.state or b'"0"').strip(b'"'))
        if stored < acknowledged:
            verdict.lost += 1
            verdict.broken.append(f"{name}: {stored} is stored, {acknowledged} was acknowledged")
        if isinstance(run.status, s.Done) and "return" not in lines:
            verdict.broken.append(f"{name}: done before run() returned")
        if finished and not (isinstance(run.status, s.Done) and stored == SAVES):
            verdict.broken.append(f"{name}: {s.word(run.status)} with state {stored} at the end")
