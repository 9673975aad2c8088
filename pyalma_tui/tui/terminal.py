"""The terminal as Textual drives it, made fit for one that goes away, is another job's for a while, or has no UTF-8."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any, Final, TextIO, cast

from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key

from pyalma_tui.model.terminal import in_background
from pyalma_tui.tui.alert import alert
from pyalma_tui.tui.background import QUESTION, Answer, is_asked
from pyalma_tui.tui.escape import ESCAPE, Escape
from pyalma_tui.tui.in_turn import InTurnDriver

LOOK: Final = 0.2  # seconds between two looks whether we are in the foreground
KEYS: Final = 0.1  # seconds between two looks whether keys are still wanted
PUSH, POP = "\x1b[22;2t", "\x1b[23;2t"  # the terminal keeps titles on a stack of its own


class Terminal(InTurnDriver, LinuxDriver):
    """Textual's driver; what cannot be written any more is dropped.

    The title leaves with the screen: at the end, by a crash, by ctrl+z, for an editor. In the background (`&`, `bg`)
    the terminal is not touched, and the app goes on without it until it is ours: Textual would have us stopped.
    """

    _title = ""
    _waiting: asyncio.TimerHandle | None = None

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._file = cast(TextIOWrapper, DroppingStream(cast(TextIO, self._file)))
        self._answer = Answer()
        self._told: Callable[[bool], None] | None = None

    def ask_background(self, told: Callable[[bool], None]) -> None:
        """Call this in the app's loop with whether the terminal is dark, if it answers."""
        if is_asked(os.environ):
            self._told = told
            self.write(QUESTION)

    def entitle(self, title: str) -> None:
        """Make this the terminal's title; it must hold nothing that a terminal would obey."""
        if title == self._title or not self.is_shown:
            return
        push = "" if self._title else PUSH
        self._title = title
        self.write(f"{push}\x1b]2;{title}\x07")

    def alert(self, title: str, text: str) -> None:
        """Tell somebody who looks elsewhere; neither text may hold anything that a terminal would obey."""
        self.write(alert(title, text))

    @property
    def is_shown(self) -> bool:
        """Whether we are in application mode."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def write(self, data: str) -> None:
        """Write to the terminal while it is ours."""
        if self.is_shown:
            super().write(data)

    def start_application_mode(self) -> None:
        """Enter the screen, in the background as soon as we are in the foreground."""
        self._waiting = None
        if not in_background(self.fileno):
            super().start_application_mode()  # type: ignore[no-untyped-call]
        if not self.is_shown:
            self._must_signal_resume = True  # everything is to be painted then
            self._waiting = self._loop.call_later(LOOK, self.start_application_mode)

    def disable_input(self) -> None:
        """Take no keys any more."""
        if self.is_shown:
            super().disable_input()

    def stop_application_mode(self) -> None:
        """Leave the screen, and give the terminal the title that it had; the next `entitle` begins anew."""
        if self._waiting is not None:
            self._waiting.cancel()
        if not self.is_shown:
            return
        if self._title:
            self._title = ""
            self.write(POP)
        super().stop_application_mode()

    def _sigtstp_application(self, *arguments: object) -> None:
        """Stop where a shell lets us go on, as the kernel does with who does not handle the signal."""
        if is_job():
            super()._sigtstp_application(*arguments)

    def _sigcont_application(self, *_: object) -> None:
        """Go on when the loop does: this may be amid anything, and a signal that ends us may have come as well."""
        self._loop.call_soon_threadsafe(self._go_on)

    def _go_on(self) -> None:
        """Enter application mode again if it was left: the kernel sends SIGCONT with every hang-up as well.

        Entering it twice would leave a thread behind that nobody ends, and that takes keys from the other one.
        """
        if not (self._auto_restart and self._app.is_running and os.isatty(self.fileno)) or self._waiting is not None:
            return
        if self.is_shown:  # stopped by SIGSTOP: a shell may have painted over us, and set modes of its own
            if in_background(self.fileno):
                self._let_go()
            else:
                self.suspend_application_mode()
        self._must_signal_resume = True
        self.resume_application_mode()

    def _let_go(self) -> None:
        """Leave a terminal that is another job's as it is: to set its modes would have us stopped."""
        self._title = ""
        self.exit_event.set()
        if self._key_thread is not None:
            self._key_thread.join()
        self.exit_event.clear()
        super().close()

    def run_input_thread(self) -> None:
        """Take keys as long as there are any; bytes that are none in the terminal's encoding are no reason to end."""
        parser, escape = XTermParser(self._debug), Escape()
        encoding = getattr(sys.__stdin__, "encoding", None) or "utf-8"
        decode = getincrementaldecoder(encoding)("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(constants.ESCAPE_DELAY if escape.waits else KEYS):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        data = b""
                    if not data:  # the terminal has gone away, which SIGHUP tells
                        return
                    was_key, text = escape.before(decode(data))
                else:
                    was_key, text = escape.before("")
                if was_key:
                    self.process_message(Key("escape", ESCAPE))
                if typed := escape.known(self._typed(text)):  # nothing at all would be the end to the parser
                    for message in parser.feed(typed):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _typed(self, text: str) -> str:
        """What comes from the terminal without its answer, which is told."""
        typed = self._answer.without(text)
        if (dark := self._answer.dark) is not None and self._told is not None:
            self._loop.call_soon_threadsafe(self._told, dark)
            self._told = None
        return typed

    def close(self) -> None:
        """Let go of the terminal, and for good when the app ends: then we are stopped as any program is."""
        super().close()
        if not self._app.is_running:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.signal(signal.SIGCONT, signal.SIG_DFL)


def is_job() -> bool:
    """Whether a shell hears that we stop: it is the nearest ancestor in another process group, in our session.

    Without one, as by `ssh -t host COMMAND`, we were stopped for ever.
    """
    import psutil  # no start has to wait for it

    group, session = os.getpgrp(), os.getsid(0)
    for parent in psutil.Process().parents():
        if os.getsid(parent.pid) != session:
            return False
        if os.getpgid(parent.pid) != group:
            return True
    return False


class DroppingStream:
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
