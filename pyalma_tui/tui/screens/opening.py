"""The actions that open what lies over the lists: plots, the forecast, logs of the whole, the workers."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from pyalma_tui.tui.requests import Say
from pyalma_tui.tui.screens import later
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.subjects import load_logs, of_done, of_loading
from pyalma_tui.tui.targets import Targets, pair_of

if TYPE_CHECKING:
    from pyalma_tui.model.ends import Ends


class Opening(BaseScreen[None]):
    """A screen on which runs are chosen, and that others can be opened over."""

    _ends: Ends | None = None  # made when it is first asked for, and kept up to date from then on

    @abstractmethod
    def chosen(self) -> Targets:
        """The runs that are selected or marked."""

    def do_plots(self) -> None:
        """What ended when, how long it took, what the chosen runs saved."""
        if self._ends is None:
            self._ends = later.ends()
        self.app.push_screen(later.plots(self.moment, self._ends, self.chosen().runs))

    def do_forecast(self) -> None:
        """When it will be done."""
        self.app.push_screen(later.forecast(self.moment))

    def do_compare(self) -> None:
        """Two marked runs, of two marked instances those that are shown of them."""
        if (two := pair_of(self.snapshot, self.chosen().runs)) is not None:
            self.app.push_screen(later.compare(self.moment, *two))

    def do_history(self) -> None:
        """All that has happened."""
        self.app.push_screen(later.history(self.moment))

    def do_done_log(self) -> None:
        """What done() printed."""
        self.app.push_screen(later.log(self.moment, of_done))

    def do_load_log(self) -> None:
        """What the module printed while it was imported."""
        found = load_logs(self.snapshot.state_dir)
        if found:
            self.app.push_screen(later.log(self.moment, of_loading(found)))
        else:
            self.post_message(Say("the module printed nothing while it was loaded"))

    def do_notes(self) -> None:
        """The session log."""
        self.app.push_screen(later.notes(self.moment))

    def do_workers(self) -> None:
        """The workers."""
        self.app.push_screen(later.workers(self.moment))
