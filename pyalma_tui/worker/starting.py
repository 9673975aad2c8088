"""How a worker comes to be: forked from the agent, or, where that is unsafe, a program that imports by itself."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path
from signal import Signals

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.messages import WORKER_MARK, Fork, Request
from pyalma_tui.model.outside import Fence
from pyalma_tui.prctl import die_with_parent
from pyalma_tui.store.disk import high
from pyalma_tui.worker import capture, sweeping
from pyalma_tui.worker.imported import keep_imported
from pyalma_tui.worker.load import load
from pyalma_tui.worker.slot import Descriptors, WorkSocket, serve


class Separate(msgspec.Struct, frozen=True, tag="separate"):
    """The argument of a worker that imports the module by itself; its sockets, streams and the lock are descriptors."""

    start: Fork
    work: int
    trays: list[int]
    control: int
    lock: int
    streams: list[int]
    parent: int
    module: str
    code: str
    manifest: str = ""
    fence: Fence | None = None


class Passed(msgspec.Struct, frozen=True):
    """Descriptors that the runner has passed on: its lock, the trays, the standard streams of one in the foreground."""

    lock: int
    trays: tuple[int, ...]
    streams: tuple[int, ...] = ()


class Worker:
    """A worker as its agent sees it: a process that leads a session, and our end of its control socket."""

    def __init__(self, child: ForkProcess | subprocess.Popen[bytes], control: socket.socket, mark: str) -> None:
        assert child.pid is not None, "it was started"
        self.pid = child.pid
        self.mark = mark
        self.stopped = False  # as by SIGSTOP
        self.parted = 0.0  # until when what it has started may live, by time.monotonic; 0.0 while it lives itself
        self._child = child
        self._control = control

    def code(self) -> int | None:
        """Its exit code, negative for a signal, None while it lives."""
        return self._child.poll() if isinstance(self._child, subprocess.Popen) else self._child.exitcode

    def ask(self, request: Request) -> None:
        """Pass a request on."""
        with suppress(OSError):  # user code has closed it: signals follow
            self._control.sendall(jsontext.encode(request) + b"\n")

    def signal(self, number: Signals, *, group: bool) -> None:
        """Send a signal to it, or to it and its group."""
        if group:
            sweeping.signal_group(self.pid, number)
        if self.code() is None:  # its group is not there yet just after its start
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close(self) -> None:
        """Let go of our end."""
        self._control.close()


def fork(call: Callable[[Descriptors], None], start: Fork, work: socket.socket, passed: Passed, mark: str) -> Worker:
    """A fork that calls this with its ends, then ends; raises OSError."""
    ours, theirs = socket.socketpair()
    agent = os.getpid()

    def begin() -> None:
        if not start.foreground:  # in which it stays in the agent's group, which has the terminal
            os.setsid()
        die_with_parent(agent)
        ours.close()
        sweeping.take_mark(mark)
        call(Descriptors(work, sockets_of(passed.trays), theirs, passed.lock, passed.streams))

    child = multiprocessing.get_context("fork").Process(target=begin, name=f"worker-{start.slot}")
    try:
        child.start()
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return Worker(child, ours, mark)


def separate(
    start: Fork,
    work: socket.socket,
    passed: Passed,
    mark: str,
    module: str,
    code: str,
    manifest: str,
    args: Sequence[str],
    fence: Fence | None = None,
) -> Worker:
    """A program that imports the module, then serves; raises OSError."""
    ours, theirs = socket.socketpair()
    streams = list(passed.streams)
    trays = list(passed.trays)
    spec = Separate(
        start, work.fileno(), trays, theirs.fileno(), passed.lock, streams, os.getpid(), module, code, manifest, fence
    )
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pyalma_tui.worker", jsontext.encode(spec).decode(), *args],
            stdin=subprocess.DEVNULL,
            pass_fds=(spec.work, *trays, spec.control, spec.lock, *streams),
            start_new_session=not start.foreground,
            env=os.environ | {WORKER_MARK: mark},
        )
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return Worker(child, ours, mark)


def sockets_of(fds: Iterable[int]) -> list[socket.socket]:
    """The sockets that these descriptors are."""
    return [socket.socket(fileno=fd) for fd in fds]


def be_separate(spec: Separate, args: Sequence[str]) -> None:
    """Import the module, serve, and end as a Python program does."""
    work, control, *trays = sockets_of(map(high, (spec.work, spec.control, *spec.trays)))
    capture.lead_into(spec.start.log, spec.start.umask)
    found = load(Path(spec.module), Path(spec.code), args, spec.manifest)
    capture.flush()
    if not isinstance(found, tuple):
        WorkSocket(work, trays).send(found)
        return
    with suppress(OSError):  # as on a full disk, of which the journal tells: the code may be other than the agent's
        keep_imported(found[0].local, Path(spec.start.state_dir), spec.start.umask)
    serve(found[0], spec.start, Descriptors(work, trays, control, high(spec.lock), [*map(high, spec.streams)]))
