"""A forked program in a pseudo-terminal of its own, to be used as a `pexpect.spawn` is."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pexpect

from tests.prepared import Forked, Prepared

BEFORE_KEYS = 0.05  # seconds, as pexpect has it: a person does not type at once either


class PtyProcess:
    """`child_fd` is our end of its terminal."""

    def __init__(
        self, prepared: Prepared, arguments: Sequence[str], folder: Path, env: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        self.child_fd, theirs = pty.openpty()
        try:
            self.setwinsize(*size)
            self._program: Forked = prepared.start(arguments, folder, env, (theirs, theirs, theirs), session=True)
        finally:
            os.close(theirs)

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def exitstatus(self) -> int | None:
        code = self._program.returncode
        return code if code is None or code >= 0 else None

    @property
    def signalstatus(self) -> int | None:
        code = self._program.returncode
        return -code if code is not None and code < 0 else None

    def isalive(self) -> bool:
        return self._program.poll() is None

    def wait(self) -> int:
        return self._program.wait()

    def kill(self, number: signal.Signals) -> None:
        self._program.send_signal(number)

    def send(self, keys: str) -> None:
        time.sleep(BEFORE_KEYS)
        os.write(self.child_fd, keys.encode())

    def setwinsize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self.child_fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read_nonblocking(self, size: int, timeout: float) -> bytes:
        """What it has written. Raises pexpect.TIMEOUT if that is nothing yet, pexpect.EOF if it is nothing any more."""
        poll = select.poll()
        poll.register(self.child_fd, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise pexpect.TIMEOUT("nothing yet")
        try:
            data = os.read(self.child_fd, size)
        except OSError:  # as Linux says that nobody has the other end any more
            data = b""
        if not data:
            raise pexpect.EOF("nothing any more")
        return data

    def close(self, *, force: bool) -> None:
        """Take the terminal away; what does not end because of that is killed."""
        os.close(self.child_fd)
        if force:
            self._program.send_signal(signal.SIGKILL)
            self._program.wait()
