"""The front end with a screen: the app on the main thread, the runner in its own."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from pyalma_tui.cli.headless import Signals, report
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.speak import leave_terminal, say, terminal_is_gone
from pyalma_tui.report.plain import Changes, Output, follow
from pyalma_tui.runner.commands import Quit, Remark
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session, Settings
from pyalma_tui.runner.snapshot import Conductor

if TYPE_CHECKING:
    from pyalma_tui.tui.app import ExperimentApp


class Ending:
    """Why the screen ended without being asked: a signal, of which SIGHUP means that the terminal is gone.

    Once it is `left`, or at the second signal, what still runs is killed.
    """

    def __init__(self, app: ExperimentApp, runner: Conductor) -> None:
        self.by: signal.Signals | None = None
        self.left = False
        self._app = app
        self._runner = runner
        self.listen()

    def listen(self) -> None:
        """Take the signals that end us."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not self.left and terminal_is_gone():
            leave_terminal()  # before the SIGCONT that follows makes Textual paint: it waits for ever for a dead writer
        if self.by is None and not self.left:
            self.by = signal.Signals(number)
            self._app.exit()  # takes effect at the app's next look, an eighth of a second away
        elif number != signal.SIGHUP:  # which may be told twice
            self._runner.send(Quit())


def run_screen(settings: Settings, session: Session, worker: Worker, options: RunOptions) -> int:
    """Show the screen until it is left, then print the summary; the exit code."""
    from pyalma_tui.tui.app import ExperimentApp

    runner = Runner(settings, session, worker)
    app = ExperimentApp(runner, mouse=not options.no_mouse, theme=options.theme)
    ending = Ending(app, runner)
    runner.start()
    output = Output(sys.stdout)
    try:
        show(app, ending, settings.state_dir)
        if ending.by is signal.SIGHUP:
            leave_terminal()
            output.gone = True
            if options.on_hangup == "continue":
                ending.by = _go_on(runner, options, settings.grace)
    finally:
        ending.left = True
        ending.listen()
        runner.send(Quit())
        runner.join()
    code = report(runner.snapshot(), output, quiet=False, ended_by=ending.by)
    return code if app.crash is None else code or 1


def show(app: ExperimentApp, ending: Ending, state_dir: Path) -> None:
    """Show the screen until it is left; a defect of ours is told, and its traceback kept."""
    try:
        app.show()
    except OSError:
        if ending.by is not signal.SIGHUP:  # else: nobody is left to restore a terminal for
            raise
    if app.crash is not None:
        path = state_dir / "crash.log"
        text = "".join(traceback.format_exception(app.crash))
        path.write_text(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}", encoding="utf-8", errors="backslashreplace")
        say(f"screen: {type(app.crash).__name__}: it crashed; the traceback is in {path}. Every state is kept")


def _go_on(runner: Runner, options: RunOptions, grace: float) -> signal.Signals | None:
    """Without a screen until nothing runs any more; the signal that ended it earlier."""
    signals = Signals(runner, options, grace)
    runner.send(Remark("the terminal has gone away: the experiment goes on without a screen"))
    follow(runner, Changes(), lambda change, instances: None, lambda: False)
    return signals.ended_by
