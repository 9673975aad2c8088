"""An experiment that another process runs, shown read-only, and taken over if the user wants that."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from pyalma_tui.cli.headless import report
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.outer import Outer
from pyalma_tui.cli.preferred import preferred
from pyalma_tui.cli.screen import Ending, show
from pyalma_tui.cli.speak import leave_terminal, say, tick, untick
from pyalma_tui.errors import InUseError
from pyalma_tui.report.plain import Output
from pyalma_tui.runner import handover
from pyalma_tui.runner.processes import is_stopped
from pyalma_tui.runner.snapshot import Elsewhere
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.store.kept_filter import kept_filter
from pyalma_tui.store.lock import Holder, holder, in_use

POLL = 0.1  # seconds between two looks whether the lock is free


def view(state_dir: Path, target: Path, options: RunOptions, outer: Outer | None) -> int | None:
    """Show it until the view is left; the exit code, None if it is to go on here: nobody holds it then.

    Raises InUseError if it is left while the other process goes on.
    """
    from pyalma_tui.tui.app import ExperimentApp

    viewer = Viewer(state_dir, target)
    preferences, kept_in = preferred()
    app = ExperimentApp(
        viewer,
        mouse=not options.no_mouse,
        theme=options.theme,
        read_only=True,
        preferences=preferences,
        kept_in=kept_in,
        filtered=kept_filter(state_dir),
    )
    with _signals_as_they_are():
        ending = Ending(app, viewer)
        viewer.start()
        try:
            show(app, ending, state_dir, outer)
        finally:
            viewer.close()
    if app.crash is not None:
        return 1
    if ending.gone:
        leave_terminal()
        return 128 + signal.SIGHUP
    if ending.by is not None:
        return 128 + ending.by
    if app.takes_over:
        return _take_over(state_dir, viewer.snapshot().elsewhere)
    if message := in_use(state_dir):
        raise InUseError(message)
    viewer.look()
    return report(viewer.snapshot(), Output(sys.stdout), quiet=False, ended_by=None, calls_done=not options.no_done)


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    """Afterwards: what ends the view is not what ends the experiment that may be started next."""
    known = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


def _take_over(state_dir: Path, seen: Elsewhere | None) -> int | None:
    """Let the process that was seen hand over, and wait; the exit code of giving up. Raises InUseError."""
    who = holder(state_dir)
    if who is None:
        return None
    if seen is None or who.pid != seen.pid:
        why = "another process has begun to run it meanwhile"
    else:
        why = handover.obstacle(state_dir, who)
    if why:
        raise InUseError(f"{state_dir}: not taken over: {why}. Nothing was changed")
    asked = handover.ask(who)
    try:
        _wait_for(state_dir, who)
    except KeyboardInterrupt:
        sys.stderr.write("\n")  # behind the line that was being waited on
        say("not waited for any longer" + f"; process {who.pid} goes on stopping, and keeps every state" * asked)
        return 130
    return None


def _wait_for(state_dir: Path, who: Holder) -> None:
    """Wait until nobody holds it, however long the grace is; raises InUseError if somebody else takes it."""
    began = time.monotonic()
    while (now := holder(state_dir)) is not None:
        if now.pid not in (who.pid, 0) and (message := in_use(state_dir)):
            raise InUseError(message)
        if not psutil.pid_exists(who.pid):
            what = f"process {who.pid} is gone, its workers are not yet"
        elif is_stopped(who.pid):
            what = f"process {who.pid} is stopped: `fg` in its terminal lets it go on"
        else:
            what = f"waiting for process {who.pid} to hand over"
        tick(f"pyalma-tui: {what} ({time.monotonic() - began:.0f} s)… ctrl+c gives up")
        time.sleep(POLL)
    untick()
    say(f"process {who.pid} has handed over")
