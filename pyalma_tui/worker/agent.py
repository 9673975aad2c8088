"""The agent: one process per machine, `python -P -m pyalma_tui.worker SPEC`, started by the runner.

It imports the run module once and forks a worker for each slot; it signals, reaps, measures and sweeps them. What is to
be run it does not know: orders and replies go between the runner and each worker over a socket of their own.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, NoReturn

import msgspec

from pyalma_tui import marks
from pyalma_tui.loading.run_module import RunModule
from pyalma_tui.model import jsontext
from pyalma_tui.model import messages as m
from pyalma_tui.model.outside import Fence
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.prctl import become_subreaper
from pyalma_tui.store.disk import high
from pyalma_tui.worker import capture, guard, starting, sweeping
from pyalma_tui.worker.ending import Inheritance
from pyalma_tui.worker.heeding import heed
from pyalma_tui.worker.load import load
from pyalma_tui.worker.slot import Descriptors, serve
from pyalma_tui.worker.starting import Passed, Worker

if TYPE_CHECKING:
    from pyalma_tui.worker.measuring import Usage

LOOK = 0.5  # seconds between two looks whether workers are stopped
DEATHLESS = 10.0  # seconds after which nobody waits any longer for what SIGKILL does not end
GOODBYE = 2.0  # seconds that what a worker has started gets to end when the worker has
TRAYS = 2  # that a worker has
_decode = jsontext.decoder(m.ToAgent)


class Spec(msgspec.Struct, frozen=True, tag="agent"):
    """The agent's command-line argument: the descriptor of its channel, its parent, its mark, the run module.

    `code` is the file whose text is run as the module: the module itself, or a copy kept from before it was edited;
    `manifest` tells the copies of what it imports from beside it.
    `each` asks for workers that import the module by themselves, `heeds` are signals by which an engine takes the
    machine away: what follows from one the runner says. Of what is written outside of the `fence` notes are taken. The
    descriptor `lease` can be read when all of this has to end, which is the guard's to see to; None if never.
    """

    channel: int
    parent: int
    mark: str
    module: str
    code: str
    each: bool = False
    manifest: str = ""
    heeds: tuple[int, ...] = ()
    fence: Fence | None = None
    lease: int | None = None


class Agent:
    """Owned by the main thread, the only one that there may be: a fork copies no others."""

    def __init__(self, spec: Spec, args: Sequence[str]) -> None:
        """`args` are those that the module sees."""
        self._spec = spec
        self._args = args
        self._channel = socket.socket(fileno=high(spec.channel))
        self._lease = high(spec.lease) if spec.lease is not None else -1
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()  # rung when a child has ended
        self._pending = b""
        self._passed: list[int] = []  # descriptors that came along with orders
        self._lock = -1
        self._workers: dict[int, Worker] = {}
        self._parting: dict[int, Worker] = {}  # ended, but not all that they have started
        self._spared: frozenset[int] = frozenset()  # what the module has started while it was imported
        self._leaving = False  # whether there is no more work
        self._next_look = 0.0
        self._usage: Usage | None = None

    def main(self) -> None:
        """Import the module, then do what the runner says until it closes the channel."""
        heed(self._spec.heeds)
        try:
            self._guard_pid, self._guard = guard.start(self._channel, self._spec.mark, self._lease)
        except OSError as error:
            self._tell(m.TryLater(error.strerror or str(error)))
            return
        become_subreaper()  # only now: the first guard is no child of ours, and the module may wait for all of its own
        found = load(Path(self._spec.module), Path(self._spec.code), self._args, self._spec.manifest)
        capture.flush()  # what the module has printed is told with it
        if not isinstance(found, tuple):
            self._tell(found)
            return
        self._take_in(*found)
        del found
        for sock in (self._wake, self._woken):
            sock.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it is meant for the worker
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._channel, selectors.EVENT_READ, self._take)
        self._selector.register(self._guard, selectors.EVENT_READ, self._lose_guard)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda: self._woken.recv(4096))
        while not (self._leaving and not self._workers and not self._parting):
            for key, _ in self._selector.select(self._pause()):
                key.data()
            self._look()
        self._end()

    def _take_in(self, module: RunModule, loaded: m.Loaded) -> None:
        self._each = self._spec.each or bool(loaded.unforkable)
        self._tell(loaded)
        self._module, self._inheritance = module, Inheritance(module.module)
        self._spared = frozenset(sweeping.children())
        gc.collect()
        gc.freeze()  # collections in workers leave the pages alone that they share

    def _pause(self) -> float | None:
        """Seconds until the next look, None as long as there is nothing to look at."""
        looks = [each.parted for each in self._parting.values()] + [self._next_look] * bool(self._workers)
        return max(0.0, min(looks) - time.monotonic()) if looks else None

    # --- the channel -------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        data, fds, _, _ = socket.recv_fds(self._channel, 1 << 16, 8)
        self._passed += map(high, fds)
        if not data:  # the runner is gone
            self._end()
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._carry_out(_decode(line))

    def _carry_out(self, order: m.ToAgent) -> None:
        match order:
            case m.Fork():
                self._start(order)
            case m.Ask(number, request):
                if (worker := self._workers.get(number)) is not None:
                    worker.ask(request)
            case m.Signal(number, signal_number, group):
                if (worker := self._workers.get(number)) is not None:
                    worker.signal(Signals(signal_number), group=group)
            case m.Measure():
                self._measure()
            case m.End():
                self._leaving = True

    def _tell(self, message: m.FromAgent) -> None:
        try:
            self._channel.sendall(jsontext.encode(message) + b"\n")
        except OSError:  # the runner is gone
            self._end()

    def _end(self) -> NoReturn:
        """End what still lives, then as a Python program does."""
        for worker in (*self._workers.values(), *self._parting.values()):
            self._kill(worker)
        signal.set_wakeup_fd(-1)
        del self._module, self._inheritance  # what the module has made is finalized now, as at the end of any program
        gc.unfreeze()
        guard.dismiss(self._guard)
        sys.exit(0)

    # --- workers -----------------------------------------------------------------------------------------------------

    def _start(self, order: m.Fork) -> None:
        if self._lock < 0:
            self._lock = self._passed.pop(0)
            guard.share_lock(self._guard, self._lock)
        mark = marks.mark_of(self._spec.mark, order.worker)
        with socket.socket(fileno=self._passed.pop(0)) as work:
            passed = Passed(self._lock, tuple(self._passed[:TRAYS]), tuple(self._passed[TRAYS:]))
            self._passed.clear()
            begin = self._separate if self._each else self._fork
            try:
                worker = begin(order, work, passed, mark)
            except OSError as error:
                self._tell(m.NotBorn(order.worker, error.strerror or str(error), is_shortage(error)))
                return
            finally:
                for fd in (*passed.trays, *passed.streams):
                    os.close(fd)
        self._workers[order.worker] = worker
        self._tell(m.Born(order.worker, worker.pid))

    def _separate(self, order: m.Fork, work: socket.socket, passed: Passed, mark: str) -> Worker:
        spec = self._spec
        return starting.separate(
            order, work, passed, mark, spec.module, spec.code, spec.manifest, self._args, spec.fence
        )

    def _fork(self, order: m.Fork, work: socket.socket, passed: Passed, mark: str) -> Worker:
        def begin(ends: Descriptors) -> None:
            self._let_go()
            self._inheritance.take_over()
            serve(self._module, order, ends)
            self._inheritance.end()
            capture.flush()

        self._inheritance.flush()
        capture.flush()
        self._module.local.look()
        return starting.fork(begin, order, work, passed, mark)

    def _let_go(self) -> None:
        """In a fork: leave to the agent what is its own."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for sock in (self._channel, self._wake, self._woken):
            sock.close()
        guard.let_go(self._guard, self._lease)
        for worker in (*self._workers.values(), *self._parting.values()):
            worker.close()

    def _look(self) -> None:
        """Take leave of workers that have ended and of what they have left behind; notice those that are stopped."""
        now = time.monotonic()
        if self._guard < 0:
            self._start_guard()
        for number, worker in list(self._workers.items()):
            code = worker.code()
            if code is not None:
                self._part_from(number, worker, code, now)
        for number, worker in list(self._parting.items()):
            left = self._has_left(worker)
            if left and now < worker.parted:
                continue
            del self._parting[number]
            if left:
                self._kill_what_is_left(number, worker)
            self._tell(m.Cleared(number))
        if now >= self._next_look and self._workers:
            self._next_look = now + LOOK
            self._notice_stopped()

    def _lose_guard(self) -> None:
        """The guard was killed: only then it closes its end."""
        self._selector.unregister(self._guard)
        guard.let_go(self._guard)
        sweeping.has_ended(self._guard_pid)
        self._guard = -1

    def _start_guard(self) -> None:
        """Start another one; where that fails it is tried again at the next look."""
        try:
            self._guard_pid, self._guard = guard.start(self._channel, self._spec.mark, self._lease)
        except OSError:
            return
        if self._lock >= 0:
            guard.share_lock(self._guard, self._lock)
        self._selector.register(self._guard, selectors.EVENT_READ, self._lose_guard)

    def _part_from(self, number: int, worker: Worker, code: int, now: float) -> None:
        del self._workers[number]
        worker.close()
        left = self._has_left(worker)
        if left and code != 0:  # its run may be called again at once: not beside what the last attempt has started
            self._kill_what_is_left(number, worker)
        elif left:
            worker.parted = now + GOODBYE
            self._parting[number] = worker
        self._tell(m.Gone(number, code, number in self._parting))

    def _has_left(self, worker: Worker) -> bool:
        """Whether anything lives that this worker has started."""
        return sweeping.group_is_alive(worker.pid) or bool(self._orphans(worker))

    def _orphans(self, worker: Worker) -> list[int]:
        """What has left the group of this worker, and lost its parent, so that it is our child now.

        What carries no mark, because its environment was cleared, counts as soon as no worker lives.
        """
        known = {self._guard_pid, *self._spared, *(each.pid for each in self._workers.values())}
        found = []
        for pid in sweeping.children():
            if pid in known or sweeping.has_ended(pid):
                continue
            mark = marks.mark_in(pid)
            if mark == worker.mark or (mark is None and not self._workers):
                found.append(pid)
        return found

    def _kill_what_is_left(self, number: int, worker: Worker) -> None:
        self._kill(worker)
        self._tell(m.LeftBehind(number, worker.pid))

    def _kill(self, worker: Worker) -> None:
        """Kill all of this worker, until nothing is left: what is killed may have started something as well."""
        began = time.monotonic()
        while self._has_left(worker) and time.monotonic() - began < DEATHLESS:
            sweeping.signal_group(worker.pid, signal.SIGKILL)
            for pid in self._orphans(worker):
                marks.kill(pid)
            time.sleep(0.001)

    # --- looking -----------------------------------------------------------------------------------------------------

    def _notice_stopped(self) -> None:
        from pyalma_tui.worker.measuring import is_stopped

        for number, worker in self._workers.items():
            if is_stopped(worker.pid) != worker.stopped:
                worker.stopped = not worker.stopped
                self._tell(m.Responds(number, not worker.stopped))

    def _measure(self) -> None:
        if self._usage is None:
            from pyalma_tui.worker.measuring import Usage

            self._usage = Usage()
        self._tell(m.Measured(self._usage.look({number: worker.pid for number, worker in self._workers.items()})))
