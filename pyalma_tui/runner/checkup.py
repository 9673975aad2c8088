"""Looking at an experiment without starting or changing anything: its store, lock, module, instances and disk."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil

from pyalma_tui.errors import InputError, LoadError, PyalmaError, StoreError
from pyalma_tui.loading.source import drawn, signature
from pyalma_tui.loading.target import Target, find_instances, given_entries, warning_of_absent
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.messages import Loaded
from pyalma_tui.model.words import plural, size
from pyalma_tui.runner.printed import said
from pyalma_tui.runner.terms import Terms, shown_args, terms_of
from pyalma_tui.runner.workers.local import LocalAgent, wait_until_loaded
from pyalma_tui.store import layout
from pyalma_tui.store.abandoned import look, why_interrupted
from pyalma_tui.store.belonging import refuse_another
from pyalma_tui.store.checkpoint import CheckpointStorage
from pyalma_tui.store.lock import holder
from pyalma_tui.store.opening import Store, read_meta, segments
from pyalma_tui.store.rows import missing
from pyalma_tui.store.schema import Meta

LOAD_LIMIT = 60.0  # seconds that the module gets to be imported
LITTLE = 200 << 20  # bytes: logs, journals and two checkpoints of a large experiment want more


class Finding(msgspec.Struct, frozen=True):
    """One line of a check-up: what about, what is so, what to do if that is not fine.

    `code` is the exit code that a start would have for this reason, 0 where it is only worth knowing.
    """

    topic: str
    fact: str
    advice: str = ""
    code: int = 0


def _failed(topic: str, error: PyalmaError) -> Finding:
    """The finding of an error, whose message says what to do."""
    return Finding(topic, error.message.removeprefix(f"{topic}: "), code=error.exit_code)


# --- store and lock ----------------------------------------------------------------------------------------------


def look_at_store(target: Target, state_dir: Path) -> Iterator[Finding]:
    """Whether the state can be read and is this target's, how large it is, and who holds it."""
    try:
        os.stat(state_dir)
    except FileNotFoundError:
        yield Finding("store", f"{state_dir}: not there yet; the first start makes it")
        return
    try:
        store, busy = look(state_dir)
    except PyalmaError as error:
        yield _failed("store", error)
    else:
        if store is not None:
            yield from _belonging(target, state_dir, store)
        yield from _content(state_dir, store, busy=busy is not None)
    try:
        yield from _sizes(state_dir)
        yield from _backup(state_dir)
    except OSError as error:
        yield Finding("store", f"{error.filename}: {error.strerror}", "change its permissions", 3)
    yield _lock(state_dir)


def _belonging(target: Target, state_dir: Path, store: Store) -> Iterator[Finding]:
    try:
        refuse_another(state_dir, store.meta, target.path, target.module, target.digest)
    except PyalmaError as error:
        yield _failed("store", error)


def _content(state_dir: Path, store: Store | None, *, busy: bool) -> Iterator[Finding]:
    if store is None:
        yield Finding("store", f"{state_dir}: nothing is in it yet")
        return
    counts = store.ledger.counts
    numbers = msgspec.structs.asdict(counts)
    because = {"interrupted": why_interrupted(store.ledger.runs, counts.interrupted)}
    shown = ", ".join(f"{number:,} {word}{because.get(word, '')}" for word, number in numbers.items() if number)
    if aside := store.ledger.aside.total:
        shown += f"{', ' * bool(shown)}{aside:,} not in the batch any more"
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(store.meta.written_at))
    yield Finding(
        "store",
        f"{layout.database(state_dir)}: schema {store.meta.schema}, session {store.meta.session}, written {written}",
    )
    yield Finding("runs", shown or "none")
    if rows := sum(rows_in(run.extents) for run in store.ledger.runs):
        yield Finding("rows", f"{plural(rows, 'row')} of results, recorded and saved; `pyalma-tui results` prints them")
    if lost := missing(layout.rows(state_dir), store.ledger.runs, store.recorded):
        yield Finding("rows", lost, code=3)
    for name, lines in store.damaged.items():
        fact = f"{layout.journal(state_dir) / name}: {plural(lines, 'damaged or torn line')} skipped"
        advice = "all others count; the next start keeps the file aside and goes on"
        yield Finding("journal", fact, advice, 0 if busy else 3)
    for name in store.stale:
        fact = f"{layout.journal(state_dir) / name}: older than {layout.DATABASE}, as from a backup"
        yield Finding("journal", fact, "nothing of it counts; the next start keeps the file aside and goes on")


def _sizes(state_dir: Path) -> Iterator[Finding]:
    database = layout.database(state_dir)
    parts = [f"{layout.DATABASE} {size(database.stat().st_size)}"] if database.is_file() else []
    journal = layout.journal(state_dir)
    parts.append(f"journal {size(_size_of(journal))} in {plural(len(segments(journal)), 'segment')}")
    if (rows := layout.rows(state_dir)).is_dir():
        parts.append(f"rows {size(_size_of(rows))}")
    parts.append(f"logs {size(_size_of(layout.logs(state_dir)))}")
    yield Finding("sizes", ", ".join(parts))
    if not os.access(state_dir, os.W_OK | os.X_OK):
        yield Finding("store", f"{state_dir}: it may not be written", "change its permissions, or --state DIR", 3)


