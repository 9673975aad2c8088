"""`--debug INSTANCE`: one run in the foreground, with the terminal, so that a debugger can be used."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from pyalma_tui.cli.echo import Echo
from pyalma_tui.cli.headless import Signals
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.speak import say
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.printable import printable
from pyalma_tui.model.words import duration, run_name
from pyalma_tui.report.facts import failure_of
from pyalma_tui.report.summary import state_line
from pyalma_tui.runner.commands import Quit
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.workers.local import LocalAgent

LOOK = 0.05  # seconds between two looks whether it is over, or was stopped
STATE = 60  # cells of a state


def run_debug(settings: Settings, session: Session, agent: LocalAgent, options: RunOptions) -> int:
    """Run `settings.only` to its end; 0 if it is done then, 1 if it failed, 130 if it was interrupted."""
    assert settings.only is not None, "launch has chosen it"
    run = session.ledger.run(settings.only)
    instance = session.ledger.instances[run.instance]
    name = run_name(instance.label, run.iteration, len(session.ledger.runs_of[instance.id]))
    for note in session.ledger.notes:
        say(note.text)
    runner = Runner(settings, session, agent)
    signals = Signals(runner, options, settings.grace, Echo())
    say(f"{name}: attempt {run.attempt + 1}, {_state(run)}; Ctrl+C interrupts it")
    try:
        with _terminal_for(agent) as look:
            runner.start()
            while runner.snapshot().phase not in ("idle", "closed"):
                time.sleep(LOOK)
                look()
    finally:
        runner.send(Quit())
        runner.join()
    snapshot = runner.snapshot()
    if failure := failure_of(snapshot):
        say(failure.message)
        return failure.exit_code
    code = _tell(name, snapshot.runs[run.id - 1])
    return 128 + signals.ended_by if signals.ended_by is not None else code


def _tell(name: str, run: Run) -> int:
    match run.status:
        case s.Done(duration=seconds):
            say(f"{name}: done in {duration(seconds)}, {_state(run)}")
            return 0
        case s.Failed(error=error):
            sys.stderr.write(printable(error.traceback, "\n"))
            say(f"{name}: failed: {error.message}; {_state(run)}, which is kept")
            return 1
    say(f"{name}: interrupted; {_state(run)}, with which it goes on")
    return 130


def _state(run: Run) -> str:
    return "no state" if run.state is None else f"state {state_line(run.state, STATE)}"


# --- the terminal ------------------------------------------------------------------------------------------------


@contextmanager
def _terminal_for(agent: LocalAgent) -> Iterator[Callable[[], None]]:
    """Let the agent's group, in which its worker is, have our terminal, as a shell does; what to do now and then."""
    ours = os.getpgrp()

    def hand_over() -> None:
        if sys.stdin.isatty() and os.tcgetpgrp(0) == ours:
            _give_terminal(agent.pid)

    def take_back() -> None:
        if sys.stdin.isatty() and os.tcgetpgrp(0) == agent.pid:
            _give_terminal(ours)

    def look() -> None:
        """After Ctrl+Z, or a read in the background: stop as well, so that the shell comes back; `fg` goes on."""
        if _is_stopped(agent):
            take_back()
            os.kill(os.getpid(), signal.SIGTSTP)
            hand_over()
            agent.signal_group(signal.Signals.SIGCONT)

    hand_over()
    try:
        yield look
    finally:
        take_back()


def _give_terminal(group: int) -> None:
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTTOU,))  # which stops who does this from the background
    try:
        os.tcsetpgrp(0, group)
    except OSError:  # the group is gone, or the terminal
        return
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _is_stopped(agent: LocalAgent) -> bool:
    try:
        return psutil.Process(agent.pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
