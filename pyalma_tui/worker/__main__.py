"""A worker: `python -P -m pyalma_tui.worker SPEC [ARGS...]`, started by the runner.

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
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from pyalma_tui.errors import LoadError
from pyalma_tui.loading.module_instances import own_instances
from pyalma_tui.loading.run_module import RunModule, import_module
from pyalma_tui.model import ending, jsontext
from pyalma_tui.model.ending import may_have_room_again
from pyalma_tui.model.messages import (
    CUT_OFF,
    DoneEnded,
    DoneOrder,
    Ended,
    Loaded,
    LoadFailed,
    Order,
    Refused,
    Reply,
    RunOrder,
    Serve,
    ServeFailed,
    Serving,
    TryLater,
)
from pyalma_tui.model.records import DoneRaised, DoneReturned, Note, Record, Started
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.status import Error
from pyalma_tui.store import layout
from pyalma_tui.store.disk import high
from pyalma_tui.store.segment import SegmentWriter
from pyalma_tui.worker import capture, foreground, guard
from pyalma_tui.worker import ending as end_of_worker
from pyalma_tui.worker.between import Before
from pyalma_tui.worker.calling import Pen, call_run
from pyalma_tui.worker.descriptors import close_in_children, watched
from pyalma_tui.worker.failure import called_exit, error_of, written_at
from pyalma_tui.worker.outcome import was_interrupted
from pyalma_tui.worker.stopping import Stopping, die_with_parent

OWN_PROCESS = (
    "pyalma-tui: done() runs in a process of its own: the module's globals are as its import leaves them, "
    "not as runs do\n"
)


class Spec(msgspec.Struct, frozen=True):
    """The worker's first command-line argument: descriptors of its two sockets, its parent, the run module.

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
                data, fds, _, _ = socket.recv_fds(self._socket, 1 << 16, 4)
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


def main(argument: str, args: Sequence[str]) -> None:
    """Load the module, which sees these arguments, then serve until told to exit."""
    spec: Spec = jsontext.decode_as(argument.encode(), Spec)
    die_with_parent(spec.parent)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    work, control = socket.socket(fileno=high(spec.work)), socket.socket(fileno=high(spec.control))
    channel = Channel(work)
    stopping = Stopping()
    stopping.install()
    try:
        guard_pid = guard.start(control, work)
        stopping.watch(control)
    except (OSError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        channel.send(TryLater(str(error)))
        os._exit(1)
    os.register_at_fork(after_in_child=work.close)
    os.register_at_fork(after_in_child=control.close)
    capture.prepare()
    faulthandler.enable()
    module = _load(spec, args, channel, guard_pid)
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


def _load(spec: Spec, args: Sequence[str], channel: Channel, guard_pid: int) -> RunModule | None:
    here, path = os.getpid(), Path(spec.module)
    try:
        module = import_module(path, Path(spec.code), args)
        instances = own_instances(module.module)
    except LoadError as error:
        failure = Error(error.message)
    except SyntaxError as error:
        told = error_of(error)
        where = written_at(error) or str(path)
        failure = Error(f"{where}: {told.message}", told.traceback)
    except SystemExit as error:
        failure = Error(f"{path}: it calls {called_exit(error)} while it is imported")
    except BaseException as error:  # noqa: BLE001 - user code may raise anything
        told = error_of(error)
        if is_shortage(error):
            channel.send(TryLater(f"{path}: {told.message}"))
            return None
        failure = Error(f"{path}: {told.message}", told.traceback)
    else:
        if os.getpid() != here:
            os._exit(0)
        channel.send(Loaded(module.hash, module.done is not None, instances, guard_pid))
        return module
    capture.flush()  # what the module has printed is told with it
    channel.send(LoadFailed(failure))
    return None


def _open_journal(order: Serve, channel: Channel) -> Pen | None:
    journal = layout.journal(Path(order.state_dir))
    try:
        segment = SegmentWriter(
            journal, order.segment, synced=order.synced, limit=order.segment_limit, umask=order.umask
        )
    except OSError as error:
        why = Error(f"{journal / order.segment}: {error.strerror}")
        channel.send(ServeFailed(why, may_have_room_again(error.errno)))
        return None
    for lock in channel.passed[:1]:  # a child of ours holds nobody up
        close_in_children(lock)
    channel.send(Serving())
    return Pen(segment)


def _serve(module: RunModule, serve: Serve, channel: Channel, pen: Pen, stopping: Stopping) -> None:
    output: capture.Output | foreground.Terminal = capture.Output(
        layout.logs(Path(serve.state_dir)), serve.umask, lambda text: _try_write(pen, Note(time.time(), text))
    )
    if serve.foreground:
        module, output = foreground.debugged(module, stopping), foreground.Terminal(channel.passed[1:])
    before = Before()
    host = socket.gethostname()
    while True:
        order = channel.receive()
        match order:
            case RunOrder():
                output.redirect(str(order.run), layout.log_name(order.attempt))
                started = Started(order.run, order.attempt, serve.slot, time.time(), module.hash, os.getpid(), host)
                refused = _try_write(pen, started) or call_run(module, order, serve.slot, pen, stopping, before)
                output.finish()
                channel.send(Ended(order.run, order.attempt, refused, _worn(pen, before)))
            case DoneOrder():
                output.redirect(layout.DONE_LOGS, layout.log_name(order.call))
                unsaved = _call_done(module, order, pen, stopping, before)
                output.finish()
                channel.send(DoneEnded(order.call, unsaved))
            case _:
                end_of_worker.begin(pen, stopping)
                output.leave(serve.log)
                return


def _worn(pen: Pen, before: Before) -> str:
    """What the runs have changed in this process that cannot be put back."""
    if pen.recovered:
        return "has closed or replaced the descriptor of its journal"
    changed = before.changed_limits()
    return f"has changed limits of its process ({', '.join(changed)})" if changed else ""


def _try_write(pen: Pen, record: Record) -> Refused | None:
    try:
        pen.write(record)
    except OSError as error:
        why = f"{type(record).__name__.lower()} could not be recorded: {error.strerror}"
        return Refused(why, may_have_room_again(error.errno))
    return None


def _call_done(module: RunModule, order: DoneOrder, pen: Pen, stopping: Stopping, before: Before) -> str:
    began, process = time.monotonic(), os.getpid()
    assert module.done is not None, "the runner asks only modules that have one"
    capture.add(OWN_PROCESS)
    stopping.begin((0, order.call))
    record: Record
    try:
        try:
            module.done()
        finally:
            stopping.active = None
            before.put_back()
        record = DoneReturned(order.call, time.time(), time.monotonic() - began)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is recorded
        stopping.catch_up()
        if was_interrupted(error, signalled=stopping.signalled == (0, order.call)):
            return ending.INTERRUPTED  # cut off: neither returned nor failed, and nobody may say so
        record = DoneRaised(order.call, time.time(), error_of(error))
    if os.getpid() != process:  # a forked child came back out of done(): only one return counts
        os._exit(int(isinstance(record, DoneRaised)))
    capture.flush()
    if isinstance(record, DoneRaised):
        capture.add(record.error.traceback)
    pen.recover()
    refused = _try_write(pen, record)
    return refused.why if refused is not None else ""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