def _backup(state_dir: Path) -> Iterator[Finding]:
    path = layout.backup(state_dir)
    if not path.is_file():
        return
    try:
        CheckpointStorage(path).tables()
    except PyalmaError as error:
        yield Finding("backup", error.message, f"{layout.DATABASE} counts; the next checkpoint makes a new backup")
    else:
        written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
        yield Finding("backup", f"{path}: readable, from {written}")


def _lock(state_dir: Path) -> Finding:
    try:
        who = holder(state_dir)
    except PyalmaError as error:
        return _failed("lock", error)
    if who is None:
        return Finding("lock", "free")
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(who.since))
    if who.elsewhere or psutil.pid_exists(who.pid):
        return Finding("lock", f"in use by {who.name} since {since}; `pyalma-tui status` shows how it stands")
    fact = f"held by a worker of process {who.pid}, which is gone"
    return Finding("lock", fact, "it ends by itself within seconds; else look for pyalma_tui.worker in `ps`", 4)


def _size_of(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # it went meanwhile
                continue
    return total


# --- module and instances ----------------------------------------------------------------------------------------


def look_at_module(target: Target, state_dir: Path, args: tuple[str, ...] | None) -> Iterator[Finding]:
    """Whether a worker can import the module, what it offers, and which instances there are."""
    try:
        busy = holder(state_dir) is not None
    except PyalmaError:  # which is told of the lock
        busy = False
    if busy:
        yield Finding("module", f"{target.module}: not loaded, since it is running")
        return
    try:
        terms = _terms(target, state_dir, args)
        chosen = terms.chosen
        if chosen.args:
            yield Finding("arguments", f"{target.module.name} gets {shown_args(chosen.args)}")
        loaded, took, printed = _load(target.module, chosen)
    except LoadError as error:
        last = error.details.rstrip().rpartition("\n")[2].strip() if error.details else ""
        why = error.message.removeprefix("module: ")
        yield Finding("module", why if last in why else f"{why} ({last})", code=2)
        return
    wrote = f", prints {size(printed)}" if printed else ""
    yield Finding("module", f"{target.module}: loads in {took:.1f} s{wrote}")
    yield Finding("run", signature(target.module, "run"))
    yield Finding("done", "done() is called once, when all runs are done" if loaded.has_done else "no done()")
    if not loaded.unforkable and (found := drawn(target.module)) is not None:
        yield _random(*found, seeded=terms.seed_globals)
    yield from _instances(target, loaded, state_dir)


def _random(name: str, line: int, *, seeded: bool) -> Finding:
    """What a call of a function means that draws from a generator which a whole process shares."""
    if seeded:
        return Finding(
            "random", f"{name} in line {line} draws from what is seeded before each call from the run's seed"
        )
    return Finding(
        "random",
        f"{name} in line {line} draws from a state that all workers have from the import",
        "random.Random(seed) draws for one run alone; `--seed-globals` seeds that state before each call",
    )


def _terms(target: Target, state_dir: Path, args: tuple[str, ...] | None) -> Terms:
    """How a start would run the module."""
    try:
        known = read_meta(state_dir) or Meta()
    except StoreError:  # a finding of its own
        known = Meta()
    return terms_of(target, known, Chosen(args=args), None)


def _load(module: Path, chosen: Chosen) -> tuple[Loaded, float, int]:
    """What a worker says of the module, after how many seconds, and how many bytes it printed; raises LoadError."""
    began = time.monotonic()

    def waiting(seconds: float) -> None:
        if seconds > LOAD_LIMIT:
            raise LoadError(f"{module}: its import takes more than {LOAD_LIMIT:.0f} s. Look what it waits for")

    with tempfile.TemporaryFile() as output:
        agent = LocalAgent(module, output, f"doctor-{os.getpid()}-{time.monotonic_ns()}", chosen)
        try:
            loaded = _wait(agent, module, waiting)
        except LoadError as error:
            raise LoadError(said(error.message, output), error.details) from None
        return loaded, time.monotonic() - began, os.fstat(output.fileno()).st_size


def _wait(agent: LocalAgent, module: Path, waiting: Callable[[float], None]) -> Loaded:
    """Wait until it is loaded or not, and end the agent: everything is printed then."""
    try:
        return wait_until_loaded(agent, module, waiting)
    finally:
        agent.part()


def _instances(target: Target, loaded: Loaded, state_dir: Path) -> Iterator[Finding]:
    warnings: list[str] = []
    try:
        given = given_entries(target, (), None, warnings.append)
        found = find_instances(target, given, loaded, warnings.append)
        warnings += filter(None, [warning_of_absent(found or ())])
    except InputError as error:
        yield _failed("instances", error)
        return
    if found is not None:
        yield Finding("instances", f"{len(found):,}, of which {found[0].label} is the first" if found else "none")
    elif os.path.exists(state_dir):
        yield Finding("instances", "those that are remembered; no file beside the module names any")
    else:
        yield Finding(
            "instances", "no file beside the module names any", "name them after the module, or write a .batch"
        )
    for warning in warnings:
        yield Finding("instances", warning, "look whether this is meant")


# --- disk --------------------------------------------------------------------------------------------------------


def look_at_disk(folder: Path) -> Iterator[Finding]:
    """Whether there is room, and whether a state directory can be made, in the folder or the nearest that exists."""
    while not os.path.exists(folder):
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk",
        f"{folder}: {size(free)} free",
        "make room: a state that cannot be stored ends its run" if free < LITTLE else "",
        3 if free < LITTLE else 0,
    )
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("disk", f"{folder}: it may not be written", "change its permissions, or --state DIR", 3)
