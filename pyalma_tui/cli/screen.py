"""The front end with a screen: the app on the main thread, the runner in its own."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import msgspec

from pyalma_tui import collecting
from pyalma_tui.cli import stalled
from pyalma_tui.cli.announcing import Announcer
from pyalma_tui.cli.echo import Echo
from pyalma_tui.cli.headless import Signals, report
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.outer import Outer
from pyalma_tui.cli.preferred import preferred
from pyalma_tui.cli.speak import leave_terminal, say, warn
from pyalma_tui.loading.target import typed
from pyalma_tui.model.terminal import in_background
from pyalma_tui.report.plain import Changes, FallibleStream, follow
from pyalma_tui.runner.absent import AbsentFiles
from pyalma_tui.runner.commands import Quit, Remark
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Conductor
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.store.disk import open_regular
from pyalma_tui.store.kept_filter import keep_filter, kept_filter
from pyalma_tui.store.layout import crash_log

if TYPE_CHECKING:
    from pyalma_tui.tui.app import ExperimentApp


OUTER = 1000  # milliseconds between two looks at the outer process
SWITCH = 0.0005  # seconds that a key waits for another thread's turn to end; Python's own are 5 ms


class Ending:
    """Why the screen ends without being asked: the terminal is `gone` (SIGHUP), or another signal came, which `by` is.

    Once it is `left`, or at the second signal, what still runs is killed.
    """

    def __init__(self, app: ExperimentApp, runner: Conductor) -> None:
        self.by: signal.Signals | None = None
        self.gone = False
        self.left = False
        self.echo = Echo(relayed=True)  # nobody types one: on a screen ctrl+c is a key
        self._app = app
        self._runner = runner
        self.listen()

    def listen(self) -> None:
        """Take the signals that end us."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)

    def _end(self, number: int, frame: FrameType | None) -> None:
        stalled.watch()
        if number == signal.SIGHUP:  # which may be told twice, and is no second wish after SIGTERM
            self.gone = True
            self._app.leave()
        elif self.echo.is_one(number):
            return
        elif self.by is None and not self.left:
            self.by = signal.Signals(number)
            self._app.leave()
        else:
            self._runner.send(Quit())


def run_screen(
    settings: Settings, session: Session, agent: LocalAgent, options: RunOptions, outer: Outer | None = None
) -> int:
    """Show the screen until it is left, then print the summary; the exit code.

    With an `outer` process it can be left to go on without this terminal.
    """
    from pyalma_tui.tui.app import ExperimentApp

    preferences, kept_in, mistake = preferred()
    kept = kept_filter(settings.state_dir)
    announcer = Announcer(options.on_finish, options.on_failure, calls_done=not settings.no_done)
    runner = Runner(settings, session, agent, announcer.listen)
    announcer.begin(runner)
    found: list[str] = []
    absent = AbsentFiles(settings, session, runner, found.append)
    app = ExperimentApp(
        runner,
        mouse=not options.no_mouse,
        theme=options.theme,
        preferences=preferences,
        kept_in=kept_in,
        mistake=mistake,
        filtered=kept,
        shown=absent.begin,
        detaches=outer is not None,
    )
    ending = Ending(app, runner)
    runner.start()
    if in_background(sys.stdin.fileno()):
        say("in the background: the experiment goes on, `fg` shows the screen")
    try:
        show(app, ending, settings.state_dir, outer)
        if app.filtered != kept:
            _keep_filter(settings.state_dir, app.filtered)
        if ending.gone:
            leave_terminal()
            stalled.unwatch()
            if options.on_hangup == "continue":
                signals = Signals(runner, options, settings.grace, ending.echo)
                _go_on(runner, signals, ending, "the terminal has gone away")
            else:
                ending.by = ending.by or signal.SIGHUP
        elif outer is not None and app.detached and ending.by is None:
            say(left_to_itself(settings))
            alone = msgspec.structs.replace(options, on_hangup="continue")  # there is no terminal to hang up
            signals = Signals(runner, alone, settings.grace, ending.echo)
            ending.gone = True
            outer.part()
            stalled.unwatch()
            _go_on(runner, signals, ending, "the terminal was left")
    finally:
        ending.left = True
        ending.listen()
        absent.finish()
        runner.send(Quit())
        runner.join()
        for text in announcer.end():
            warn(text)
    for text in found:  # on stderr, as it would have been told before the screen
        warn(text)
    output = FallibleStream(sys.stdout)
    output.gone = ending.gone
    code = report(runner.snapshot(), output, quiet=False, ended_by=ending.by, calls_done=not settings.no_done)
    return code if app.crash is None else code or 1


def _tell_of_hangup(outer: Outer | None) -> None:
    """Send ourselves the SIGHUP that the kernel sends only to the foreground of the terminal's own session.

    A shell that has lost the process that it waits for has the terminal again: to us it is gone, too.
    """
    poll = select.poll()
    poll.register(0, 0)  # a hang-up is always told
    if outer is not None:
        poll.register(outer.lifeline, 0)
    while not (found := poll.poll(None if outer is None else OUTER)):
        if outer is not None:
            outer.keep_up()
    if any(told & select.POLLHUP for _, told in found):
        os.kill(os.getpid(), signal.SIGHUP)


def show(app: ExperimentApp, ending: Ending, state_dir: Path, outer: Outer | None) -> None:
    """Show the screen until it is left; a defect of ours is told, and its traceback kept."""
    threading.Thread(target=_tell_of_hangup, args=[outer], name="pyalma-tui-hangup", daemon=True).start()
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        app.show()
    except OSError:
        if not ending.gone:  # else: nobody is left to restore a terminal for
            raise
    finally:
        sys.setswitchinterval(usual)
        if outer is not None:
            outer.keep_up()  # nobody else would let it end with us
        collecting.resume()  # it may have ended before it had begun
    if app.crash is not None:
        path = crash_log(state_dir)
        text = "".join(traceback.format_exception(app.crash))
        kept = _keep_traceback(path, f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}")
        say(f"screen: {type(app.crash).__name__}: it crashed; {kept}. Every state is kept")


def _keep_filter(state_dir: Path, text: str) -> None:
    try:
        keep_filter(state_dir, text)
    except OSError as error:
        say(f"screen: the filter is not kept for the next time: {error.strerror or error}. Nothing else is changed")


def _keep_traceback(path: Path, text: str) -> str:
    """Where the text of a traceback is now, in words."""
    try:
        with os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT), "wb") as file:
            file.truncate()
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        return f"the traceback could not be kept in {path}: {error.strerror}"
    return f"the traceback is in {path}"


def left_to_itself(settings: Settings) -> str:
    """What to say when it goes on without a screen: which process, and how to come back to it."""
    named = typed(settings.target, settings.state_dir)
    return (
        f"process {os.getpid()} goes on without a screen: `pyalma-tui attach {named}` shows it, "
        f"`pyalma-tui stop {named}` ends it"
    )


def _go_on(runner: Runner, signals: Signals, ending: Ending, why: str) -> None:
    """Without a screen until nothing runs any more, or until a signal ends it."""
    if ending.by is None:  # else: it came with SIGHUP, as when a whole login is ended
        runner.send(Remark(f"{why}: the experiment goes on without a screen"))
        follow(runner, Changes(), lambda change, snapshot: None, lambda: False)
        ending.by = signals.ended_by
