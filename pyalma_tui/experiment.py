"""Experiments from a script, a notebook or a test, by the names that pyalma users type.

    import pyalma_tui.experiment as experiment

    dispatcher = experiment.load("sat.experiment", workers=4)
    dispatcher.start()
    dispatcher.join()
    print(dispatcher.results())

`run` is called in processes of their own, which are no copies of this one: a script needs no
`if __name__ == "__main__":`. Errors are `pyalma_tui.errors.PyalmaError`; that a run failed is no error but a result.
"""

from __future__ import annotations

import difflib
import os
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypedDict, Unpack

from pyalma_tui.errors import LoadError, UsageError
from pyalma_tui.loading.plan_file import untaken_plan
from pyalma_tui.loading.target import Target, find_target
from pyalma_tui.model import jsontext
from pyalma_tui.model.chosen import Import, Sync
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.printable import printable
from pyalma_tui.report.facts import failure_of, remaining, run_facts
from pyalma_tui.results import Rows, read
from pyalma_tui.runner.commands import Interrupt, Quit
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.start import Asked, begun
from pyalma_tui.runner.terms import typed
from pyalma_tui.store import leases
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.belonging import refuse_another

__all__ = ["Dispatcher", "Options", "execute", "load"]

POLL = 0.05  # seconds between two looks whether all is over
BEGIN = 0.005  # seconds between two looks whether the runner has begun


class Options(TypedDict, total=False):
    """What may be given beside the path, or None; as on the command line, where the defaults are told too.

    `args` are the module's own, which it sees in `sys.argv`.
    """

    instances: Sequence[str]
    batch: str | os.PathLike[str]
    iterations: int
    workers: int | str
    seed: int
    timeout: float
    retries: int
    grace: float
    sync: Sync
    runs_per_worker: int
    imports: Import
    nice: int
    seed_globals: bool
    state: str | os.PathLike[str]
    on: str
    lease: float
    retry_failed: bool
    rerun_done: bool
    no_done: bool
    args: Sequence[str]


def load(path: str | os.PathLike[str], **options: Unpack[Options]) -> Dispatcher:
    """The dispatcher of an experiment file or a run module; nothing is started yet.

    Raises TypeError for an option that there is not, PyalmaError if there is no such file or it is malformed.
    """
    _check_names(options)
    told: list[str] = []
    target = find_target(os.fspath(path), told.append)
    for text in told:
        warnings.warn(printable(text), stacklevel=2)
    return Dispatcher(target, options)


def _check_names(options: Options) -> None:
    for name in options:
        if name not in Options.__annotations__:
            near = difflib.get_close_matches(name, Options.__annotations__, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(Options.__annotations__)}"
            raise TypeError(f"load() got an unexpected keyword argument {name!r}. {hint}")


def execute(path: str | os.PathLike[str], **options: Unpack[Options]) -> Dispatcher:
    """Load, start, and wait until nothing is left to run; raises TypeError as `load` does, and PyalmaError."""
    dispatcher = load(path, **options)
    dispatcher.start()
    dispatcher.join()
    return dispatcher


