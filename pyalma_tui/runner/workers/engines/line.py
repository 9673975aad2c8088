"""A stream of bytes to a place and back, by descriptors of ours."""

from __future__ import annotations

import os

CHUNK = 1 << 20  # bytes read at a time
MOST = 1 << 22  # bytes after which others are listened to before more is read


class Line:
    """What `engine.Channel` says of sending and receiving; whoever inherits it closes the descriptors, and says so."""

    def __init__(self, out: int, back: int) -> None:
        """Write to one descriptor, and read from the other."""
        self._out, self._back = out, back
        for fd in (out, back):
            os.set_blocking(fd, False)
        self._unsent = b""

    def fileno(self) -> int:
        """Readable when something has come; -1 once it was let go."""
        return self._back

    @property
    def waits(self) -> bool:
        """Whether something could not be sent yet."""
        return bool(self._unsent)

    @property
    def way_out(self) -> int:
        """Can be written when more can be sent; -1 once it was let go."""
        return self._out

    def let_go(self) -> None:
        """Forget the descriptors, whose numbers are those of other lines before long, and what was not sent."""
        self._out = self._back = -1
        self._unsent = b""

    def send(self, data: bytes = b"") -> None:
        """Send this, and what could not be sent before, as far as it can be; a closed line shows elsewhere."""
        self._unsent += data
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._out, self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""

    def receive(self) -> bytes | None:
        """What has come, b"" if nothing has, None once nothing can come any more."""
        chunks: list[bytes] = []
        length = 0
        while length < MOST:
            try:
                data = os.read(self.fileno(), CHUNK)
            except BlockingIOError:
                return b"".join(chunks)
            except OSError:
                data = b""
            if not data:
                return b"".join(chunks) if chunks else None
            chunks.append(data)
            length += len(data)
        return b"".join(chunks)
