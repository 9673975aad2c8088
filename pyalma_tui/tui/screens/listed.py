"""The actions on a list as such: marks, and the filter below it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from textual import on

from pyalma_tui.model.experiment import Run
from pyalma_tui.store import layout
from pyalma_tui.tui.last_rows import LastRowsBeside
from pyalma_tui.tui.screens.commanding import Commanding
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.filter_bar import FilterBar
from pyalma_tui.tui.widgets.virtual_list import VirtualList


class Listed(Commanding):
    """A screen with a list whose lines are marked and filtered; `last_rows` is for filters that name fields of rows."""

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self.last_rows = LastRowsBeside(lambda: layout.rows(self.snapshot.state_dir), self._again)

    def _again(self, run: Run) -> Run:
        return self.moment.run(run.id)

    def on_unmount(self) -> None:
        """Nobody waits for the thread any more."""
        self.last_rows.stop()

    @property
    @abstractmethod
    def _list(self) -> VirtualList[Any]:
        """Its list."""

    @abstractmethod
    def _show_chosen(self) -> None:
        """Show what depends on what is marked, and where the cursor is."""

    def do_mark(self) -> None:
        """Mark the selected line, or not, and go to the next."""
        cursor = self._list.cursor
        if cursor is not None:
            self._list.mark([cursor], on=cursor not in self._list.marks)
            self._list.action_move(1)
            self._show_chosen()

    def do_mark_all(self) -> None:
        """Mark all that are listed; if they are, none."""
        listed = self._list.order
        self._list.mark(listed, on=not self._list.marks.issuperset(listed))
        self._show_chosen()

    def do_filter(self) -> None:
        """Ask for a filter."""
        self.query_one(FilterBar).ask()

    @on(FilterBar.Left)
    def _filtered(self) -> None:
        self._list.focus()

    def _clear(self) -> bool:
        """Clear the filter, without one the marks; whether there was anything to clear."""
        bar = self.query_one(FilterBar)
        if bar.open or bar.query_now.text:
            bar.clear()
            self._list.focus()
        elif self._list.marks:
            self._list.mark(list(self._list.marks), on=False)
            self._show_chosen()
        else:
            return False
        return True
