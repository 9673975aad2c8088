"""The worker's side of the work socket."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from pyalma_tui.model import jsontext
from pyalma_tui.model.messages import CUT_OFF, Exit, Order, RunOrder
from pyalma_tui.worker.slot import WorkSocket


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, WorkSocket]]:
    ours, theirs = socket.socketpair()
    tray, _ = socket.socketpair(type=socket.SOCK_DGRAM)
    with ours, theirs, tray:
        yield ours, WorkSocket(theirs, [tray])


def line(order: Order) -> bytes:
    return jsontext.encode(order) + b"\n"


def run_order(state: object) -> RunOrder:
    return RunOrder(1, 1, 0, "/a", False, msgspec.Raw(b"null"), 0, 7, msgspec.Raw(jsontext.encode(state)))


def test_orders_come_whole_however_they_are_cut(ends: tuple[socket.socket, WorkSocket]) -> None:
    ours, channel = ends
    first, second = line(run_order("a\nb")), line(Exit())
    ours.sendall(first[:5])
    threading.Thread(target=ours.sendall, args=(first[5:] + second,)).start()
    order = channel.receive()
    assert isinstance(order, RunOrder)
    assert jsontext.decode(bytes(order.state)) == "a\nb"
    assert isinstance(channel.receive(), Exit)


def test_a_large_state_takes_time_in_proportion(ends: tuple[socket.socket, WorkSocket]) -> None:
    """A search that begins anew with each piece takes minutes for this."""
    ours, channel = ends
    text = line(run_order("x" * (60 << 20)))
    sender = threading.Thread(target=ours.sendall, args=(text,))
    began = time.monotonic()
    sender.start()
    order = channel.receive()
    sender.join()
    assert isinstance(order, RunOrder)
    assert len(bytes(order.state)) == 2 + (60 << 20)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("there", ["nothing", "another socket"])
def test_what_stands_where_a_tray_was_is_not_read(there: str) -> None:
    """A worker that reads it takes what user code has sent itself; one that waits for it waits for ever."""
    ours, theirs = socket.socketpair()
    (_, tray), (way_in, foreign) = (socket.socketpair(type=socket.SOCK_DGRAM) for _ in range(2))
    with ours, theirs, tray, way_in, foreign:
        way_in.send(line(Exit()))
        if (worker := os.fork()) == 0:
            channel = WorkSocket(theirs, [tray])
            if there == "nothing":
                os.close(tray.fileno())
            else:
                os.dup2(foreign.fileno(), tray.fileno())
            channel.receive()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == CUT_OFF
        assert foreign.recv(1 << 16, socket.MSG_DONTWAIT) == line(Exit())
