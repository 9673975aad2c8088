"""One run of an experiment called apart from it: in a mirror of its folder, with a state directory of its own.

Nothing of the experiment is touched: the module, the instance and whatever `run` reads or writes beside them are those
of the mirror. A path in there that stands in a state or a row is told as the path that it would have been.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pyalma_tui.errors import StoreError
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.experiment import Run, anew
from pyalma_tui.model.extents import Row
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Cut
from pyalma_tui.model.outside import Fence, paths_in
from pyalma_tui.runner.commands import Quit, Resume, Retry
from pyalma_tui.runner.first import first_agent
from pyalma_tui.runner.mirror import Mirror, copy, files_in
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

Waiting = Callable[[float], None]
"""Hears again and again for how many seconds one has waited; it may raise to end the trial."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A run to try, as its experiment has it.

    `texts` are put in the place of files of the mirror, by their names as seen from `root`.
    """

    module: Path
    root: Path
    mirror: Mirror
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

    `files` are all that are in its copy, by their names as seen from the folder, None where nobody knows; `touched` are
    those that it has made, written or removed; `outside` are other paths that it has, which nobody compares.
    """

    ended: str
    state: bytes | None
    rows: CalledRows
    files: Mapping[str, Path] | None = None
    touched: frozenset[str] = frozenset()
    outside: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial: the run as it ended, and what it `left`."""

    run: Run
    left: Remains


def left_by(run: Run, rows: CalledRows) -> Remains:
    """What is stored of a run."""
    return Remains(ended=_ended(run), state=run.state, rows=rows)


def tried(subject: Subject, place: Path, name: str, cuts: Sequence[Cut], waiting: Waiting) -> Outcome:
    """Call the run to its end, cut where `cuts` say, in a mirror in `place`/work, which moves to `place`/`name` then.

    What is in `place`/given is what it is given; the first call there makes it.

    `waiting` hears of the wait, and ends it by raising. Raises PyalmaError if the run cannot be started. The
    thread that calls it must live until it returns: the kernel ends an agent with the thread that started it.
    """
    work, states, left = place / "work", place / "states", place / name
    rows = place / f"{name}, rows"
    fence = Fence((os.fspath(work), os.fspath(states)), os.fspath(place / f"{name}, outside"))
    _prepare(subject, place / "given", work)
    before = _marks(files_in(subject.mirror, work))
    try:
        run = _called(subject, work, states, tuple(cuts), waiting, fence)
        if run.extents:
            layout.rows(states).rename(rows)
    finally:
        shutil.rmtree(states, ignore_errors=True)
        work.rename(left)
    moved = _inside(work), b""
    files = files_in(subject.mirror, left)
    touched = frozenset(name for name, _ in before.items() ^ _marks(files).items())
    state = None if run.state is None else run.state.replace(*moved)
    run = _with_error_outside(run, os.fspath(work))
    told = Remains(
        ended=_ended(run),
        state=state,
        rows=CalledRows(rows, run, moved),
        files=files,
        touched=touched,
        outside=_outside(Path(fence.notes)),
    )
    return Outcome(run=run, left=told)


def _prepare(subject: Subject, given: Path, work: Path) -> None:
    """Lay out the mirror. All trials of a run are given the same: code may be edited meanwhile, a log goes on."""
    try:
        if not given.exists():
            copy(subject.mirror, given, later=work)
            for name, text in subject.texts.items():
                file = _in(given, subject.root / name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text)
        shutil.copytree(given, work, symlinks=True, copy_function=_copy_again)
    except OSError as error:
        raise _no_copy(error, work) from error


def _copy_again(one: str, other: str) -> None:
    try:
        shutil.copy2(one, other)
    except OSError as error:  # copytree would go on, and tell of all of them
        raise _no_copy(error, Path(other)) from error


def _no_copy(error: OSError, place: Path) -> StoreError:
    where = error.filename2 or error.filename or place
    return StoreError(
        f"trial: {where}: {error.strerror or error}. The experiment is as it was; free some space, or let TMPDIR name "
        f"another place"
    )


def _called(subject: Subject, work: Path, states: Path, cuts: tuple[Cut, ...], waiting: Waiting, fence: Fence) -> Run:
    ledger, instance, chosen = subject.ledger, subject.instance, subject.meta.chosen
    module, here = _in(work, subject.module), _in(work, subject.mirror.here)
    instances = list(ledger.instances)
    if instance.file:
        instances[instance.id] = replace(instance, file=os.fspath(_in(work, Path(instance.file))))
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
    with first_agent(module, states, chosen, each=settings.each, folder=here, fence=fence) as agent:
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
        runner.send(Quit())
        runner.join()
    if (failure := runner.snapshot().failure) is not None:
        raise failure.error()
    store = read_store(states)  # the last checkpoint may have moved rows
    if store is None:
        raise StoreError(f"store: {states}: nothing is there any more")
    return store.ledger.run(subject.run)


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


# --- the mirror -------------------------------------------------------------------------------------------------------


def _in(work: Path, path: Path) -> Path:
    """The same place in the mirror."""
    return work / path.relative_to("/")


def _inside(path: Path) -> bytes:
    """A path as it stands within a JSON text."""
    return jsontext.encode(os.fspath(path))[1:-1]


def _with_error_outside(run: Run, work: str) -> Run:
    """The run with an error that names the files which were copied, not copies that will be gone."""
    if not isinstance(run.status, s.Failed):
        return run
    error = run.status.error
    error = s.Error(error.message.replace(work, ""), error.traceback.replace(work, ""))
    return replace(run, status=replace(run.status, error=error))


def _put_back(row: Row, moved: tuple[bytes, bytes]) -> Row:
    text = jsontext.encode(row)
    found: Row = jsontext.decode(text.replace(*moved)) if moved[0] in text else row
    return found


def _outside(notes: Path) -> tuple[str, ...]:
    """What was written outside of the copy, but for what the run itself has made there and removed again."""
    if not notes.exists():
        return ()
    found = paths_in(notes.read_bytes())
    return tuple(sorted({path for path, existed in found if existed or os.path.lexists(path)}))


def _marks(files: Mapping[str, Path]) -> dict[str, tuple[int, int]]:
    """What tells of each file whether it was written to since: the copied one may change meanwhile, as a log does."""
    found = {name: path.lstat() for name, path in files.items()}
    return {name: (each.st_ino, each.st_ctime_ns) for name, each in found.items()}
