"""The terminal as Textual drives it, made fit for one that goes away, or is taken from us for a while."""

from __future__ import annotations

import os
import signal
from io import TextIOWrapper
from typing import Any, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

PUSH, POP = "\x1b[22;2t", "\x1b[23;2t"  # the terminal keeps titles on a stack of its own


class Terminal(LinuxDriver):
    """Textual's driver; what cannot be written any more is dropped.

    The title leaves with the screen: at the end, by a crash, by ctrl+z, for an editor.
    """

    _title = ""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = cast(TextIOWrapper, Line(cast(TextIO, self._file)))

    def entitle(self, title: str) -> None:
        """Make this the terminal's title; it must hold nothing that a terminal would obey."""
        if title == self._title:
            return
        push = "" if self._title else PUSH
        self._title = title
        self.write(f"{push}\x1b]2;{title}\x07")

    def stop_application_mode(self) -> None:
        """Leave the screen, and give the terminal the title that it had; the next `entitle` begins anew."""
        if self._title:
            self._title = ""
            self.write(POP)
        super().stop_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        """Enter application mode again if it was left: the kernel sends SIGCONT with every hang-up as well.

        Entering it twice would leave a thread behind that nobody ends, and that takes keys from the other one.
        """
        if self._must_signal_resume:
            super()._sigcont_application()
        else:  # stopped by SIGSTOP: a shell may have painted over us, and set modes of its own
            self._loop.call_soon_threadsafe(self._renew)

    def _renew(self) -> None:
        if self._auto_restart and self._app.is_running and os.isatty(self.fileno):
            self.suspend_application_mode()
            self._must_signal_resume = True
            self.resume_application_mode()

    def run_input_thread(self) -> None:
        """Take keys as long as there are any."""
        try:
            super().run_input_thread()
        except OSError:  # the terminal has gone away, which SIGHUP tells
            return

    def close(self) -> None:
        """Let go of the terminal, and for good when the app ends: then we are stopped as any program is."""
        super().close()
        if not self._app.is_running:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.signal(signal.SIGCONT, signal.SIG_DFL)


class Line:
    """A stream that drops what a terminal that has gone away refuses.

    Textual's writing thread would end at the first error; nobody would take anything out of its queue then, and after
    thirty more writes the app would wait for ever.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.fileno = stream.fileno

    def write(self, text: str) -> None:
        """Write it if there is anybody to read it."""
        try:
            self._stream.write(text)
        except OSError:
            return

    def flush(self) -> None:
        """Let what was written be seen."""
        try:
            self._stream.flush()
        except OSError:
            return
