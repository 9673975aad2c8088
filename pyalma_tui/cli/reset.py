"""`pyalma-tui reset`: forget the states of runs, so that they run anew; `--remove`: whole instances."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pyalma_tui.cli.remembered import Remembered, remembered
from pyalma_tui.cli.speak import ask, say, warn
from pyalma_tui.errors import InUseError, UsageError
from pyalma_tui.loading.local_code import code_root, module_name
from pyalma_tui.model import status as s
from pyalma_tui.model.choice import choose
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import Reset
from pyalma_tui.model.words import duration, plural
from pyalma_tui.report.facts import remaining
from pyalma_tui.runner.outdated import CodeNow, look_at_inputs, of_older_code, with_older_code
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.store import leases
from pyalma_tui.store.inputs import read_inputs
from pyalma_tui.store.lock import in_use
from pyalma_tui.store.planning import without

NAMED = 5  # instances that the session log names


def reset(
    name: str, words: Sequence[str], status: s.Word | None, state: Path | None, *, yes: bool, changed: bool = False
) -> int:
    """Forget the runs of these instances, of all if none is named; the exit code. Logs and seeds stay.

    With a `status` only those of them that are in it, and if they are to be `changed`, only those that are done with
    older code or have read an instance file that is another one now.

    Raises UsageError if it is not confirmed, InUseError, StoreError; then nothing was changed.
    """
    known = remembered("reset", name, state)
    if message := in_use(known.state_dir):
        raise InUseError(message)
    runs = [run for run in _meant(known, words) if not isinstance(run.status, s.Pending)]
    if status is not None:
        runs = [run for run in runs if s.word(run.status) == status]
    if changed:
        those = _changed(known)
        runs = [run for run in runs if run.id in those]
    if not runs:
        say(
            "nothing to forget: the done runs among these used the code and the instance files that there are now"
            if changed
            else f"nothing to forget: none of these runs is {status}"
            if status
            else "nothing to forget: these runs have not been started since they were planned or reset"
        )
        return 0
    told = f"{plural(len(runs), 'run')} ({_lost(runs)})"
    if not yes and not ask(f"Forget {told}? They run anew, with the same seeds."):
        raise UsageError(f"reset: {known.state_dir}: not confirmed. Nothing was changed; --yes does not ask")
    _forget(known, [run.id for run in runs])
    say(f"forgot {told}; their logs are kept, `pyalma-tui {name}` runs them anew")
    return 0


def remove(name: str, words: Sequence[str], status: s.Word | None, state: Path | None, *, yes: bool) -> int:
    """Take these instances out of the experiment with all that their runs have; the exit code. Logs stay.

    Raises UsageError if none is named or it is not confirmed, InUseError, StoreError; then nothing was changed.
    """
    if not words or status is not None:
        why = "a status is that of runs, not of instances" if status is not None else "which ones?"
        raise UsageError(f"reset --remove: {name}: {why} Name the instances. Nothing was changed")
    known = remembered("reset", name, state)
    if message := in_use(known.state_dir):
        raise InUseError(message)
    ledger = known.store.ledger
    meant = _instances(known, words)
    runs = [ledger.run(number) for instance in meant for number in ledger.runs_of[instance.id]]
    told = f"{plural(len(meant), 'instance')} with {plural(len(runs), 'run')} ({_lost(runs)})"
    if not yes and not ask(f"Take {told} out of the experiment?"):
        raise UsageError(f"reset --remove: {known.state_dir}: not confirmed. Nothing was changed; --yes does not ask")
    session = _open(known)
    try:
        session.replan(without(session.ledger, [instance.id for instance in meant]), session.order)
        session.checkpoint()
        session.note(f"{plural(len(meant), 'instance')} taken out by `reset --remove`: {_named(meant)}")
    finally:
        session.close()
    say(f"took out {told}; what is in the batch again at the next start comes back as new. Their logs are kept")
    return 0


def _instances(known: Remembered, words: Sequence[str]) -> list[Instance]:
    meant = {each.id: each for word in words for each in choose(known.store.ledger.instances, word)}
    return list(meant.values())


def _named(instances: Sequence[Instance]) -> str:
    return ", ".join(each.label for each in instances[:NAMED]) + ", …" * (len(instances) > NAMED)


def _meant(known: Remembered, words: Sequence[str]) -> list[Run]:
    ledger = known.store.ledger
    if not words:
        return list(remaining(ledger.instances, ledger.runs))
    return [ledger.run(number) for instance in _instances(known, words) for number in ledger.runs_of[instance.id]]


def _changed(known: Remembered) -> set[int]:
    """The ids of the done runs that used older code, or an instance file that has changed since."""
    ledger, module = known.store.ledger, known.target.module
    runs = ledger.runs.freeze()
    place = CodeNow(known.state_dir, code_root(module), module_name(module))
    looked = look_at_inputs(read_inputs(known.state_dir), ledger.instances, runs, ledger.runs_of)
    return {*of_older_code(with_older_code(place, runs), runs), *looked.another}


def _lost(runs: Sequence[Run]) -> str:
    """What is lost with these runs, in words."""
    states = sum(run.state is not None for run in runs)
    counts = [(word, sum(s.word(run.status) == word for run in runs)) for word in s.WORDS]
    parts = [f"{number:,} {word}" for word, number in reversed(counts) if number]
    parts.append(f"{plural(states, 'saved state')} of {plural(sum(run.saves for run in runs), 'save')}")
    if rows := sum(rows_in(run.extents) for run in runs):
        parts.append(plural(rows, "row"))
    parts.append(f"{duration(sum(run.seconds for run in runs))} of running")
    return ", ".join(parts)


def _open(known: Remembered) -> Session:
    """Open the state as a start does, which settles what the last session left behind."""
    if text := leases.waited_for(known.state_dir):
        warn(text)
    has_done = not isinstance(known.store.ledger.hook.status, s.HookAbsent)
    settings = Settings(target=known.target.path, module=known.target.module, state_dir=known.state_dir, paused=True)
    return Session(settings, known.store.meta.module_hash, has_done)


def _forget(known: Remembered, numbers: Sequence[int]) -> None:
    session = _open(known)
    try:
        ledger = session.ledger
        for number in numbers:
            session.write(Reset(number, ledger.run(number).attempt + 1, time.time(), ledger.hook.calls))
        session.note(f"{plural(len(numbers), 'run')} forgotten by `reset`, to run anew")
    finally:
        session.close()
