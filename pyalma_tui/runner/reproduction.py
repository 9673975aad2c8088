"""One run called once more, apart from its experiment: in a copy of its folder, with the code that it had.

Nothing of the experiment is touched. What `run` reads and writes below the folder it finds in the copy; where its state
holds a path of that, it is compared as the path that it was. An instance file elsewhere stays where it is.
"""

from __future__ import annotations

import os
import select
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from pyalma_tui import marks
from pyalma_tui.errors import InputError, LoadError
from pyalma_tui.model import jsontext
from pyalma_tui.model import messages as m
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.code import Code
from pyalma_tui.model.experiment import Run, fold
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import RunRecord, order
from pyalma_tui.model.status import Error, Failed
from pyalma_tui.model.words import size
from pyalma_tui.runner.workers.local import LocalAgent, wait_until_loaded
from pyalma_tui.runner.workers.protocol import AgentGone, Assignment, Said, Service
from pyalma_tui.store import layout
from pyalma_tui.store.disk import umask_now
from pyalma_tui.store.kept_code import text_of
from pyalma_tui.store.opening import segments
from pyalma_tui.store.segment import LIMIT, READ
from pyalma_tui.store.tail import Tail

LARGEST = 1_000_000_000  # bytes of a folder that is copied
MOST = 20_000  # files of it
LEFT_OUT = ("__pycache__", ".git", ".hg", ".venv", "venv", "node_modules")  # what a run neither reads nor writes
WORKER = 1
NO_STATE = msgspec.Raw(b'""')


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The run to repeat: `folder` is what is copied, `here` where in it the run is called, `root` what the names of the
    code's files are seen from. `texts` are those to put in the place of what is there now, by their names.
    """

    module: Path
    folder: Path
    here: Path
    root: Path
    run: Run
    instance: Instance
    chosen: Chosen
    seed_globals: bool = False
    texts: dict[str, bytes] = {}


class Repeated(msgspec.Struct, frozen=True):
    """What became of it: the run as it ended, its last state with the paths of the original, and what was imported."""

    run: Run
    state: bytes | None
    installed: list[str]


def folder_of(root: Path, here: Path) -> tuple[Path, Path]:
    """The folder to copy and where in it to call the run: all of `here` if the code is below it, else the code's.

    Raises InputError if it is too large to be copied.
    """
    if root.is_relative_to(here) and _fits(here):
        return here, here
    if not _fits(root):
        raise InputError(
            f"reproduce: {root}: it has more than {size(LARGEST)} or {MOST:,} files, and the run works on a copy. "
            f"Nothing was started; put the module into a smaller folder"
        )
    return root, here if here.is_relative_to(root) else root


def _fits(folder: Path) -> bool:
    total = 0
    for count, path in enumerate(_files(folder)):
        total += path.lstat().st_size
        if total > LARGEST or count >= MOST:
            return False
    return True


def kept_code(state_dir: Path, code: Code) -> tuple[dict[str, bytes], list[str]]:
    """The texts of a code, and the names of the files of which none is kept."""
    texts, missing = {}, []
    for name, digest in code.files.items():
        if (text := text_of(state_dir, digest)) is not None:
            texts[name] = text
        else:
            missing.append(name)
    return texts, missing


def repeat(subject: Subject, place: Path, waiting: Callable[[float], None]) -> Repeated:
    """Call the run from its beginning in an empty folder `place`; `waiting` hears each second for how long.

    The thread that calls it must live until it returns. Raises LoadError if the module cannot be imported, OSError.
    """
    work = place / "work"
    shutil.copytree(subject.folder, work, symlinks=True, ignore=_ignored)
    for name, text in subject.texts.items():
        file = _moved(subject.root / name, subject, work)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    run, installed = _called(subject, work, place / "state", waiting)
    state = run.state
    if state is not None:
        state = state.replace(_inside(work), _inside(subject.folder))
    return Repeated(run, state, installed)


def _called(subject: Subject, work: Path, state_dir: Path, waiting: Callable[[float], None]) -> tuple[Run, list[str]]:
    for folder in (state_dir, layout.journal(state_dir), layout.logs(state_dir)):
        folder.mkdir()
    mark = f"again-{os.getpid()}-{time.monotonic_ns()}"
    module, here = _moved(subject.module, subject, work), _moved(subject.here, subject, work)
    with (state_dir / "import.log").open("wb") as output, layout.lock(state_dir).open("wb") as lock:
        each = subject.chosen.imports == "each"
        agent = LocalAgent(module, output, mark, subject.chosen, each=each, folder=here)
        try:
            loaded = wait_until_loaded(agent, module, waiting)
            service = Service(str(state_dir), lock.fileno(), False, umask_now(), seed_globals=subject.seed_globals)
            ended = _order(agent, service, _run_order(subject, work), subject.run.slot or 0, waiting)
            agent.part()
        except BaseException:
            agent.discard()
            marks.sweep(mark, 1.0)
            raise
    return _folded(subject, state_dir, ended), loaded.installed


def _order(agent: LocalAgent, service: Service, order: m.RunOrder, slot: int, waiting: Callable[[float], None]) -> str:
    """Let a worker carry it out and end; why it could not, "" if it could."""
    state_dir = Path(service.state_dir)
    agent.serve(service)
    log = str(state_dir / "worker.log")
    agent.start(WORKER, Assignment(slot, layout.segment_name(1, "w0001", 1), LIMIT, log))
    began = time.monotonic()
    why = ""
    while True:
        if not _readable(agent):
            waiting(time.monotonic() - began)
        for event in agent.receive():
            match event:
                case Said(reply=m.Serving()):
                    agent.order(WORKER, order)
                case Said(reply=m.Ended(refused=refused)):
                    why = refused.why if refused is not None else ""
                    agent.order(WORKER, m.Exit())
                case Said(reply=m.ServeFailed(error=error)) | Said(reply=m.LoadFailed(error=error)):
                    raise LoadError(f"reproduce: {error.message}", error.traceback)
                case Said(reply=m.TryLater(why=reason)) | m.NotBorn(why=reason):
                    raise LoadError(f"reproduce: no worker can be started: {reason}")
                case m.Gone(code=code):
                    return why or (f"its worker ended with code {code}" if code else "")
                case AgentGone(why=reason):
                    raise LoadError(f"reproduce: the process that its worker was forked from {reason}")


def _readable(agent: LocalAgent) -> bool:
    poll = select.poll()  # select() takes no descriptor over 1023
    poll.register(agent, select.POLLIN)
    return bool(poll.poll(1000))


def _run_order(subject: Subject, work: Path) -> m.RunOrder:
    run, instance = subject.run, subject.instance
    file = os.fspath(_moved(Path(instance.file), subject, work)) if instance.file else ""
    return m.RunOrder(
        run=run.id,
        attempt=1,
        instance=instance.id,
        file=file,
        is_object=instance.data is not None,
        data=msgspec.Raw(instance.data or b"null"),
        iteration=run.iteration,
        seed=run.seed,
        state=NO_STATE,
        bare=instance.bare,
    )


def _folded(subject: Subject, state_dir: Path, why: str) -> Run:
    """The run after what its worker has recorded."""
    run = Run(subject.run.id, subject.run.instance, subject.run.iteration, subject.run.seed)
    for record in sorted(_records(state_dir), key=order):
        run = fold(run, record)
    if why:
        run = msgspec.structs.replace(run, status=Failed(Error(why), time.time()))
    return run


def _records(state_dir: Path) -> Iterator[RunRecord]:
    journal = layout.journal(state_dir)
    for name in segments(journal):
        tail = Tail(journal / name)
        try:
            yield from [each for each in tail.read(bytearray(READ)) if isinstance(each, RunRecord)]
        finally:
            tail.close()


def _moved(path: Path, subject: Subject, work: Path) -> Path:
    """The same place in the copy."""
    return work / path.relative_to(subject.folder) if path.is_relative_to(subject.folder) else path


def _inside(path: Path) -> bytes:
    """A path as it stands within a JSON text."""
    return jsontext.encode(os.fspath(path))[1:-1]


def _ignored(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in LEFT_OUT or name.endswith(".alma")}


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        left_out = _ignored(where, folders)
        folders[:] = [name for name in folders if name not in left_out]
        for name in names:
            if not (path := Path(where, name)).is_symlink() and path.is_file():
                yield path
