"""From options to a running experiment: load the module, open the state, choose the front end, say how it ended."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import msgspec

from pyalma_tui.cli import stalled
from pyalma_tui.cli.options import RunOptions, check_numbers
from pyalma_tui.cli.speak import ask, tick, untick, warn
from pyalma_tui.errors import Ended, InUseError, StoreError, UsageError
from pyalma_tui.loading.plan_file import untaken_plan
from pyalma_tui.loading.target import Target, find_instances, find_target, given_entries, workers_of
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Loaded
from pyalma_tui.model.terminal import knows_controls
from pyalma_tui.runner.first import first_worker
from pyalma_tui.runner.local_slots import Worker, wait_until_loaded
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.store.lock import Lock, in_use

FrontEnd: TypeAlias = Callable[[Settings, Session, Worker, RunOptions], int]
LOADING_SHOWN_AFTER = 2.0  # seconds


def _end(number: int, frame: FrameType | None) -> None:
    stalled.watch()
    raise Ended(number)


def run(name: str, arguments: Sequence[str], options: RunOptions) -> int:
    """Run or resume; the exit code. Raises PyalmaError before anything was started or changed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # else: nohup
            signal.signal(number, _end)
    check_numbers(options)
    screen = has_screen(options)
    target = find_target(name, warn)
    workers = workers_of(target, options.workers)
    state_dir = target.state_dir(options.state)
    if message := in_use(state_dir):  # refuse early, before the module of a running experiment is imported once more
        if not screen or options.fresh:
            raise InUseError(message)
        from pyalma_tui.cli.viewing import view

        code = view(state_dir, target.path, options)
        if code is not None:
            return code
    if untaken_plan(target.path, state_dir) and not options.fresh:
        from pyalma_tui.cli.import_plan import offer

        offer(name, target, state_dir, may_ask=screen)
    given = given_entries(target, arguments, options.batch, warn)
    with first_worker(target.module, state_dir) as worker:
        front = _front_end(screen=screen)  # 0.2 s, spent while the worker imports the module
        loaded = _load(worker, target)
        settings = _settings(target, find_instances(target, given, loaded, warn), options, workers, state_dir)
        del given  # the instances have it: not twice in memory
        if options.fresh:
            forget(state_dir, yes=options.yes)
        session = Session(settings, loaded.hash, loaded.has_done)
        settings = msgspec.structs.replace(settings, batch=None)  # the session has it: not twice in memory
    return front(settings, session, worker, options)


def _settings(
    target: Target, batch: list[Instance] | None, options: RunOptions, workers: int, state_dir: Path
) -> Settings:
    file = target.experiment
    return Settings(
        target=target.path,
        module=target.module,
        state_dir=state_dir,
        batch=batch,
        iterations=options.iterations if options.iterations is not None else (file.iterations if file else None),
        seed=options.seed if options.seed is not None else (file.seed if file else None),
        workers=workers,
        grace=options.grace,
        sync=options.sync,
        timeout=options.timeout,
        retries=options.retries,
        paused=options.paused,
        retry_failed=options.retry_failed,
        rerun_done=options.rerun_done,
        no_done=options.no_done,
    )


def has_screen(options: RunOptions) -> bool:
    """Whether a full screen can and may be shown: Textual draws on any stream, so this is ours to decide."""
    if options.plain or options.json:
        return False
    return knows_controls() and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _load(worker: Worker, target: Target) -> Loaded:
    shown = False

    def waiting(seconds: float) -> None:
        nonlocal shown
        if seconds >= LOADING_SHOWN_AFTER:
            shown = True
            tick(f"loading {target.module.name} ({seconds:.0f} s)… ctrl+c stops it")

    try:
        return wait_until_loaded(worker, target.module, waiting)
    finally:
        if shown:
            untick()


def forget(state_dir: Path, *, yes: bool) -> None:
    """Remove everything that is remembered, after asking. Raises UsageError, InUseError, StoreError."""
    if not state_dir.exists():
        return
    if not yes and not ask(f"Forget every state and log in {state_dir}?"):
        raise UsageError(f"--fresh: {state_dir}: not confirmed. Nothing was changed; --yes does not ask")
    with Lock(state_dir, 0.0):
        try:
            for path in sorted(state_dir.iterdir()):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                elif path.name != "lock":
                    path.unlink()
        except OSError as error:
            raise StoreError(f"--fresh: {error.filename}: {error.strerror}. Some of it may be gone") from error


def _front_end(*, screen: bool) -> FrontEnd:
    """The front end to run, imported while signals wait: what a handler raises amid an import may get lost there."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        if screen:
            import pyalma_tui.tui.app  # noqa: F401 - which it needs at once
            from pyalma_tui.cli.screen import run_screen as front
        else:
            from pyalma_tui.cli.headless import run_headless as front
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return front
