"""The place's end of the line to the runner: our standard input and output."""

from __future__ import annotations

import os
import select
import selectors
from collections.abc import Iterator

from pyalma_tui.model import afar, jsontext
from pyalma_tui.model.pieces import Incoming, Outgoing
from pyalma_tui.store.disk import high

CHUNK = 1 << 20  # bytes read at a time
_message = jsontext.decoder(afar.ToPlace)


class StdioChannel:
    """Messages in and out; what is put goes out with the next flush, as several small writes wait for each other."""

    def __init__(self) -> None:
        """Keep the line to ourselves: what anybody prints goes to standard error from now on."""
        self._in, self._out = high(os.dup(0)), high(os.dup(1))
        nowhere = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        os.dup2(2, 1)
        self.closed = False  # whether nobody is at the other end
        self._incoming, self._outgoing = Incoming(), Outgoing()
        self._unsent = b""
        self._torn = False  # whether nothing can be sent any more
        self._room = select.poll()
        self._room.register(self._out, select.POLLOUT)

    def fileno(self) -> int:
        """Readable when something has come."""
        return self._in

    @property
    def waits(self) -> bool:
        """Whether something that was put has not been sent, and may still be."""
        return not self._torn and bool(self._unsent or self._outgoing)

    def receive(self) -> Iterator[afar.ToPlace]:
        """What has come; waits if nothing has. After the last of it `closed` is true."""
        try:
            data = os.read(self._in, CHUNK)
        except OSError:
            data = b""
        self.closed |= not data
        for line in self._incoming.take(data):
            yield _message(line)

    def put(self, message: afar.FromPlace) -> None:
        """Send this with the next flush, if anybody is there."""
        if not self._torn:
            self._outgoing.put(jsontext.encode(message), urgent=isinstance(message, afar.RenewLease))

    def flush(self) -> None:
        """Send what was put as far as it can be at once.

        The descriptor is not ours alone, so it is not made one that never waits: what has room takes so many bytes.
        """
        try:
            while self.waits and self._room.poll(0):
                self._unsent = self._unsent or self._outgoing.take()
                self._unsent = self._unsent[os.write(self._out, self._unsent[: select.PIPE_BUF]) :]
        except OSError:  # nobody is there any more
            self.closed = self._torn = True

    def watch(self, selector: selectors.BaseSelector) -> None:
        """As long as something waits, let it be flushed when there is room."""
        if self.waits != (self._out in selector.get_map()):
            if self.waits:
                selector.register(self._out, selectors.EVENT_WRITE, self.flush)
            else:
                selector.unregister(self._out)
