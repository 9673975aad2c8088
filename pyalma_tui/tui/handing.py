"""What the app hands out: messages of its screens, text for the clipboard, the terminal for another program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import on

from pyalma_tui.model.printable import printable
from pyalma_tui.tui.clipboard import copied
from pyalma_tui.tui.editor import run_editor, run_pager
from pyalma_tui.tui.preferred_app import PreferredApp
from pyalma_tui.tui.requests import Copy, Edit, OpenPager, Say
from pyalma_tui.tui.view_moment import NO_TERMINAL, Moment


class HandingApp(PreferredApp):
    """Carries out what screens ask for that leaves the screen."""

    moment: Moment

    @on(Say)
    def _say(self, asked: Say) -> None:
        self.say(asked.text)

    @on(Copy)
    def _copy(self, asked: Copy) -> None:
        """Nothing that a paste could set off reaches the clipboard."""
        shown = "\n".join(printable(line) for line in asked.text.split("\n"))
        self.copy_to_clipboard(shown)
        told = copied(shown, asked.what)
        self.say(told.words, severity="information" if told.reached else "warning")

    @on(Edit)
    def _edit(self, asked: Edit) -> None:
        self._stand_aside(run_editor, asked.path)

    @on(OpenPager)
    def _page_through(self, asked: OpenPager) -> None:
        self._stand_aside(run_pager, asked.path)

    def _stand_aside(self, run: Callable[[Path], str], path: Path | None) -> None:
        """Let another program have the terminal until it is closed."""
        if self.moment.page:
            self.say(NO_TERMINAL)
            return
        if path is None or not path.exists():
            self.say("there is no such file yet")
            return
        with self.suspend():
            problem = run(path)
        if problem:
            self.say(problem, severity="error")
