"""Commands from other threads, and a bell that wakes the runner thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from queue import SimpleQueue

from pyalma_tui.runner.commands import Command


class Mailbox:
    """Any thread may put, one takes."""

    def __init__(self) -> None:
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._bell, self._rung = socket.socketpair()
        self._rung.setblocking(False)

    def put(self, command: Command) -> None:
        """Leave a command; returns at once."""
        self._commands.put(command)
        try:
            self._bell.send(b"\0")
        except OSError:  # it is closed: nobody carries out anything any more
            return

    def fileno(self) -> int:
        """Readable when something has come."""
        return self._rung.fileno()

    def take(self) -> Iterator[Command]:
        """What has come, in order."""
        self._rung.recv(4096)
        yield from self.left()

    def left(self) -> Iterator[Command]:
        """What has come without anybody being woken for it."""
        while not self._commands.empty():
            yield self._commands.get()

    def close(self) -> None:
        """Take nothing any more."""
        self._bell.close()
        self._rung.close()
