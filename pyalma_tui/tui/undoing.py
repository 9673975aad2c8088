"""What `u` takes back, newest first: marks are the screen's own, what was done to runs is the runner's."""

from __future__ import annotations

from typing import Final

from pyalma_tui.runner.commands import Command, Next, Reset, Retry
from pyalma_tui.tui.requests import Marked

REMEMBERED: Final = 1000  # key presses
UNDOABLE: Final = (Reset, Retry, Next)


class Steps:
    """The order in which marks and commands came; a command is remembered by the runner, here only its place."""

    def __init__(self) -> None:
        self._steps: list[Marked | None] = []

    def marked(self, step: Marked) -> None:
        """Somebody has marked something."""
        self._steps = [*self._steps, step][-REMEMBERED:]

    def sent(self, command: Command) -> None:
        """The runner is asked for something."""
        if isinstance(command, UNDOABLE):
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
