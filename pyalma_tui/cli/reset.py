"""`pyalma-tui reset`: forget the states of runs, so that they run anew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pyalma_tui.cli.remembered import Remembered, remembered
from pyalma_tui.cli.speak import ask, say
from pyalma_tui.errors import InUseError, UsageError
from pyalma_tui.model import status as s
from pyalma_tui.model.choice import choose
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.records import Reset
from pyalma_tui.model.words import duration
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.store.lock import in_use


def reset(name: str, words: Sequence[str], status: s.Word | None, state: Path | None, *, yes: bool) -> int:
    """Forget the runs of these instances, of all if none is named; the exit code. Logs and seeds stay.

    With a `status` only those of them that are in it.

    Raises UsageError if it is not confirmed, InUseError, StoreError; then nothing was changed.
    """
    known = remembered("reset", name, state)
    if message := in_use(known.state_dir):
        raise InUseError(message)
    runs = [run for run in _meant(known, words) if not isinstance(run.status, s.Pending)]
    if status is not None:
        runs = [run for run in runs if s.word(run.status) == status]
    if not runs:
        say(
            f"nothing to forget: none of these runs is {status}"
            if status
            else "nothing to forget: these runs have not been started since they were planned or reset"
        )
        return 0
    told = f"{_count(len(runs), 'run')} ({_lost(runs)})"
    if not yes and not ask(f"Forget {told}? They run anew, with the same seeds."):
        raise UsageError(f"reset: {known.state_dir}: not confirmed. Nothing was changed; --yes does not ask")
    _forget(known, [run.id for run in runs])
    say(f"forgot {told}; their logs are kept, `pyalma-tui {name}` runs them anew")
    return 0


def _meant(known: Remembered, words: Sequence[str]) -> list[Run]:
    ledger = known.store.ledger
    if not words:
        return list(ledger.runs)
    meant = dict.fromkeys(instance.id for word in words for instance in choose(ledger.instances, word))
    return [ledger.run(number) for instance in meant for number in ledger.runs_of[instance]]


def _lost(runs: Sequence[Run]) -> str:
    """What is lost with these runs, in words."""
    states = sum(run.state is not None for run in runs)
    counts = [(word, sum(s.word(run.status) == word for run in runs)) for word in s.WORDS]
    parts = [f"{number:,} {word}" for word, number in reversed(counts) if number]
    parts.append(f"{_count(states, 'saved state')} of {_count(sum(run.saves for run in runs), 'save')}")
    parts.append(f"{duration(sum(run.seconds for run in runs))} of running")
    return ", ".join(parts)


def _forget(known: Remembered, numbers: Sequence[int]) -> None:
    """Open the state as a start does, which settles what the last session left behind, and write the resets."""
    meta = known.store.meta
    has_done = not isinstance(known.store.ledger.hook.status, s.HookAbsent)
    settings = Settings(target=known.target.path, module=known.target.module, state_dir=known.state_dir)
    session = Session(settings, meta.module_hash, has_done)
    try:
        ledger = session.ledger
        for number in numbers:
            session.write(Reset(number, ledger.run(number).attempt + 1, time.time(), ledger.hook.calls))
        session.note(f"{_count(len(numbers), 'run')} forgotten by `reset`, to run anew")
    finally:
        session.close()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
