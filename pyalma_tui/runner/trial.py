"""One run of an experiment called apart from it: in a copy of its folder, with a state directory of its own.

Nothing of the experiment is touched: the module, the instances and whatever `run` reads or writes below the folder are
those of the copy; an instance file elsewhere stays where it is. A path of the copy in a state or a row is told as the
path that it would have been.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pyalma_tui.errors import InputError, StoreError
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.experiment import Run, anew
from pyalma_tui.model.extents import Row
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Cut
from pyalma_tui.model.words import size
from pyalma_tui.runner.commands import Quit, Resume, Retry
from pyalma_tui.runner.first import first_agent
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.workers.local import wait_until_loaded
from pyalma_tui.store import layout
from pyalma_tui.store.creation import create
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.rows import RowReader
from pyalma_tui.store.schema import Meta

LOOK = 0.01  # seconds between two looks whether it is over
LARGEST = 1_000_000_000  # bytes of a folder that is copied
MOST = 20_000  # files of it
LEFT_OUT = ("__pycache__", ".git", ".hg", ".venv", "venv", "node_modules")  # what a run neither reads nor writes

Waiting = Callable[[float], None]
"""Hears again and again for how many seconds one has waited; it may raise to end the trial."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A run to try, as its experiment has it: `folder` is what is copied, `here` where in it the module runs.

    `texts` are put in the place of files of the copy, by their names as seen from `root`.
    """

    module: Path
    root: Path
    folder: Path
    here: Path
    ledger: Ledger
    meta: Meta
    run: int
    texts: Mapping[str, bytes] = {}

    @property
    def instance(self) -> Instance:
        """Of whom the run is."""
        return self.ledger.instances[self.ledger.run(self.run).instance]


class CalledRows(msgspec.Struct, frozen=True):
    """The rows of a run that count, read anew each time that they are gone through; raises StoreError for damaged ones.

    `moved` is a text in them, within JSON, and what stands for it; `again` as of a RowReader.
    """

    folder: Path
    run: Run
    moved: tuple[bytes, bytes] | None = None
    again: Callable[[Run], Run] = lambda run: run

    def __iter__(self) -> Iterator[Row]:
        with RowReader(self.folder, self.again) as reader:
            for row in reader.rows(self.run):
                yield row if self.moved is None else _put_back(row, self.moved)
            if reader.missing:
                raise StoreError(f"rows: {reader.why}. Nothing was changed")


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """What a call of a run has left: how it ended, as a sentence, its last state as JSON text, its rows, its files.

    `files` are by their names below the folder; None where nobody knows which are the run's.
    """

    ended: str
    state: bytes | None
    rows: CalledRows
    files: Mapping[str, Path] | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial: the run as it ended, and what it `left`, below `folder`.

    `seconds` are those from the first call to the last end, `written` are how many of the files were not there before,
    or were otherwise, `installed` the names of what was imported from where packages are installed.
    """

    run: Run
    left: Remains
    seconds: float
    folder: Path
    written: int
    installed: Sequence[str]


def folder_of(root: Path, here: Path) -> tuple[Path, Path]:
    """The folder to copy and where in it to call the run: all of `here` if the code is below it, else the code's.

    Raises InputError if it is too large to be copied.
    """
    if root.is_relative_to(here) and _fits(here):
        return here, here
    if not _fits(root):
        raise InputError(
            f"{root}: it has more than {size(LARGEST)} or {MOST:,} files, and a run that is called apart works on a "
            f"copy. Put the module into a smaller folder. Nothing was started"
        )
    return root, here if here.is_relative_to(root) else root


def left_by(run: Run, rows: CalledRows) -> Remains:
    """What is stored of a run."""
    return Remains(ended=_ended(run), state=run.state, rows=rows)


