"""The place's end of the line to the runner: our standard input and output."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pyalma_tui.model import afar, jsontext
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
        self._pending = b""
        self._held: list[bytes] = []

    def fileno(self) -> int:
        """Readable when something has come."""
        return self._in

    def receive(self) -> Iterator[afar.ToPlace]:
        """What has come; waits if nothing has. After the last of it `closed` is true."""
        try:
            data = os.read(self._in, CHUNK)
        except OSError:
            data = b""
        self.closed |= not data
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            yield _message(line)

    def put(self, message: afar.FromPlace) -> None:
        """Send this with the next flush."""
        self._held.append(jsontext.encode(message) + b"\n")

    def flush(self) -> None:
        """Send what was put, however long that takes: the lease ends us if it takes too long."""
        view, self._held = memoryview(b"".join(self._held)), []
        try:
            while view:
                view = view[os.write(self._out, view) :]
        except OSError:  # nobody is there any more
            self.closed = True
