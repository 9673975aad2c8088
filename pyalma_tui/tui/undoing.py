"""What `u` takes back, newest first: marks are the screen's own, what was done to runs is the runner's."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Final

from textual import on

from pyalma_tui.runner.commands import Command, Forget, Next, Remove, Renew, Retry, Undo
from pyalma_tui.tui.handing import HandingApp
from pyalma_tui.tui.obstacles import view_only
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.requests import MarksChanged
from pyalma_tui.tui.screens.base import BaseScreen

REMEMBERED: Final = 1000  # key presses
UNDOABLE: Final = (Forget, Retry, Next, Remove)


class Steps:
    """The order in which marks and commands came; a command is remembered by the runner, here only its place."""

    def __init__(self) -> None:
        self._steps: list[MarksChanged | None] = []

    def marked(self, step: MarksChanged) -> None:
        """Somebody has marked something."""
        self._steps = [*self._steps, step][-REMEMBERED:]

    def sent(self, command: Command) -> None:
        """The runner is asked for something."""
        if isinstance(command.then if isinstance(command, Renew) else command, UNDOABLE):
            self._steps = [*self._steps, None][-REMEMBERED:]

    def take_back_marks(self) -> bool:
        """Put the marks back that were there before the newest step, if marks are what it changed."""
        while self._steps:
            step = self._steps.pop()
            if step is None:
                return False
            if step.is_there():
                step.put_back()
                return True
        return False


class UndoingApp(HandingApp):
    """Takes back the newest of what was marked, or done to runs."""

    def __init__(self, theme: str | None, preferences: Preferences, kept_in: Path | None, mistake: str = "") -> None:
        super().__init__(theme, preferences, kept_in, mistake)
        self.steps = Steps()

    @property
    @abstractmethod
    def page(self) -> BaseScreen[Any]:
        """The screen that actions are about."""

    @abstractmethod
    def send(self, command: Command) -> None:
        """Ask the runner for something."""

    @on(MarksChanged)
    def _marked(self, told: MarksChanged) -> None:
        self.steps.marked(told)

    def do_undo(self) -> None:
        """What was newest; of what was done to runs the runner says what that was."""
        if self.steps.take_back_marks():
            self.page.paint()
            self.say("undone: marks as before", timeout=2)
        elif refused := view_only(self.page.situation()):
            self.say(refused, timeout=3)
        else:
            self.send(Undo())
