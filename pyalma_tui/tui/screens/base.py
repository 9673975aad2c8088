"""What the screens have in common: each knows the moment, shows it, and tells what is possible on it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from textual.app import SystemCommand
from textual.screen import Screen, ScreenResultType

from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.obstacles import KeyScope, Situation
from pyalma_tui.tui.view_moment import Moment


class BaseScreen(Screen[ScreenResultType]):
    """A screen of ours; the actions of its `scope` are its methods `do_<id>`.

    The app calls `show` on all of them with each new moment, and `poll` a few times a second on the one on top.
    """

    scope: ClassVar[KeyScope]

    def __init__(self, moment: Moment) -> None:
        super().__init__()
        self.moment = moment
        self.composed = False

    @property
    def snapshot(self) -> Snapshot:
        """What is true now."""
        return self.moment.snapshot

    @property
    def pending(self) -> bool:
        """Whether something changed that was not painted yet, so that the same moment has to be shown again."""
        return False

    def on_mount(self) -> None:
        """Begin with what is known."""
        self.composed = True
        self.paint()

    def show(self, moment: Moment) -> None:
        """Take in what is true now; it is painted as soon as there is something to paint on."""
        self.moment = moment
        if self.composed:
            self.paint()

    @abstractmethod
    def paint(self) -> None:
        """Bring the widgets up to date with the moment."""

    def poll(self) -> None:
        """Look at what grows between two moments, such as a log."""

    def situation(self) -> Situation:
        """What decides which actions are possible."""
        return Situation(self.moment, key_to, self.scope)

    def offers(self) -> Iterable[SystemCommand]:
        """What the palette can do here besides the actions."""
        return ()