def tried(subject: Subject, place: Path, name: str, cuts: Sequence[Cut], waiting: Waiting) -> Outcome:
    """Call the run to its end, cut where `cuts` say, in `place`/work; what is left moves to `place`/`name`.

    `waiting` hears of the wait, and ends it by raising. Raises PyalmaError if the run cannot be started, OSError. The
    thread that calls it must live until it returns: the kernel ends an agent with the thread that started it.
    """
    work, states, left = place / "work", place / "states", place / name
    rows = place / f"{name}, rows"
    shutil.copytree(subject.folder, work, symlinks=True, ignore=_ignored)
    for text_name, text in subject.texts.items():
        file = _moved(subject.root / text_name, subject, work)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    try:
        run, seconds, installed = _called(subject, work, states, tuple(cuts), waiting)
        if run.extents:
            layout.rows(states).rename(rows)
    finally:
        shutil.rmtree(states, ignore_errors=True)
        work.rename(left)
    moved = _inside(work), _inside(subject.folder)
    files = {os.fspath(path.relative_to(left)): path for path in _files(left)}
    written = sum(not _is_copy(path, subject.folder / name) for name, path in files.items())
    state = None if run.state is None else run.state.replace(*moved)
    told = Remains(ended=_ended(run), state=state, rows=CalledRows(rows, run, moved), files=files)
    return Outcome(run=run, left=told, seconds=seconds, folder=left, written=written, installed=installed)


def _called(
    subject: Subject, work: Path, states: Path, cuts: tuple[Cut, ...], waiting: Waiting
) -> tuple[Run, float, Sequence[str]]:
    ledger, instance, chosen = subject.ledger, subject.instance, subject.meta.chosen
    module, here = _moved(subject.module, subject, work), _moved(subject.here, subject, work)
    instances = list(ledger.instances)
    if instance.file:
        instances[instance.id] = replace(instance, file=os.fspath(_moved(Path(instance.file), subject, work)))
    new = Meta(identity=subject.meta.identity, iterations=subject.meta.iterations, seed=subject.meta.seed)
    create(states, replace(new, session=1, serial=1, chosen=chosen), instances, [anew(run, 0) for run in ledger.runs])
    settings = Settings(
        target=module,
        module=module,
        state_dir=states,
        no_done=True,
        only=subject.run,
        folder=here,
        cuts=cuts,
        timeout=chosen.timeout or None,
        each=chosen.imports == "each",
        seed_globals=_seeds(chosen),
        chosen=chosen,
    )
    with first_agent(module, states, chosen, each=settings.each, folder=here) as agent:
        loaded = wait_until_loaded(agent, module, waiting)
        session = Session(settings, loaded.hash, has_done=False)
    runner = Runner(settings, session, agent)
    began = time.monotonic()
    runner.start()
    try:
        while not _is_over(runner, subject.run, len(cuts)):
            waiting(time.monotonic() - began)
            time.sleep(LOOK)
    except BaseException:
        runner.send(Quit())  # and the one below: at once
        raise
    finally:
        seconds = time.monotonic() - began
        runner.send(Quit())
        runner.join()
    if (failure := runner.snapshot().failure) is not None:
        raise failure.error()
    store = read_store(states)  # the last checkpoint may have moved rows
    if store is None:
        raise StoreError(f"store: {states}: nothing is there any more")
    return store.ledger.run(subject.run), seconds, loaded.installed


def _seeds(chosen: Chosen) -> bool:
    """Whether the generators that a process shares are seeded: as chosen, else as the .experiment said."""
    return bool(chosen.file.get("seed_globals") if chosen.seed_globals is None else chosen.seed_globals)


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


def _ended(run: Run) -> str:
    match run.status:
        case s.Done():
            return "done"
        case s.Failed(error=error):
            return f"failed: {error.message}"
        case s.Interrupted(why=why):
            return f"interrupted: {why}"
    return s.word(run.status)


# --- the copy ---------------------------------------------------------------------------------------------------------


def _moved(path: Path, subject: Subject, work: Path) -> Path:
    """The same place in the copy."""
    return work / path.relative_to(subject.folder) if path.is_relative_to(subject.folder) else path


def _inside(path: Path) -> bytes:
    """A path as it stands within a JSON text."""
    return jsontext.encode(os.fspath(path))[1:-1]


def _put_back(row: Row, moved: tuple[bytes, bytes]) -> Row:
    text = jsontext.encode(row)
    found: Row = jsontext.decode(text.replace(*moved)) if moved[0] in text else row
    return found


def _fits(folder: Path) -> bool:
    total = 0
    for count, path in enumerate(_files(folder)):
        total += path.lstat().st_size
        if total > LARGEST or count >= MOST:
            return False
    return True


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
