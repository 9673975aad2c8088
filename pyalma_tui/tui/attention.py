"""What reaches a user who looks at another window: the terminal's title, and what the desktop shows at the end."""

from __future__ import annotations

from textual.driver import Driver

from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.terminal import Terminal
from pyalma_tui.tui.title import terminal_title


class Attention:
    """Tells the terminal, if the driver is one; knows whether something has ended that nobody has seen yet."""

    def __init__(self) -> None:
        self._unseen = False

    def entitle(self, driver: Driver | None, snapshot: Snapshot) -> None:
        """Tell the terminal how far it is; nothing is written while that is the same."""
        if isinstance(driver, Terminal):
            driver.entitle(f"{'! ' if self._unseen else ''}{terminal_title(snapshot)}")

    def call(self, driver: Driver | None, snapshot: Snapshot) -> None:
        """Let the desktop say that it has ended, and mark the title until somebody looks."""
        self._unseen = True
        if isinstance(driver, Terminal):
            title, _, standing = terminal_title(snapshot).partition(" · ")
            driver.alert(title.replace(";", ","), standing or "nothing runs any more")

    def paid(self) -> None:
        """Somebody looks."""
        self._unseen = False
