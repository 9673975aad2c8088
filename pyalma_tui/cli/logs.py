"""`pyalma-tui logs`: what a run printed, or which logs there are."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import Remembered, remembered
from pyalma_tui.cli.speak import say
from pyalma_tui.errors import PyalmaError, UsageError
from pyalma_tui.logs.reader import CHUNK, Reader
from pyalma_tui.model import status as s
from pyalma_tui.model.choice import choose_one
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.logtext import log_text
from pyalma_tui.model.printable import printable
from pyalma_tui.model.words import named, plural, run_name
from pyalma_tui.store import layout
from pyalma_tui.store.lock import holder
from pyalma_tui.store.opening import read_store

POLL = 0.1  # seconds between two looks at a log that is followed
LOOK = 0.5  # seconds between two looks whether its attempt goes on, at least
SHARE = 10  # … and so many times what the look before has cost
LINES = 256  # printed at a time
HOOK = "done()"


class WantedLog(NamedTuple):
    """One log: where it is, whose it is in words, and whether more may come."""

    path: Path
    whose: str
    goes_on: Callable[[], bool]


def logs(
    name: str, instance: str | None, state: Path | None, iteration: int | None, attempt: int | None, *, follow: bool
) -> int:
    """Print a log, or the list of logs; the exit code. Raises UsageError, StoreError."""
    known = remembered("logs", name, state)
    out = Out()
    if instance is None:
        if follow or iteration is not None or attempt is not None:
            raise UsageError(f"logs: {name}: of which instance? `pyalma-tui logs {name}` lists the logs there are")
        return _list(known, out)
    labels = {each.label for each in known.store.ledger.instances if not each.removed}
    try:
        if instance == HOOK and HOOK not in labels:
            if iteration is not None:
                raise UsageError(f"--iteration {iteration}: {HOOK} has none; --attempt chooses one of its calls")
            wanted = _of_hook(known, attempt)
        else:
            known = _when_started(known, instance, iteration) if follow else known
            wanted = _of_run(known, instance, iteration, attempt)
        printed = _print(wanted, out, follow=follow)
    except KeyboardInterrupt:
        return 0 if follow else 130
    if not printed:
        say(f"{wanted.whose}: it printed nothing")
    return 0


# --- which log ---------------------------------------------------------------------------------------------------


def _of_run(known: Remembered, word: str, iteration: int | None, attempt: int | None) -> WantedLog:
    run, label = _run(known, word, iteration)
    if run.attempt == 0:
        raise UsageError(f"logs: {label}: it has not been started, so there is no log yet")
    number = attempt if attempt is not None else _latest(known.state_dir, run)
    if not 1 <= number <= run.attempt:
        raise UsageError(f"--attempt {attempt}: {label} has had {plural(run.attempt, 'attempt')}. Count from 1")
    whose = f"{label}, attempt {number}"
    return WantedLog(
        layout.log_path(known.state_dir, run.id, number), whose, lambda: _attempt_goes_on(known, run.id, number)
    )


def _when_started(known: Remembered, word: str, iteration: int | None) -> Remembered:
    """The same a while later: when the run has been started, or nobody is there any more to start it."""
    while _run(known, word, iteration)[0].attempt == 0 and holder(known.state_dir) is not None:
        began = time.monotonic()
        store = read_store(known.state_dir)
        if store is None:
            break
        known = known._replace(store=store)
        time.sleep(max(POLL, SHARE * (time.monotonic() - began)))
    return known


def _run(known: Remembered, word: str, iteration: int | None) -> tuple[Run, str]:
    """The run that is meant, the latest of its instance if no iteration is named, and its name; raises UsageError."""
    ledger = known.store.ledger
    meant = choose_one(ledger.instances, word, "logs:")
    label = meant.label
    runs = [ledger.run(number) for number in ledger.runs_of[meant.id]]
    if iteration is None:
        latest = ledger.run(ledger.rows[meant.id].latest)
        return latest, run_name(label, latest.iteration, len(runs))
    found = [run for run in runs if run.iteration == iteration]
    if not found:
        there_is = f"{label} has {named(len(runs))}"
        raise UsageError(f"--iteration {iteration}: {there_is}, counted from 0 as `run` gets it")
    return found[0], run_name(label, iteration, len(runs))


def _latest(state_dir: Path, run: Run) -> int:
    """The last attempt that there can be a log of: a reset takes a number too, and prints nothing."""
    if not isinstance(run.status, s.Pending):
        return run.called
    return max(_numbers(layout.logs(state_dir) / str(run.id)), default=run.attempt)


def _of_hook(known: Remembered, call: int | None) -> WantedLog:
    calls = known.store.ledger.hook.calls
    number = calls if call is None else call
    if not 1 <= number <= calls:
        had = f"it has been called {plural(calls, 'time')}"
        raise UsageError(f"logs: {HOOK}: {had if calls else 'it has not been called, so there is no log yet'}")

    def goes_on() -> bool:
        store = read_store(known.state_dir) if holder(known.state_dir) is not None else None
        hook = store.ledger.hook if store else None
        return hook is not None and hook.calls == number and isinstance(hook.status, s.HookRunning)

    return WantedLog(layout.done_log_path(known.state_dir, number), f"{HOOK}, call {number}", goes_on)


def _attempt_goes_on(known: Remembered, number: int, attempt: int) -> bool:
    if holder(known.state_dir) is None:
        return False
    store = read_store(known.state_dir)
    run = store.ledger.run(number) if store else None
    return run is not None and run.attempt == attempt and isinstance(run.status, s.Running)


# --- printing it -------------------------------------------------------------------------------------------------


def _print(wanted: WantedLog, out: Out, *, follow: bool) -> bool:
    """Print the log, and what is added to it while it is followed; whether there was anything."""
    reader = Reader(wanted.path)
    printed = False
    position = 0
    goes_on = follow
    look = _now_and_then(wanted.goes_on)
    try:
        while True:
            goes_on = goes_on and look() and not out.gone
            reader.refresh()
            if reader.problem:
                raise UsageError(f"logs: {wanted.path}: {reader.problem}. Nothing was changed")
            position = min(position, reader.size)  # the runner has taken the middle out of a log that grew too large
            before = position
            position = _print_from(reader, position, out, whole=not goes_on)
            printed |= position > before
            if not goes_on or out.gone:
                return printed
            time.sleep(POLL)
    finally:
        reader.close()


def _now_and_then(goes_on: Callable[[], bool]) -> Callable[[], bool]:
    """The same answer until it is worth to ask again: reading 100,000 runs takes a while."""
    next_look = 0.0
    answer = True

    def look() -> bool:
        nonlocal next_look, answer
        now = time.monotonic()
        if now >= next_look:
            try:
                answer = goes_on()
            except PyalmaError:  # it is being moved, removed or restored: what was printed is still there
                answer = False
            took = time.monotonic() - now
            next_look = now + max(LOOK, SHARE * took)
        return answer

    return look


def _print_from(reader: Reader, position: int, out: Out, *, whole: bool) -> int:
    """Print what stands behind the position, in a terminal only whole lines unless it is the last time."""
    while position < reader.size and not out.gone:
        if not out.terminal:
            data = reader.raw(position, CHUNK)
            out.data(data)
            position += len(data)
            continue
        lines = reader.lines(position, LINES)
        if not whole and lines[-1].next == reader.size and reader.read(reader.size - 1, 1) != b"\n":
            lines.pop()
        if not lines:
            break
        shown = [log_text(line.data) + "\n" for line in lines if not line.data or line.data.strip(b"\0")]
        out.text("".join(shown))
        position = lines[-1].next
    return position


# --- the list ----------------------------------------------------------------------------------------------------


def _list(known: Remembered, out: Out) -> int:
    none = True
    for path, whose in _all_logs(known):
        try:
            found = os.lstat(path)
        except OSError:
            continue
        size = found.st_size
        if not (size and stat.S_ISREG(found.st_mode)):
            continue
        none = False
        line = f"{size:>13,}  {path.relative_to(known.state_dir)}  {whose}"
        out.text((printable(line) if out.terminal else line) + "\n")
        if out.gone:
            break
    if none:
        say(f"no run of {known.target.path.name} has printed anything")
    return 0


def _all_logs(known: Remembered) -> Iterator[tuple[Path, str]]:
    """Every log in the order of the runs, with whose it is."""
    ledger, folder = known.store.ledger, layout.logs(known.state_dir)
    for number in _numbers(folder):
        if number > len(ledger.runs):
            continue
        run = ledger.run(number)
        instance = ledger.instances[run.instance]
        if instance.removed:
            continue
        name = run_name(instance.label, run.iteration, len(ledger.runs_of[run.instance]))
        for attempt in _numbers(folder / str(number)):
            status = s.word(run.status) if attempt == run.called else "earlier"
            yield layout.log_path(known.state_dir, number, attempt), f"{name}, attempt {attempt}, {status}"
    for call in _numbers(folder / layout.DONE_LOGS):
        yield layout.done_log_path(known.state_dir, call), f"{HOOK}, call {call}"
    load = layout.load_log_dir(known.state_dir)
    for name in sorted(os.listdir(load)) if load.is_dir() else ():
        yield load / name, "while the module was imported, and at the end of its worker"


def _numbers(folder: Path) -> list[int]:
    """The numbers that name the files and folders in a folder, sorted."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(number for name in names if (number := layout.log_number(name)) is not None)
