"""The actions on the one run that a list is at: its log, and what of it one would want to paste."""

from __future__ import annotations

from abc import abstractmethod

from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.tui.copying import worth_copying
from pyalma_tui.tui.requests import Copy, Edit
from pyalma_tui.tui.screens import later
from pyalma_tui.tui.screens.listed import Listed
from pyalma_tui.tui.subjects import of_run


class Selecting(Listed):
    """A list beside the detail of one run."""

    @abstractmethod
    def run_shown(self) -> Run | None:
        """The run that is told of beside the list."""

    @abstractmethod
    def names_marked(self) -> list[str]:
        """What those that are marked are called."""

    def do_log(self) -> None:
        """The log on the full screen."""
        if (run := self.run_shown()) is not None:
            self.app.push_screen(later.log(self.moment, of_run(run.id)))

    def do_copy(self) -> None:
        """What one would want to paste: of several marked ones the names, of one run its error, or its state."""
        names = self.names_marked()
        run = self.run_shown()
        if len(names) > 1:
            self.post_message(Copy("\n".join(names), words.plural(len(names), "name")))
        elif run is not None:
            self.post_message(worth_copying(run))

    def do_edit_log(self) -> None:
        """The log in the user's editor, the module if there is none."""
        run = self.run_shown()
        log = None if run is None else of_run(run.id)(self.moment, None).file
        self.post_message(Edit(log if log is not None and log.exists() else self.snapshot.target))
