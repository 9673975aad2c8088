"""The terminal beyond what is painted: its title, for whoever looks at another window, and that it may go away."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Final, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from pyalma_tui.model import status as s
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui import cells
from pyalma_tui.tui.moment import is_complete, is_live

LONGEST_NAME: Final = 40  # cells
PUSH, POP = "\x1b[22;2t", "\x1b[23;2t"  # the terminal keeps titles on a stack of its own


class Output:
    """The terminal, which may go away: what is written then is lost.

    An error would end Textual's thread that writes, and its queue of 30 would soon keep the app from ending.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.fileno = file.fileno

    def write(self, text: str) -> None:
        """Write, if anybody is there."""
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Flush, if anybody is there."""
        with contextlib.suppress(OSError):
            self._file.flush()


class TitledDriver(LinuxDriver):
    """Textual's driver with a title that leaves with the screen: at the end, by a crash, by ctrl+z, for an editor."""

    _title = ""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stderr__ is not None, "there is a terminal"
        self._file = cast(Any, Output(sys.__stderr__))

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


def terminal_title(snapshot: Snapshot) -> str:
    """`sat 86 % · 2 failed` while it is under way, then how it stands: `sat · all done`, `sat · interrupted`."""
    counts = snapshot.counts
    name = clip(printable(snapshot.title or "pyalma-tui"), LONGEST_NAME)
    live = is_live(snapshot) and counts.total
    told = [f"{name} {cells.percent(counts.done / counts.total)}" if live else name]
    if snapshot.not_saved:
        told.append("NOT SAVED")
    if standing := _standing(snapshot):
        told.append(standing)
    if counts.failed:
        told.append(f"{cells.count(counts.failed)} failed")
    return " · ".join(told)


def _standing(snapshot: Snapshot) -> str:
    hook = snapshot.done_hook.status
    if snapshot.failure or snapshot.blocked:
        return "cannot go on"
    if snapshot.phase == "stopping":
        return "stopping"
    if isinstance(hook, s.HookRunning | s.HookFailed | s.HookCutOff):
        return f"done() {s.hook_word(hook)}"
    if is_complete(snapshot):
        return "all done"
    if snapshot.paused:
        return "paused"
    return snapshot.idle_reason if snapshot.idle_reason in ("all done", "interrupted") else ""
