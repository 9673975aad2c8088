"""An agent on this machine: a process that we start and talk to over socket pairs."""

from __future__ import annotations

import os
import select
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import IO

from pyalma_tui.errors import LoadError, ShortageError
from pyalma_tui.marks import mark_of, sweep
from pyalma_tui.model import jsontext
from pyalma_tui.model import messages as m
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.outside import Fence
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Assignment, Said, Service
from pyalma_tui.runner.workers.work import Tray, Work, received
from pyalma_tui.store.background import begun
from pyalma_tui.store.disk import high

GOODBYE = 2.0  # seconds that an agent gets to end by itself
SWEEP = 1.0  # seconds that a sweep may take
_message = jsontext.decoder(m.FromAgent)


class LocalAgent:
    """An agent's process and our ends of its sockets; fulfils `protocol.Agent`.

    The kernel ends it when the thread that started it ends, and its workers when it does.
    """

    tells = False

    def __init__(
        self,
        module: Path,
        output: IO[bytes],
        mark: str,
        chosen: Chosen | None = None,
        code: Path | None = None,
        manifest: str = "",
        *,
        each: bool = False,
        foreground: bool = False,
        folder: Path | None = None,
        heeds: Sequence[int] = (),
        fence: Fence | None = None,
        lease: int | None = None,
    ) -> None:
        """Start it. `output` gets what the module prints while it is imported; `code` is a copy to run instead,
        `manifest` the path of what tells the copies of what it imports from beside it.

        Of what is `chosen` it needs the module's arguments and PYTHONHASHSEED. `each` lets every worker import the
        module by itself. One in the `foreground` stays in our session, where the terminal can be given to its group.
        `folder` is its working directory, None for ours. By the signals that it `heeds` an engine may take the machine.
        Of what is written outside of the `fence` notes are taken. The descriptor `lease` can be read when all of it has
        to end (`place.lease`). Raises OSError if no process can be started.
        """
        chosen = chosen or Chosen()
        self.loaded: m.Loaded | None = None
        self._mark = mark
        self._foreground = foreground
        self._heeds = tuple(map(int, heeds))
        self._service: Service | None = None
        self._shared = False  # whether the lock was sent along with a worker
        self._selector = selectors.DefaultSelector()
        low, theirs = socket.socketpair()
        self._channel = socket.socket(fileno=high(low.detach()))
        spec = {
            "type": "agent",
            "channel": theirs.fileno(),
            "parent": os.getpid(),
            "mark": mark,
            "module": str(module),
            "code": str(code or module),
            "each": each,
            "manifest": manifest,
            "heeds": self._heeds,
            "fence": fence,
            "lease": lease,
        }
        try:
            # -P: nothing in the working directory takes the place of a module that we import
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pyalma_tui.worker", jsontext.encode(spec).decode(), *(chosen.args or ())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(),) if lease is None else (theirs.fileno(), lease),
                cwd=folder,
                start_new_session=not foreground,
                process_group=0 if foreground else None,
                env=os.environ | {m.WORKER_MARK: mark_of(mark)} | _hash_seed(chosen),
            )
        except BaseException:
            self._channel.close()
            self._selector.close()
            raise
        finally:
            theirs.close()
        self._works: dict[int, Work] = {}
        self._pending = b""
        self._ended = False
        self._out, self._seen_out = socket.socketpair()  # readable once it is gone, with all that was its
        self._selector.register(self._channel, selectors.EVENT_READ, None)
        self._selector.register(self._out, selectors.EVENT_READ, None)

    @property
    def host(self) -> str:
        """The name of this machine."""
        return socket.gethostname()

    @property
    def label(self) -> str:
        """Its process."""
        return f"process {self.pid}"

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its group."""
        return self._process.pid

    def serve(self, service: Service) -> None:
        """Say for whom its workers work; before the first is started."""
        self._service = service

    def tend(self) -> bool:
        """Nothing of it is a matter of time."""
        return False

    def fileno(self) -> int:
        """Readable when anything has come from the agent or a worker."""
        return self._selector.fileno()

    def start(self, worker: int, assignment: Assignment) -> None:
        """Let it fork a worker, whose work socket leads straight to us."""
        service = self._service
        assert service is not None, "it was said for whom"
        ours, theirs = socket.socketpair()
        trays = Tray(), Tray()
        start = m.Fork(
            worker=worker,
            slot=assignment.slot,
            state_dir=service.state_dir,
            segment=assignment.segment,
            segment_limit=assignment.segment_limit,
            synced=service.synced,
            umask=service.umask,
            log=assignment.log,
            foreground=self._foreground,
            nice=service.nice,
            seed_globals=service.seed_globals,
            heeds=self._heeds,
        )
        lock = () if self._shared else (service.lock,)
        fds = [*lock, theirs.fileno(), *(tray.fileno() for tray in trays), *((0, 1, 2) if self._foreground else ())]
        self._shared = True
        work = self._works[worker] = Work(worker, ours, trays)
        self._selector.register(ours, selectors.EVENT_READ, work)
        with theirs:
            self._send(start, fds)

    def order(self, worker: int, order: m.Order) -> None:
        """Tell the worker itself; that it is gone is told by the agent."""
        if (work := self._works.get(worker)) is not None:
            work.send(order)

    def order_ahead(self, worker: int, order: m.RunOrder) -> bool:
        """Put it into the worker's tray."""
        return (work := self._works.get(worker)) is not None and work.post(order)

    def recall(self, worker: int) -> bool:
        """Take it out of the worker's tray before the worker does; of one that is gone it has come back by itself."""
        return (work := self._works.get(worker)) is None or work.take_back()

    def ask(self, worker: int, request: m.Request) -> None:
        """Let the agent pass it on."""
        self._send(m.Ask(worker, request))

    def signal(self, worker: int, number: Signals, *, group: bool = False) -> None:
        """Let the agent send it."""
        self._send(m.Signal(worker, number, group))

    def measure(self) -> None:
        """Ask for the loads."""
        self._send(m.Measure())

    def expect(self, pace: float) -> None:
        """Nobody knows when this machine ends."""

    def end(self) -> None:
        """Tell it that there is no more work."""
        self._send(m.End())

    def kill(self) -> None:
        """End its process group; the kernel ends the workers with it."""
        self.signal_group(Signals.SIGKILL)

    def receive(self) -> list[AgentEvent]:
        """What has come; what workers have said before what the agent says of them."""
        events: list[AgentEvent] = []
        ready = {key.fileobj: key.data for key, _ in self._selector.select(0)}
        for work in ready.values():
            if work is not None:
                self._hear(work, events)
        if self._channel in ready:
            self._listen(events)
        if self._out in ready and (code := self._process.poll()) is not None:
            self._selector.unregister(self._out)
            events.append(AgentGone(_why(code), code))
        return events

    def _see_out(self) -> None:
        """Wait for its end, and end what it has left, while others go on."""
        if self._process.wait() < 0:  # killed, perhaps after its guard
            sweep(self._mark, SWEEP)
        with suppress(OSError):  # nobody listens any more
            self._seen_out.send(b".")

    def _listen(self, events: list[AgentEvent]) -> None:
        data, self._ended = received(self._channel)
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            message = _message(line)
            if isinstance(message, m.Loaded):
                self.loaded = message
            elif isinstance(message, m.Gone | m.NotBorn):
                self._part_from(message.worker, events)
            events.append(message)
        if self._ended:  # the kernel has closed its descriptors, or its guard kills it
            self._selector.unregister(self._channel)
            for worker in list(self._works):
                self._part_from(worker, events)
            if begun("pyalma-tui-agent-end", self._see_out) is None:
                self._see_out()

    def _hear(self, work: Work, events: list[AgentEvent]) -> None:
        events += [Said(work.worker, reply) for reply in work.receive()]
        if work.ended:  # readable for ever from now on; the agent tells that the worker is gone
            self._selector.unregister(work.socket)

    def _part_from(self, worker: int, events: list[AgentEvent]) -> None:
        """Its last words, then nothing more."""
        if (work := self._works.pop(worker, None)) is None:
            return
        if not work.ended:
            self._hear(work, events)
        if not work.ended:
            self._selector.unregister(work.socket)
        work.close()

    def _send(self, message: m.ToAgent, fds: Sequence[int] = ()) -> None:
        """Tell the agent; that it is gone shows in `receive`, not here."""
        line = jsontext.encode(message) + b"\n"
        try:
            if fds:
                line = line[socket.send_fds(self._channel, [line], fds) :]
            self._channel.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            return

    def close(self) -> None:
        """Let go of our ends; it has ended."""
        for work in self._works.values():
            work.close()
        for sock in (self._channel, self._out, self._seen_out):
            sock.close()
        self._selector.close()

    def part(self) -> None:
        """Let it end, as a Python program does, under a deadline, and wait for that: it has no workers."""
        self.end()
        try:
            self._process.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            self.discard()
        else:
            self.close()

    def discard(self) -> None:
        """End it at once and wait for that."""
        self.kill()
        self._process.wait()
        self.close()

    def signal_group(self, number: Signals) -> None:
        """Send a signal to its group, in which workers in the foreground are."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):  # macOS says so of a group of zombies
                os.killpg(self.pid, number)


def _hash_seed(chosen: Chosen) -> dict[str, str]:
    return {} if chosen.hash_seed is None else {"PYTHONHASHSEED": str(chosen.hash_seed)}


def _why(code: int) -> str:
    return f"exits with code {code}" if code >= 0 else f"is killed by {Signals(-code).name}"


def wait_until_loaded(agent: LocalAgent, path: Path, waiting: Callable[[float], None]) -> m.Loaded:
    """What the agent says of the run module; `waiting` is called each second with the seconds so far.

    Raises LoadError with the user's traceback, ShortageError if it cannot be told what becomes of it.
    """
    began = time.monotonic()
    poll = select.poll()  # select() takes no descriptor over 1023
    poll.register(agent, select.POLLIN)
    while True:
        if not poll.poll(1000):
            waiting(time.monotonic() - began)
        for event in agent.receive():
            match event:
                case m.Loaded():
                    return event
                case m.LoadFailed(error):
                    raise LoadError(f"module: {error.message}", error.traceback)
                case m.TryLater(why):
                    raise ShortageError(why)
                case AgentGone(why):
                    raise LoadError(f"module: {path}: the process {why} while it is imported. Nothing was started")
