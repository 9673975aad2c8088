"""A worker: the process in one slot. It serves one order after the other: runs, done(), exit.

What happens it appends to its own journal segment; the socket only wakes the runner. It ends by returning; `os._exit`
is for what must not go on as a worker: a fork that user code has let come back, a process that nobody can be told of.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from pyalma_tui.loading.run_module import RunModule
from pyalma_tui.model import ending, jsontext
from pyalma_tui.model.ending import may_have_room_again
from pyalma_tui.model.messages import (
    CUT_OFF,
    STATE_MARK,
    DoneEnded,
    DoneOrder,
    Ended,
    Fork,
    Order,
    Refused,
    Reply,
    RunOrder,
    ServeFailed,
    Serving,
    TryLater,
)
from pyalma_tui.model.records import DoneRaised, DoneReturned, Note, Record, Started
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.status import Error
from pyalma_tui.store import layout
from pyalma_tui.store.segment import SegmentWriter
from pyalma_tui.worker import capture, foreground
from pyalma_tui.worker import ending as end_of_worker
from pyalma_tui.worker.between import Before
from pyalma_tui.worker.calling import Pen, call_run
from pyalma_tui.worker.descriptors import close_in_children, watched
from pyalma_tui.worker.failure import error_of
from pyalma_tui.worker.heeding import heed
from pyalma_tui.worker.imported import tell_imported
from pyalma_tui.worker.outcome import was_interrupted
from pyalma_tui.worker.recording import RowRecorder
from pyalma_tui.worker.seeding import seed_globals
from pyalma_tui.worker.stopping import Stopping
from pyalma_tui.worker.sweeping import end_group
from pyalma_tui.worker.yielding import give_way

OWN_PROCESS = (
    "pyalma-tui: done() runs in a process of its own: the module's globals are as its import leaves them, "
    "not as runs do\n"
)


_order_of: Callable[[bytes], Order] = jsontext.decoder(Order)  # made once, in the agent: it takes 1 ms
# a tray, whether its descriptor still stands for it, and what waits for an order in it or on the work socket
WayIn: TypeAlias = tuple[socket.socket, Callable[[], bool], Callable[[], list[tuple[int, int]]]]


class Descriptors(msgspec.Struct, frozen=True):
    """A worker's ends: the socket to the runner, the trays for orders ahead, the socket to its agent, the lock.

    `streams` are the standard descriptors of one in the foreground.
    """

    work: socket.socket
    trays: Sequence[socket.socket]
    control: socket.socket
    lock: int
    streams: Sequence[int] = ()


class WorkSocket:
    """The work socket: orders in, replies out; and the trays in which orders lie ready in turn.

    A worker whose socket user code has closed or replaced cannot be told anything, nor tell: it ends here.
    """

    def __init__(self, sock: socket.socket, trays: Sequence[socket.socket]) -> None:
        self._socket = sock
        self._trays = trays
        self._work = sock.fileno()
        self._taken = 0  # orders out of trays
        self._is_ours = watched(self._work)
        self._pending = bytearray()
        self._ways_in = [_way_in(sock, tray) for tray in trays]

    def receive(self, *, ahead: bool = True) -> Order:
        """The next order, also one that lies `ahead`; if the runner is gone, this process group ends here."""
        looked = 0
        while (end := self._pending.find(b"\n", looked)) < 0:
            looked = len(self._pending)
            if ahead and not looked and (order := self._take()) is not None:
                return order
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                os._exit(CUT_OFF)
            if not data:
                end_group()
            self._pending += data
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return _order_of(line)

    def _take(self) -> Order | None:
        """What lies ready; waits for that, or until something comes the other way, which goes before."""
        tray, is_ours, poll = self._ways_in[self._taken % len(self._ways_in)]  # there is nothing in the other one
        if not is_ours():
            os._exit(CUT_OFF)
        while all(fd != self._work for fd, _ in poll()):
            try:
                order = tray.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:  # it was taken back
                continue
            except OSError:
                os._exit(CUT_OFF)
            self._taken += 1
            return _order_of(order)
        return None

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
        for tray in self._trays:
            tray.detach()


def _way_in(work: socket.socket, tray: socket.socket) -> WayIn:
    poll = select.poll()
    for each in (work, tray):
        poll.register(each, select.POLLIN)
    return tray, watched(tray.fileno()), poll.poll


def serve(module: RunModule, start: Fork, ends: Descriptors) -> None:
    """Call what is ordered until told to exit; the process is to end then."""
    for sock in (ends.work, *ends.trays, ends.control):
        close_in_children(sock.fileno())
    if start.nice and not start.foreground:  # in which the session is not ours alone
        give_way(start.nice)
    channel, stopping = WorkSocket(ends.work, ends.trays), Stopping()
    stopping.install()
    heed(start.heeds, stopping.on_taken)
    try:
        stopping.watch(ends.control)
    except RuntimeError as error:
        if not is_shortage(error):
            raise
        channel.send(TryLater(str(error)))
        return
    pen = _open_journal(start, channel)
    if pen is not None:
        close_in_children(ends.lock)  # a child of ours holds nobody up
        stopping.renew = pen.renew
        channel.send(Serving())
        _serve(module, start, ends.streams, channel, pen, stopping)
    channel.leave()


def _open_journal(order: Fork, channel: WorkSocket) -> Pen | None:
    journal = layout.journal(Path(order.state_dir))
    try:
        segment = SegmentWriter(
            journal,
            order.segment,
            synced=order.synced,
            named=order.synced,  # else whoever follows it syncs its name as well
            ahead=order.synced,
            limit=order.segment_limit,
            umask=order.umask,
        )
    except OSError as error:
        why = Error(f"{journal / order.segment}: {error.strerror}")
        channel.send(ServeFailed(why, may_have_room_again(error.errno)))
        return None
    rows = RowRecorder(Path(order.state_dir), order.segment, synced=order.synced, umask=order.umask)
    return Pen(segment, rows)


def _serve(
    module: RunModule, serve: Fork, streams: Sequence[int], channel: WorkSocket, pen: Pen, stopping: Stopping
) -> None:
    output: capture.Output | foreground.ForegroundStreams = capture.Output(
        layout.logs(Path(serve.state_dir)), serve.umask, lambda text: _try_write(pen, Note(time.time(), text))
    )
    if serve.foreground:
        module, output = foreground.debugged(module, stopping), foreground.ForegroundStreams(streams)
    before = Before()
    host = socket.gethostname()
    fit = True  # for what lies ready: the runner takes that back from one that is not
    while True:
        order = channel.receive(ahead=fit)
        match order:
            case RunOrder():
                output.redirect(str(order.run), layout.log_name(order.attempt))
                code = module.local.identity
                started = Started(order.run, order.attempt, serve.slot, time.time(), code, os.getpid(), host)
                if serve.seed_globals:
                    seed_globals(order.seed)
                refused = _try_write(pen, started) or call_run(module, order, serve.slot, pen, stopping, before)
                if module.local.settle():
                    tell_imported(module.local, order, pen, Path(serve.state_dir), serve.umask)
                output.finish()
                worn = _worn(pen, before)
                taken = stopping.taken == (order.run, order.attempt)
                installed = tuple(module.local.newly_installed())
                channel.send(Ended(order.run, order.attempt, refused, worn, taken, installed))
                fit = refused is None and not worn
            case DoneOrder():
                output.redirect(layout.DONE_LOGS, layout.log_name(order.call))
                os.environ[STATE_MARK] = serve.state_dir
                if serve.seed_globals:
                    seed_globals(order.seed)
                unsaved = _call_done(module, order, pen, stopping, before)
                output.finish()
                channel.send(DoneEnded(order.call, unsaved, tuple(module.local.newly_installed())))
            case _:
                end_of_worker.begin(pen, stopping)
                pen.trim()
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
        interrupted = was_interrupted(error, signalled=False)
        record = DoneRaised(order.call, time.time(), error_of(error))
    else:
        interrupted = False
    if os.getpid() != process:  # a forked child came back out of done(): only one return counts
        os._exit(int(isinstance(record, DoneRaised)))
    stopping.catch_up()
    if interrupted or (0, order.call) in (stopping.cut, stopping.signalled, stopping.taken):
        return ending.INTERRUPTED  # cut off: neither returned nor failed, whatever it made of that
    capture.flush()
    if isinstance(record, DoneRaised):
        capture.add(record.error.traceback)
    pen.recover()
    refused = _try_write(pen, record)
    return refused.why if refused is not None else ""
