"""What other threads may do with the runner: begin it, ask it for something, look at the latest moment, wait."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

from pyalma_tui.errors import Failure, ShortageError
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.mailbox import Mailbox
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.runner.telling import Telling


class Threaded(ABC):
    """A thread of its own, a mailbox that it reads, and what it tells; all public methods are for any other.

    `_failure` is why it cannot go on, None while it can.
    """

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._mailbox = Mailbox()
        self._failure: Failure | None = None
        self._thread = threading.Thread(target=self._main, name="pyalma-tui-runner")

    @abstractmethod
    def _main(self) -> None:
        """What the thread does until all is over."""

    @abstractmethod
    def _end(self) -> None:
        """End whatever still lives, and say so, come what may."""

    def start(self) -> None:
        """Begin; where no thread can be started it ends at once, and `failure` of the snapshot says so."""
        try:
            self._thread.start()
        except RuntimeError as error:
            if not is_shortage(error):
                raise
            self._failure = ShortageError(str(error)).failure
            self._end()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, which a Quit brings about."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def snapshot(self) -> Snapshot:
        """The latest moment."""
        return self._telling.snapshot

    def send(self, command: c.Command) -> None:
        """Ask for something; returns at once."""
        self._mailbox.put(command)

    def remark(self, text: str) -> None:
        """Let the thread tell this."""
        self._mailbox.put(c.Remark(text))
