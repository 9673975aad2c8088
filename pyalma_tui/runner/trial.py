"""One run of an experiment called apart from it: in a copy of its folder, with a state directory of its own.

Nothing of the experiment is touched: the module, the instances and whatever `run` reads or writes beside them are those
of the copy, which has the same path in each trial of a run, so that a path in a state is no difference.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pyalma_tui.errors import InputError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, anew
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Cut
from pyalma_tui.model.words import size
from pyalma_tui.runner.commands import Quit, Resume, Retry
from pyalma_tui.runner.first import first_agent
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.workers.local import wait_until_loaded
from pyalma_tui.store.creation import create
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.schema import Meta

LOOK = 0.01  # seconds between two looks whether it is over
LARGEST = 1_000_000_000  # bytes of a folder that is copied
MOST = 20_000  # files of it
LEFT_OUT = ("__pycache__", ".git", ".hg", ".venv", "venv", "node_modules")  # what a run neither reads nor writes


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A run to try, as its experiment has it: `folder` is what is copied, `here` where in it the module runs."""

    module: Path
    folder: Path
    here: Path
    ledger: Ledger
    meta: Meta
    run: int

    @property
    def instance(self) -> Instance:
        """Of whom the run is."""
        return self.ledger.instances[self.ledger.run(self.run).instance]


class Outcome(msgspec.Struct, frozen=True):
    """What a trial left: how the run ended, its last state as JSON text, and its files below `folder` by their names.

    `ended` is a sentence; `saves` counts over all attempts; `written` are how many of the files were not there before,
    or were otherwise; `seconds` are those from the first call to the last end.
    """

    ended: str
    state: bytes | None
    saves: int
    seconds: float
    folder: Path
    files: Mapping[str, Path]
    written: int


class AbandonedError(Exception):
    """Somebody wants no more trials."""


def folder_of(module: Path, here: Path) -> Path:
    """The folder to copy: where we are if the module is below it, else that of the module.

    Raises InputError if it is too large to be copied for each trial.
    """
    folder = here if module.is_relative_to(here) else module.parent
    total = 0
    for count, path in enumerate(_files(folder)):
        total += path.lstat().st_size
        if total > LARGEST or count >= MOST:
            what = f"{MOST:,} files" if count >= MOST else size(LARGEST)
            raise InputError(
                f"{folder}: it has more than {what}, and each trial works on a copy. Start from a smaller folder that "
                f"has the module. Nothing was started"
            )
    return folder


def tried(subject: Subject, place: Path, name: str, cuts: Sequence[Cut], stop: threading.Event) -> Outcome:
    """Call the run to its end, cut where `cuts` say, in `place`/work; what is left moves to `place`/`name`.

    Raises AbandonedError once `stop` is set, PyalmaError if it cannot be started. The thread that calls it must live
    until it returns: the kernel ends an agent with the thread that started it.
    """
    work, states, left = place / "work", place / "states", place / name
    shutil.copytree(subject.folder, work, symlinks=True, ignore=_ignored)
    try:
        run, seconds = _called(subject, work, states, tuple(cuts), stop)
    finally:
        shutil.rmtree(states, ignore_errors=True)
        work.rename(left)
    files = {os.fspath(path.relative_to(left)): path for path in _files(left)}
    written = sum(not _is_copy(path, subject.folder / name) for name, path in files.items())
    return Outcome(_ended(run), run.state, run.saves, seconds, left, files, written)


def _called(
    subject: Subject, work: Path, states: Path, cuts: tuple[Cut, ...], stop: threading.Event
) -> tuple[Run, float]:
    def moved(path: Path) -> Path:
        return work / path.relative_to(subject.folder) if path.is_relative_to(subject.folder) else path

    ledger, instance, module = subject.ledger, subject.instance, moved(subject.module)
    instances = list(ledger.instances)
    if instance.file:
        instances[instance.id] = replace(instance, file=os.fspath(moved(Path(instance.file))))
    new = Meta(identity=subject.meta.identity, iterations=subject.meta.iterations, seed=subject.meta.seed)
    meta = replace(new, session=1, serial=1, chosen=subject.meta.chosen)
    create(states, meta, instances, [anew(run, 0) for run in ledger.runs])
    settings = Settings(
        target=module,
        module=module,
        state_dir=states,
        no_done=True,
        only=subject.run,
        folder=moved(subject.here),
        cuts=cuts,
        each=subject.meta.chosen.imports == "each",
        chosen=subject.meta.chosen,
    )
    with first_agent(module, states, settings.chosen, each=settings.each, folder=settings.folder) as agent:
        loaded = wait_until_loaded(agent, module, lambda waited: _give_up(stop))
        session = Session(settings, loaded.hash, has_done=False)
    runner = Runner(settings, session, agent)
    began = time.monotonic()
    runner.start()
    try:
        while not _is_over(runner, subject.run, len(cuts)):
            _give_up(stop)
            time.sleep(LOOK)
    finally:
        seconds = time.monotonic() - began
        runner.send(Quit())
        runner.join()
    snapshot = runner.snapshot()
    if snapshot.failure is not None:
        raise snapshot.failure.error()
    return snapshot.runs[subject.run - 1], seconds


def _is_over(runner: Runner, number: int, cuts: int) -> bool:
    """Whether the run has ended for good; where it was cut, it goes on with the state that it has."""
    snapshot = runner.snapshot()
    if snapshot.phase == "closed":
        return True
    if snapshot.phase != "idle":
        return False
    run = snapshot.runs[number - 1]
    if run.attempt > cuts or not isinstance(run.status, s.Interrupted | s.Failed):
        return run.attempt > 0
    if isinstance(run.status, s.Failed) and run.status.error.traceback:  # it raised by itself before it was cut
        return True
    again = Resume if isinstance(run.status, s.Interrupted) else Retry
    runner.send(again((number,)))
    return False


def _give_up(stop: threading.Event) -> None:
    if stop.is_set():
        raise AbandonedError


def _ended(run: Run) -> str:
    match run.status:
        case s.Done():
            return "done"
        case s.Failed(error=error):
            return f"failed: {error.message}"
        case s.Interrupted(why=why):
            return f"interrupted: {why}"
    return s.word(run.status)


def _ignored(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in LEFT_OUT or name.endswith(".alma")}


def _is_copy(path: Path, source: Path) -> bool:
    """Whether nobody has written to a copy since it was made."""
    try:
        then, now = source.stat(), path.stat()
    except OSError:
        return False
    return (then.st_size, then.st_mtime_ns) == (now.st_size, now.st_mtime_ns)


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        left_out = _ignored(where, folders)
        folders[:] = sorted(name for name in folders if name not in left_out)
        for name in sorted(names):
            if not (path := Path(where, name)).is_symlink() and path.is_file():
                yield path
