"""Runs, a line for each: those of one instance, or any others."""

from __future__ import annotations

from collections.abc import Sequence

from pyalma_tui.model import status as s
from pyalma_tui.model.words import numbered
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.columns import LOOKED_AT
from pyalma_tui.tui.widgets.rows import Piece
from pyalma_tui.tui.widgets.run_rows import RunColumns, run_columns, run_pieces
from pyalma_tui.tui.widgets.virtual_list import Look, VirtualList


class RunList(VirtualList[RunColumns]):
    """A list whose `order`, `cursor` and `marks` are ids of runs. They have names where several instances are meant."""

    def __init__(self, *, named: bool, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._named = named
        self._longest_run = 0

    def show(self, moment: Moment, order: Sequence[int]) -> None:
        """Take in what is true now and repaint the lines that look different."""
        if order is not self.order:
            some = order[:: max(1, len(order) // LOOKED_AT)]
            self._longest_run = max((self._length(moment, run) for run in some), default=0)
            self.moment = moment
            self.replan()
        super().show(moment, order)

    def _length(self, moment: Moment, run_id: int) -> int:
        run = moment.run(run_id)
        return len(moment.name(run) if self._named else numbered(run.iteration))

    def fitted(self, width: int) -> RunColumns:
        """The columns at this width."""
        return run_columns(width, self._longest_run)

    def look(self, key: int) -> Look:
        """Where it stands at once; what it saved and its time once a second."""
        run = self.moment.run(key)
        ticking = int(self.moment.now) if type(run.status) is s.Running else 0
        return (type(run.status), run.attempt), (run, ticking)

    def pieces(self, key: int) -> list[Piece]:
        """The line of a run."""
        return run_pieces(self.moment, self.moment.run(key), self.columns, key in self.marks, named=self._named)

    def step_to(self, status: type[s.Status], by: int) -> bool:
        """Go to the next line whose run stands so, before or behind the cursor; whether there is one."""
        end = len(self.order) if by > 0 else -1
        for line in range(self._line + by, end, by):
            if isinstance(self.moment.run(self.order[line]).status, status):
                self.go(line)
                return True
        return False