class Dispatcher:
    """Runs one experiment in the background of this process. Its methods are for any thread.

    What is started goes on until all that can run has run, also if nobody joins it: the interpreter waits for it at its
    exit. If the script ended with an exception, as by Ctrl+C, the runs are interrupted instead, and keep their states.
    """

    def __init__(self, target: Target, options: Options) -> None:
        """Use `load`. Raises UsageError for numbers that mean nothing."""
        args = options.get("args")
        for name in ("instances", "args"):
            if isinstance(options.get(name), str):
                raise TypeError(f"load() takes {name} as a list of texts, not one text")
        if not isinstance(options.get("on"), str | None):
            raise TypeError("load() takes on as one text, such as 'slurm'")
        for one, other in (("instances", "batch"), ("rerun_done", "no_done")):
            if options.get(one) and options.get(other):
                raise UsageError(f"{one} and {other}: choose one of them. Nothing was started")
        self._chosen = typed(
            args=None if args is None else tuple(map(os.fspath, args)),
            workers=options.get("workers"),
            iterations=options.get("iterations"),
            timeout=options.get("timeout"),
            retries=options.get("retries"),
            runs_per_worker=options.get("runs_per_worker"),
            imports=options.get("imports"),
            nice=options.get("nice"),
            seed_globals=options.get("seed_globals"),
            grace=options.get("grace"),
            sync=options.get("sync"),
        )
        state = options.get("state")
        self.state_dir = target.state_dir(Path(state) if state is not None else None)
        self._target = target
        self._options = options
        self._runner: Runner | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Run what is pending and interrupted; returns when the module is loaded and the runner has begun.

        Raises PyalmaError if it cannot be started: the module has no `run`, another process has it, and so on.
        """
        if self.is_alive():
            raise UsageError(f"start: {self._target.path}: it has been started already. Call join() or stop() first")
        self._stop = threading.Event()
        self._runner = None
        begun: SimpleQueue[Runner | BaseException] = SimpleQueue()
        told: list[str] = []
        # a thread that outlives the workers it starts: the kernel ends a worker with the thread that started it
        self._thread = threading.Thread(
            target=self._conduct, args=(begun, told), name="pyalma-tui-dispatcher", daemon=False
        )
        self._thread.start()
        try:
            first = begun.get()
        except KeyboardInterrupt:
            self._give_up()
            raise
        for text in told:
            warnings.warn(printable(text), stacklevel=2)
        if isinstance(first, BaseException):
            self._thread.join()
            raise first

    def stop(self) -> None:
        """Interrupt what runs and return when it has ended; every state is kept, a later start continues.

        Each run ends at its next `save()`, after the grace by signals. Raises PyalmaError if the store failed.
        """
        self._stop.set()
        self.join()

    def join(self, timeout: float | None = None) -> None:
        """Wait until nothing is left to run, at most so many seconds; Ctrl+C interrupts the runs first.

        Raises PyalmaError if the experiment had to end, as on a full disk; not for runs that failed.
        """
        thread = self._thread
        if thread is None:
            return
        try:
            thread.join(timeout)
        except KeyboardInterrupt:
            self._give_up()
            raise
        if not thread.is_alive():
            self._raise_failure()

    def is_alive(self) -> bool:
        """Whether it has been started and is not over."""
        return self._thread is not None and self._thread.is_alive()

    def num_active_workers(self) -> int:
        """How many worker processes there are now."""
        return len(self._runner.snapshot().slots) if self._runner is not None and self.is_alive() else 0

    def results(self) -> list[dict[str, Any]]:
        """A plain record for every run, as it stands now; of what was never started the list is empty.

        The keys are those of `status --json`, and `file`; `log` is an absolute path. Raises StoreError.
        """
        instances: Sequence[Instance]
        now: float | None = None
        if self._runner is not None:
            snapshot = self._runner.snapshot()
            instances, runs, now = snapshot.instances, list(snapshot.runs), time.time()
        else:
            store, _ = look(self.state_dir)
            if store is None:
                return []
            target = self._target
            refuse_another(self.state_dir, store.meta, target.path, target.module, target.digest)
            instances, runs = store.ledger.instances, list(store.ledger.runs)
        return [self._record(run, instances[run.instance], now) for run in remaining(instances, runs)]

    def rows(self, where: str = "") -> Rows:
        """The rows that runs have recorded and that count now, each exactly once; `where` as for `pyalma-tui results`.

        Raises UsageError for a filter that means nothing; iterating raises StoreError if nothing was ever started.
        """
        return read(self.state_dir, where) if self.state_dir.is_dir() else Rows(self.state_dir, where)

    def _record(self, run: Run, instance: Instance, now: float | None) -> dict[str, Any]:
        facts = run_facts(run, instance, now)
        record = {name: getattr(facts, name) for name in facts.__struct_fields__}
        return record | {
            "file": instance.file,
            "data": jsontext.decode(bytes(facts.data)),
            "state": jsontext.decode(bytes(facts.state)),
            "log": None if facts.log is None else str(self.state_dir / facts.log),
        }

    # --- the thread ----------------------------------------------------------------------------------------------

    def _conduct(self, begun: SimpleQueue[Runner | BaseException], told: list[str]) -> None:
        try:
            self._runner = runner = self._begin(told)
        except BaseException as error:  # noqa: BLE001 - the caller of start() raises it
            begun.put(error)
            return
        while runner.is_alive() and runner.snapshot().phase == "opening":
            time.sleep(BEGIN)
        begun.put(runner)
        while runner.snapshot().phase not in ("idle", "closed") and not self._stop.wait(POLL):
            if _script_has_crashed():
                break
        runner.send(Quit())
        runner.join()

    def _begin(self, told: list[str]) -> Runner:
        target, options = self._target, self._options
        if plan := untaken_plan(target.path, self.state_dir):
            told.append(f"{plan}; `pyalma-tui import {target.path}` continues it, before a first start")
        batch, lease = options.get("batch"), options.get("lease")
        asked = Asked(
            state_dir=self.state_dir,
            instances=tuple(options.get("instances") or ()),
            batch=Path(batch) if batch is not None else None,
            seed=options.get("seed"),
            chosen=self._chosen,
            retry_failed=bool(options.get("retry_failed")),
            rerun_done=bool(options.get("rerun_done")),
            no_done=bool(options.get("no_done")),
            on=options.get("on"),
            lease=leases.USUAL if lease is None else lease,
            warnings=tuple(told),
        )
        with begun(target, asked, told.append) as start:
            start.load(self._waiting)
            start.see_all()
            session = start.open()
        runner = Runner(start.settings, session, start.agent)
        runner.start()
        return runner

    def _waiting(self, seconds: float) -> None:
        if self._stop.is_set():
            raise LoadError(f"module: {self._target.module}: stopped while it was loading. Nothing was started")

    # --- its end -------------------------------------------------------------------------------------------------

    def _give_up(self) -> None:
        """After Ctrl+C: interrupt what runs; after a second one, at once."""
        self._stop.set()
        thread = self._thread
        while thread is not None and thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt:
                if self._runner is not None:
                    self._runner.send(Interrupt())

    def _raise_failure(self) -> None:
        if self._runner is None:
            return
        if failure := failure_of(self._runner.snapshot()):
            raise failure.error()


def _script_has_crashed() -> bool:
    """Whether the main thread has ended with an exception that nobody caught."""
    return not threading.main_thread().is_alive() and hasattr(sys, "last_type")
