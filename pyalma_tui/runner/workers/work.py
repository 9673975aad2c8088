"""Our ends of what goes between us and one worker on this machine: orders, replies, and orders that lie ready."""

from __future__ import annotations

import socket

from pyalma_tui.model import jsontext
from pyalma_tui.model import messages as m

CHUNK = 1 << 16  # bytes asked for at a time; a megabyte would be mapped and unmapped for each short reply
_reply = jsontext.decoder(m.Reply)


class Tray:
    """Where one order may lie until either of two processes takes it out: both have the end that is read.

    The kernel gives it to one of them.
    """

    def __init__(self) -> None:
        self._way_in, self._way_out = socket.socketpair(type=socket.SOCK_DGRAM)

    def fileno(self) -> int:
        """The end that a worker takes orders from."""
        return self._way_out.fileno()

    def put(self, order: bytes) -> bool:
        """Lay it in; whether that could be."""
        try:
            self._way_in.send(order, socket.MSG_DONTWAIT)
        except OSError:  # too long for this system, or it has no memory to spare
            return False
        return True

    def empty(self) -> bool:
        """Take out what is in it; whether anything was."""
        try:
            self._way_out.recv(1, socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of both ends."""
        self._way_in.close()
        self._way_out.close()


class Work:
    """The work socket of one worker: orders out, replies in; and two trays, in which orders ahead lie ready in turn.

    What was put into one may still be there when its run is the worker's next, and then the other one gets what
    follows: there is never more than one in a tray.
    """

    def __init__(self, worker: int, sock: socket.socket, trays: tuple[Tray, Tray]) -> None:
        self.worker = worker
        self.socket = sock
        self._trays = trays
        self._posted = 0  # orders that were put into trays and not taken back
        self.ended = False  # whether its other end was seen closed
        self._pending = b""

    def send(self, order: m.Order) -> None:
        """Tell the worker; that it is gone shows elsewhere."""
        try:
            self.socket.sendall(jsontext.encode(order) + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            return

    def post(self, order: m.RunOrder) -> bool:
        """Lay an order ready; whether that could be."""
        done = self._trays[self._posted % 2].put(jsontext.encode(order))
        self._posted += done
        return done

    def take_back(self) -> bool:
        """Take back the last one; whether it was still there."""
        done = self._trays[(self._posted - 1) % 2].empty()
        self._posted -= done
        return done

    def close(self) -> None:
        """Let go of them."""
        for each in (self.socket, *self._trays):
            each.close()

    def receive(self) -> list[m.Reply]:
        """What it has said."""
        data, self.ended = received(self.socket)
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [_reply(line) for line in lines]


def received(sock: socket.socket) -> tuple[bytes, bool]:
    """What has come, and whether nothing can come any more."""
    chunks: list[bytes] = []
    while True:
        try:
            data = sock.recv(CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            break
        except ConnectionResetError:
            data = b""
        if not data:
            return b"".join(chunks), True
        chunks.append(data)
        if len(data) < CHUNK:  # the usual case: one short reply, no second call to see that there is no more
            break
    return b"".join(chunks), False
