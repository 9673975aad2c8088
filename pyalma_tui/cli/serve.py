"""`pyalma-tui serve`: what is run or was run, in a browser; one process of ours for each visitor.

It is read-only. With `--control` it is run here, so that visitors may ask for what one asks for on the screen.
"""

from __future__ import annotations

import socket
import sys
import tempfile
from functools import partial
from pathlib import Path

from pyalma_tui.cli import launch
from pyalma_tui.cli.announcing import Announcer
from pyalma_tui.cli.desk import Desk
from pyalma_tui.cli.echo import Echo
from pyalma_tui.cli.headless import Signals, report
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say, warn
from pyalma_tui.cli.website import Website, missing
from pyalma_tui.errors import UsageError
from pyalma_tui.report.plain import FallibleStream
from pyalma_tui.runner.absent import AbsentFiles
from pyalma_tui.runner.commands import Quit
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.workers.local import LocalAgent

LOCAL = "127.0.0.1"
PORT = 8000


def serve(name: str, state: Path | None, host: str | None, port: int | None, *, control: bool) -> int:
    """Serve it until ctrl+c; the exit code.

    Raises UsageError without textual-serve, StoreError if there is nothing to show, with `control` InUseError if
    another process runs it.
    """
    if module := missing():
        raise UsageError(f"serve: {module} is not installed: pip install 'pyalma-tui[web]'. Nothing was started")
    where, number = host or LOCAL, PORT if port is None else port
    if control:
        _refuse_taken(where, number)  # before anything is run
        options = RunOptions(state=state, plain=True)
        return launch.run(name, (), options, front=partial(_run_served, where=where, port=number))
    target, state_dir, *_ = remembered("serve", name, state)
    _website(target.path, state_dir, where, number, None).serve()
    return 0


def _run_served(
    settings: Settings, session: Session, agent: LocalAgent, options: RunOptions, *, where: str, port: int
) -> int:
    """Run it and let visitors control it until ctrl+c or a signal, then let it end as it does without a screen."""
    announcer = Announcer(options.on_finish, options.on_failure, calls_done=not settings.no_done)
    runner = Runner(settings, session, agent, announcer.listen)
    announcer.begin(runner)
    absent = AbsentFiles(settings, session, runner, warn)
    with tempfile.TemporaryDirectory(prefix="pyalma-tui-") as folder:  # nobody else can enter it
        desk = Desk(runner, Path(folder, "desk"))
        runner.start()
        absent.begin()
        try:
            _website(settings.target, settings.state_dir, where, port, desk).serve()
        finally:
            signals = Signals(runner, options, settings.grace, Echo())
            absent.finish()
            runner.send(Quit())
            runner.join()
            for text in announcer.end():
                warn(text)
    calls_done = not settings.no_done
    return report(
        runner.snapshot(), FallibleStream(sys.stdout), quiet=False, ended_by=signals.ended_by, calls_done=calls_done
    )


def _website(target: Path, state_dir: Path, where: str, port: int, desk: Desk | None) -> Website:
    if not _is_loopback(where):
        may = "can start, stop and forget runs" if desk is not None else "sees all logs and states"
        say(f"warning: serve: {where}: whoever on the network has the address with its token {may}")
    command = [sys.executable, "-m", "pyalma_tui.cli.visiting", str(target), str(state_dir)]
    return Website(command, where, port, target.stem, desk)


def _refuse_taken(where: str, port: int) -> None:
    """Raise UsageError if nothing can listen there."""
    try:
        found = socket.getaddrinfo(where, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        with socket.create_server(found[0][4][:2], family=found[0][0]):
            return
    except OSError as error:
        raise UsageError(f"serve: {where}:{port}: {error.strerror}. Nothing was started") from error


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
