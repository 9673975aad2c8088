"""An experiment that another process runs, shown read-only, and taken over if the user wants that."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyalma_tui.cli.headless import report
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.outer import Outer
from pyalma_tui.cli.preferred import preferred
from pyalma_tui.cli.screen import Ending, show
from pyalma_tui.cli.speak import leave_terminal, say
from pyalma_tui.cli.waiting import asked_and_gone
from pyalma_tui.errors import InUseError
from pyalma_tui.report.plain import FallibleStream
from pyalma_tui.runner import handover
from pyalma_tui.runner.snapshot import Elsewhere
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.store.kept_filter import kept_filter
from pyalma_tui.store.lock import holder, in_use


class LeftError(InUseError):
    """The view was left, and the other process goes on."""


def view(state_dir: Path, target: Path, options: RunOptions, outer: Outer | None) -> int | None:
    """Show it until the view is left; the exit code, None if it is to go on here: nobody holds it then.

    Raises LeftError if it is left while the other process goes on, InUseError if that did not hand over.
    """
    from pyalma_tui.tui.app import ExperimentApp

    viewer = Viewer(state_dir, target)
    preferences, kept_in, mistake = preferred()
    app = ExperimentApp(
        viewer,
        mouse=not options.no_mouse,
        theme=options.theme,
        read_only=True,
        preferences=preferences,
        kept_in=kept_in,
        mistake=mistake,
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
        raise LeftError(message)
    viewer.look()
    return report(
        viewer.snapshot(), FallibleStream(sys.stdout), quiet=False, ended_by=None, calls_done=not options.no_done
    )


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
    if not asked_and_gone(state_dir, who, "hand over"):
        return 130
    say(f"process {who.pid} has handed over")
    return None
