"""From options to a running experiment: load the module, open the state, choose the front end, say how it ended."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import msgspec

from pyalma_tui import collecting
from pyalma_tui.cli import stalled
from pyalma_tui.cli.options import RunOptions, check, typed_options
from pyalma_tui.cli.outer import Outer, divide
from pyalma_tui.cli.speak import ask, say, tick, untick, warn
from pyalma_tui.errors import InputError, InUseError, StoreError, Terminated, UsageError
from pyalma_tui.loading.plan_file import untaken_plan
from pyalma_tui.loading.target import Target, find_target, heeded, no_instances
from pyalma_tui.model import status as s
from pyalma_tui.model.choice import choose_one
from pyalma_tui.model.taking import job_signals
from pyalma_tui.model.terminal import can_show
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.start import Asked, Start, begun, meta_of
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.store import leases
from pyalma_tui.store.belonging import owner_if_another
from pyalma_tui.store.forgetting import forget
from pyalma_tui.store.lock import in_use
from pyalma_tui.store.opening import read_meta
from pyalma_tui.store.ours import is_begun
from pyalma_tui.store.recent import remember

FrontEnd: TypeAlias = Callable[[Settings, Session, LocalAgent, RunOptions], int]
LOADING_SHOWN_AFTER = 2.0  # seconds
NAMED = 20  # things that --fresh has left, in a message


def _end(number: int, frame: FrameType | None) -> None:
    stalled.watch()
    raise Terminated(number)


def run(
    name: str,
    arguments: Sequence[str],
    options: RunOptions,
    args: tuple[str, ...] | None = None,
    outer: Outer | None = None,
    front: FrontEnd | None = None,
) -> int:
    """Run or resume; the exit code. Raises PyalmaError before anything was started or changed.

    `args` are the module's own, None where those of the last time hold; `outer` is the process that the shell waits for
    if we are the inner one already. `front` shows it instead of a screen in this terminal, or of lines.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # else: nohup
            signal.signal(number, _end)
    check(options, arguments)
    chosen = typed_options(options, args)
    screen = front is None and has_screen(options)
    for number in () if screen or front is not None else job_signals(os.environ):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
    outer = outer or (divide() if screen else None)
    warnings: list[str] = []
    target = find_target(name, heeded(warn, warnings))
    state_dir = target.state_dir(options.state)
    if message := in_use(state_dir):
        if not options.fresh:
            meta_of(target, state_dir)
        if options.fresh or not screen:
            raise InUseError(message)
        from pyalma_tui.cli.viewing import view

        code = view(state_dir, target.path, options, outer)
        if code is not None:
            return code
    if untaken_plan(target.path, state_dir) and not options.fresh:
        from pyalma_tui.cli.import_plan import offer

        offer(name, target, state_dir, may_ask=screen)
    asked = Asked(
        state_dir=state_dir,
        instances=tuple(arguments),
        batch=options.batch,
        seed=options.seed,
        chosen=chosen,
        paused=options.paused,
        retry_failed=options.retry_failed,
        rerun_done=options.rerun_done,
        no_done=options.no_done,
        on=options.on,
        lease=options.lease if options.lease is not None else leases.USUAL,
        fresh=options.fresh,
        foreground=options.debug is not None,
        warnings=tuple(warnings),
    )
    with begun(target, asked, warn) as start:
        front = front or _front_end(
            screen=screen, debugs=asked.foreground, outer=outer
        )  # 0.2 s, spent while the worker imports the module
        _load(start, target)
        if screen and start.settings.batch is None and not is_begun(state_dir):
            from pyalma_tui.cli.picking import pick

            start.give(pick(target.module))
        if options.debug is not None and start.settings.batch is not None:
            choose_one(start.settings.batch, options.debug, "--debug")  # before anything is made or forgotten
        if options.fresh:
            _forget(target, start.settings, yes=options.yes)
        session = start.open()
        remember(target.path, state_dir, time.time())
        settings = (
            start.settings if options.debug is None else _only_debugged(start.settings, session, options.debug, name)
        )
    if not screen:  # which does it after its first painting
        collecting.resume()
    return front(settings, session, start.agent, options)


def has_screen(options: RunOptions) -> bool:
    """Whether a full screen can and may be shown."""
    if options.plain or options.json or options.debug is not None:
        return False
    return can_show()


def _load(start: Start, target: Target) -> None:
    shown = False

    def waiting(seconds: float) -> None:
        nonlocal shown
        if seconds >= LOADING_SHOWN_AFTER:
            shown = True
            tick(f"loading {target.module.name} ({seconds:.0f} s)… ctrl+c stops it")

    try:
        start.load(waiting)
    finally:
        if shown:
            untick()


def _forget(target: Target, settings: Settings, *, yes: bool) -> None:
    """Remove everything that is remembered, after asking. Raises UsageError, InUseError, InputError, StoreError."""
    state_dir = settings.state_dir
    if settings.batch is None:  # only what is to be forgotten knows what to run
        raise InputError(no_instances(target.module))
    if not is_begun(state_dir):
        return
    if not yes and not ask(f"Forget every state and log{_whose(target, state_dir)} in {state_dir}?"):
        raise UsageError(f"--fresh: {state_dir}: not confirmed. Nothing was changed; --yes does not ask")
    if text := leases.waited_for(state_dir):
        warn(text)
    left = forget(state_dir)
    if left:
        more = f" and {len(left) - NAMED:,} more" if len(left) > NAMED else ""
        say(f"--fresh: left in {state_dir}, since pyalma-tui has not made it: {', '.join(left[:NAMED])}{more}")


def _whose(target: Target, state_dir: Path) -> str:
    """Of whom, if the state is another target's."""
    try:
        meta = read_meta(state_dir)
    except StoreError:  # nobody can read it, which may be why it is to be forgotten
        return ""
    owner = owner_if_another(state_dir, meta, target.path, target.module, target.digest) if meta is not None else None
    return f" of {owner[0]}" if owner is not None else ""


def _only_debugged(settings: Settings, session: Session, word: str, target: str) -> Settings:
    """The same for the first run of this instance that is not done; nothing hurries it. `target` as it was typed."""
    ledger, planned = session.ledger, set(session.order)
    try:
        instance = choose_one([each for each in ledger.instances if each.in_batch], word, "--debug")
        left = [i for i in ledger.runs_of[instance.id] if i in planned and not isinstance(ledger.run(i).status, s.Done)]
        if not left:
            again = shlex.join(["pyalma-tui", "reset", target, word])
            raise UsageError(f"--debug {word}: it is done. `{again}` lets it run anew; nothing was started")
    except UsageError:
        session.close()
        raise
    only = left[0]
    return msgspec.structs.replace(
        settings, only=only, foreground=True, workers=1, timeout=None, retries=0, no_done=True
    )


def _front_end(*, screen: bool, debugs: bool, outer: Outer | None) -> FrontEnd:
    """The front end to run, imported while signals wait: what a handler raises amid an import may get lost there."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        if screen:
            import pyalma_tui.tui.app  # noqa: F401 - which it needs at once
            from pyalma_tui.cli.screen import run_screen

            front: FrontEnd = partial(run_screen, outer=outer)
        elif debugs:
            from pyalma_tui.cli.debug import run_debug as front
        else:
            from pyalma_tui.cli.headless import run_headless as front
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    return front
