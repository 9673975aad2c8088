"""A worker: `python -P -m pyalma_tui.worker SPEC`, started by the runner.

It imports one run module, then serves one order after the other: runs, done(), exit. What happens it appends to its
own journal segment; the socket only wakes the runner. It ends by returning from `main`; `os._exit` is for what must
not go on as a worker: a fork that user code has let come back, a process that nobody can be told of.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from pyalma_tui.errors import Interrupted, LoadError
from pyalma_tui.loading.run_module import RunModule, import_module, own_instances
from pyalma_tui.model import jsontext
from pyalma_tui.model.messages import (
    CUT_OFF,
    DoneEnded,
    DoneOrder,
    Ended,
    Loaded,
    LoadFailed,
    Loading,
    Order,
    Reply,
    RunOrder,
    Serve,
    ServeFailed,
    Serving,
)
from pyalma_tui.model.records import DoneRaised, DoneReturned, Record, Started
from pyalma_tui.model.status import Error
from pyalma_tui.store.segment import SegmentWriter, high
from pyalma_tui.worker import capture, ending, guard
from pyalma_tui.worker.between import Before
from pyalma_tui.worker.calling import Pen, call_run
from pyalma_tui.worker.descriptors import close_in_children, watched
from pyalma_tui.worker.failure import called_exit, error_of, written_at
from pyalma_tui.worker.stopping import Stopping, die_with_parent

OWN_PROCESS = (
    "pyalma-tui: done() runs in a process of its own: the module's globals are as its import leaves them, "
    "not as runs do\n"
)


class Spec(msgspec.Struct, frozen=True):
    """The worker's command-line argument: descriptors of its two sockets, its parent, the run module.

    `code` is the file whose text is run as the module: the module itself, or a copy kept from before it was edited.
    """

    work: int
    control: int
    parent: int
    module: str
    code: str


class Channel:
    """The work socket: orders in, replies out. The lock's descriptor comes with the order to serve.

    A worker whose socket user code has closed or replaced cannot be told anything, nor tell: it ends here.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._is_ours = watched(sock.fileno())
        self._pending = bytearray()
        self._decode: Callable[[bytes], Order] = jsontext.decoder(Order)
        self.passed: list[int] = []

    def receive(self) -> Order:
        """The next order; if the runner is gone, this process group ends here."""
        looked = 0
        while (end := self._pending.find(b"\n", looked)) < 0:
            looked = len(self._pending)
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, 1 << 16, 1)
            except OSError:
                os._exit(CUT_OFF)
            self.passed += map(high, fds)
            if not data:
                guard.end_all()
            self._pending += data
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return self._decode(line)

    def send(self, reply: Reply) -> None:
        """Tell the runner."""
        if not self._is_ours():
            os._exit(CUT_OFF)
        try:
            self._socket.sendall(jsontext.encode(reply) + b"\n")
        except OSError:
            os._exit(CUT_OFF)

    def leave(self) -> None:
        """Let the kernel close it, when the process is over: until then the runner waits for us."""
        self._socket.detach()


def main(argument: str) -> None:
    """Load the module, then serve until told to exit."""
    spec: Spec = jsontext.decode_as(argument.encode(), Spec)
    die_with_parent(spec.parent)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    work, control = socket.socket(fileno=high(spec.work)), socket.socket(fileno=high(spec.control))
    guard_pid = guard.start(control, work)
    os.register_at_fork(after_in_child=work.close)
    os.register_at_fork(after_in_child=control.close)
    stopping = Stopping()
    stopping.install()
    stopping.watch(control)
    capture.prepare()
    faulthandler.enable()
    channel = Channel(work)
    channel.send(Loading())
    module = _load(Path(spec.module), Path(spec.code), channel, guard_pid)
    capture.flush()
    order = channel.receive()
    if module is None or not isinstance(order, Serve):
        return
    pen = _open_journal(order, channel)
    if pen is not None:
        stopping.renew = pen.renew
        stopping.serve()
        _serve(module, order, channel, pen, stopping)
    channel.leave()


