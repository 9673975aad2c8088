"""The front end with a screen: the app on the main thread, the runner in its own."""

from __future__ import annotations

import sys

from pyalma_tui.cli.headless import report
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.report.plain import Output
from pyalma_tui.runner.commands import Quit
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session, Settings


def run_screen(settings: Settings, session: Session, worker: Worker, options: RunOptions) -> int:
    """Show the screen until it is left, then print the summary; the exit code."""
    from pyalma_tui.tui.app import ExperimentApp

    runner = Runner(settings, session, worker)
    app = ExperimentApp(runner, mouse=not options.no_mouse, theme=options.theme)
    runner.start()
    try:
        app.show()
    finally:
        runner.send(Quit())
        runner.join()
    return report(runner.snapshot(), Output(sys.stdout), quiet=False, ended_by=None)
