"""The front end without a screen: `--plain`, `--json`, or no terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from pyalma_tui.cli import stalled
from pyalma_tui.cli.announcing import Announcer
from pyalma_tui.cli.echo import Echo
from pyalma_tui.cli.foreground import Foreground
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.speak import console, leave_terminal, say, warn
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.model.taking import REQUEUE, job_signals
from pyalma_tui.model.terminal import knows_controls
from pyalma_tui.report.facts import exit_code, failure_of
from pyalma_tui.report.plain import Changes, FallibleStream, follow, json_printer, line_printer
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.absent import AbsentFiles
from pyalma_tui.runner.commands import Interrupt, Quit, Remark
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Change, Snapshot
from pyalma_tui.runner.workers.local import LocalAgent


class Signals:
    """What the outside asks for: the first SIGINT interrupts, the second one now; SIGTERM and SIGHUP end it.

    What `echo` has heard already is not heard twice. In the job of an engine its signals take us away.
    """

    def __init__(self, runner: Runner, options: RunOptions, grace: float, echo: Echo) -> None:
        self.ended_by: signal.Signals | None = None
        self.taken_by: signal.Signals | None = None
        self._runner = runner
        self._grace = grace
        self._echo = echo
        self._times = 0
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGTERM, self._end)
        hangup = self._end if options.on_hangup == "interrupt" else signal.SIG_IGN
        signal.signal(signal.SIGHUP, hangup)
        for number in job_signals(os.environ):
            signal.signal(number, self._go)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._echo.is_one(number):
            return
        stalled.watch()
        self._times += 1
        self._runner.send(Interrupt())
        if self._times == 1:
            say(f"interrupting: each run stops at its next save(), at the latest in {self._grace:g} s; again: now")

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._echo.is_one(number):
            return
        stalled.watch()
        self.ended_by = signal.Signals(number)
        self._runner.send(Interrupt())

    def _go(self, number: int, frame: FrameType | None) -> None:
        stalled.watch()
        if self.taken_by is None:  # SIGTERM follows SIGUSR1 when the time is over: the runs were asked already
            self.taken_by = signal.Signals(number)
            self._runner.send(
                Remark(f"{self.taken_by.name}: this job is taken away; each run stops at its next save()")
            )
            self._runner.send(Interrupt())


def run_headless(settings: Settings, session: Session, agent: LocalAgent, options: RunOptions) -> int:
    """Run to the end, printing what happens; the exit code."""
    changes = Changes()
    announcer = Announcer(options.on_finish, options.on_failure, calls_done=not settings.no_done)

    def listen(news: Sequence[Change]) -> None:
        changes.put(news)
        announcer.listen(news)

    runner = Runner(settings, session, agent, listen)
    signals = Signals(runner, options, settings.grace, Echo())
    absent = AbsentFiles(settings, session, runner, warn)
    found = runner.snapshot().counts  # before it starts: a short run may be done in a moment
    announcer.begin(runner)
    runner.start()
    output = FallibleStream(sys.stdout)
    if found.done == found.total and not options.rerun_done:
        say("everything is done already: nothing to run")
    show = json_printer(output, to_ascii=not is_unicode()) if options.json else line_printer(output)
    live = sys.stdout.isatty() and knows_controls() and not options.json
    foreground = Foreground(sys.stdout.fileno()) if live else None

    def may_paint() -> bool:
        return foreground is not None and not output.gone and foreground.is_ours()

    def settle() -> None:
        output.flush()
        if runner.snapshot().counts != found:  # the first line is out
            absent.begin()

    def watch() -> Snapshot:
        if may_paint():
            from pyalma_tui.report.live import follow_live  # and with it what of Rich nobody else wants

            absent.begin()
            try:
                return follow_live(runner, changes, console(), lambda: not may_paint())
            except OSError:  # the terminal has gone away
                leave_terminal()
                output.gone = True
                if not any(outlet.left for outlet in stalled.outlets()):  # else: a signal ends us, and nobody reads
                    runner.send(Remark("the terminal has gone away: the experiment goes on"))
        return follow(runner, changes, show, may_paint, settle)

    try:
        while watch().phase not in ("idle", "closed"):
            if foreground is not None:
                foreground.stop_if_asked()
    finally:
        absent.finish()
        runner.send(Quit())
        runner.join()
        for text in announcer.end():
            warn(text)
    watch()  # what was noted while it closed
    calls_done = not settings.no_done
    return report(
        runner.snapshot(),
        output,
        quiet=options.json,
        ended_by=signals.ended_by,
        calls_done=calls_done,
        taken=signals.taken_by is not None,
    )


def report(
    snapshot: Snapshot,
    output: FallibleStream,
    *,
    quiet: bool,
    ended_by: signal.Signals | None,
    calls_done: bool,
    taken: bool = False,
) -> int:
    """Print the summary and the one line of what is left to do; the exit code. `calls_done` as for `exit_code`.

    `taken` tells that an engine has taken the machine away: then what is left is to be called again.
    """
    if not quiet:
        s = snapshot
        output.attempt(
            lambda: print_summary(console(), s.instances, s.runs, s.rows, s.runs_of, s.counts, s.aside, s.done_hook)
        )
    if output.full:
        warn(f"stdout: {output.full}: not all lines were printed. The experiment went on; `status` tells of it")
    if failure := failure_of(snapshot):
        say(failure.message)
        return failure.exit_code
    if snapshot.not_saved:
        warn(f"not saved: {snapshot.not_saved.message}")
    code = exit_code(snapshot, calls_done=calls_done)
    if code == 130 and taken:
        say(f"the same command continues where it stopped; exit code {REQUEUE} asks the job to be queued again")
        return REQUEUE
    if code == 130 and not quiet:
        how = "paused; without --paused the same command goes on" if snapshot.paused else ""
        say(how or "interrupted; the same command continues where it stopped")
    return 128 + ended_by if ended_by is not None else code
