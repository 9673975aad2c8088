"""stdout for other people's data: byte for byte in a pipe, nothing for a terminal to obey in a terminal."""

from __future__ import annotations

import errno
import sys

from pyalma_tui.cli.stalled import leave
from pyalma_tui.cli.streams import STAND_IN, is_unicode
from pyalma_tui.errors import UsageError


class Out:
    """Where a command prints to; a reader that goes away (`| head`) ends the printing, not in an error."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.gone = False

    def text(self, text: str) -> None:
        """Write text for people, in the encoding of stdout."""
        if is_unicode():
            self.exact(text)
        else:
            self.data(text.encode(sys.stdout.encoding, STAND_IN))

    def exact(self, text: str) -> None:
        """Write text for programs: as UTF-8, to whatever is no terminal.

        What UTF-8 cannot carry is spelled out, names that were no UTF-8 get their bytes back.
        """
        if self.terminal and not is_unicode():
            self.text(text)
            return
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            data = text.encode("utf-8", "backslashreplace")
        self.data(data)

    def data(self, data: bytes) -> None:
        """Write bytes; raises UsageError where they cannot be written, as on a full disk."""
        if self.gone:
            return
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError as error:
            self.gone = True
            end_printing(error)


def end_printing(error: OSError) -> None:
    """Print nothing more to stdout, which has taken no more; raises UsageError unless its reader has gone away."""
    leave(sys.stdout.fileno())  # what Python still holds must not fail at the exit
    if error.errno != errno.EPIPE:
        raise UsageError(f"stdout: {error.strerror}. Nothing was changed; print to another place") from error