def _load(path: Path, code: Path, channel: Channel, guard_pid: int) -> RunModule | None:
    here = os.getpid()
    try:
        module = import_module(path, code)
        instances = own_instances(module.module)
    except LoadError as error:
        channel.send(LoadFailed(Error(error.message)))
    except SyntaxError as error:
        failure = error_of(error)
        where = written_at(error) or str(path)
        channel.send(LoadFailed(Error(f"{where}: {failure.message}", failure.traceback)))
    except SystemExit as error:
        channel.send(LoadFailed(Error(f"{path}: it calls {called_exit(error)} while it is imported")))
    except BaseException as error:  # noqa: BLE001 - user code may raise anything
        failure = error_of(error)
        channel.send(LoadFailed(Error(f"{path}: {failure.message}", failure.traceback)))
    else:
        if os.getpid() != here:
            os._exit(0)
        channel.send(Loaded(module.hash, module.done is not None, instances, guard_pid))
        return module
    return None


def _open_journal(order: Serve, channel: Channel) -> Pen | None:
    journal = Path(order.state_dir) / "journal"
    try:
        segment = SegmentWriter(journal, order.segment, synced=order.synced, limit=order.segment_limit)
    except OSError as error:
        channel.send(ServeFailed(Error(f"{journal / order.segment}: {error.strerror}")))
        return None
    for lock in channel.passed:  # a child of ours holds nobody up
        close_in_children(lock)
    channel.send(Serving())
    return Pen(segment)


def _serve(module: RunModule, serve: Serve, channel: Channel, pen: Pen, stopping: Stopping) -> None:
    before = Before()
    output = capture.Output(Path(serve.state_dir) / "logs")
    host = socket.gethostname()
    while True:
        order = channel.receive()
        match order:
            case RunOrder():
                output.redirect(str(order.run), f"{order.attempt}.log")
                started = Started(order.run, order.attempt, serve.slot, time.time(), module.hash, os.getpid(), host)
                unsaved = _try_write(pen, started) or call_run(module, order, serve.slot, pen, stopping, before)
                output.finish()
                channel.send(Ended(order.run, order.attempt, unsaved, _worn(pen, before)))
            case DoneOrder():
                output.redirect("done", f"{order.call}.log")
                unsaved = _call_done(module, order, pen, stopping, before)
                output.finish()
                channel.send(DoneEnded(order.call, unsaved))
            case _:
                ending.begin(pen, stopping)
                output.leave(serve.log)
                return


def _worn(pen: Pen, before: Before) -> str:
    """What the runs have changed in this process that cannot be put back."""
    if pen.recovered:
        return "a run has closed or replaced the descriptor of its journal"
    changed = before.changed_limits()
    return f"a run has changed limits of its process ({', '.join(changed)})" if changed else ""


def _try_write(pen: Pen, record: Record) -> str:
    try:
        pen.write(record)
    except OSError as error:
        return f"{type(record).__name__.lower()} could not be recorded: {error.strerror}"
    return ""


def _call_done(module: RunModule, order: DoneOrder, pen: Pen, stopping: Stopping, before: Before) -> str:
    began, process = time.monotonic(), os.getpid()
    assert module.done is not None, "the runner asks only modules that have one"
    capture.add(OWN_PROCESS)
    stopping.active = (0, order.call)
    record: Record
    try:
        try:
            module.done()
        finally:
            stopping.active = None
            before.put_back()
        record = DoneReturned(order.call, time.time(), time.monotonic() - began)
    except Interrupted:  # cut off: neither returned nor failed, and nobody may say so
        return "interrupted"
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is recorded
        record = DoneRaised(order.call, time.time(), error_of(error))
    if os.getpid() != process:  # a forked child came back out of done(): only one return counts
        os._exit(int(isinstance(record, DoneRaised)))
    capture.flush()
    if isinstance(record, DoneRaised):
        capture.add(record.error.traceback)
    pen.recover()
    return _try_write(pen, record)


if __name__ == "__main__":
    main(sys.argv[1])
