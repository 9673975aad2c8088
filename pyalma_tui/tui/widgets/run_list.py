"""Runs, a line for each: those of one instance, or any others."""

from __future__ import annotations

from collections.abc import Sequence

from pyalma_tui.model import status as s
from pyalma_tui.model.words import numbered
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.rows import LOOKED_AT, Piece
from pyalma_tui.tui.widgets.run_rows import RunColumns, run_columns, run_pieces


class RunList(InstanceList):
    """A list whose `order`, `cursor` and `marks` are ids of runs. They have names where several instances are meant."""

    def __init__(self, *, named: bool, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.columns = RunColumns()
        self._named = named
        self._longest_run = 0

    def show(self, moment: Moment, order: Sequence[int]) -> None:
        """Take over what is true now and repaint the lines that look different."""
        if order is not self.order:
            some = order[:: max(1, len(order) // LOOKED_AT)]
            self._longest_run = max((self._length(moment, run) for run in some), default=0)
            self.moment = moment
            self._replan()
        self._measured = moment.snapshot.instances  # their names make no column here
        super().show(moment, order)

    def _length(self, moment: Moment, run_id: int) -> int:
        run = moment.run(run_id)
        return len(moment.name(run) if self._named else numbered(run.iteration))

    def _replan(self) -> None:
        columns = run_columns(self.size.width, self._longest_run)
        if columns != self.columns:
            self.columns = columns
            self.post_message(self.Replanned())
            self.refresh()

    def _look(self, line: int) -> tuple[object, object]:
        if not line < len(self.order):
            return None, None
        run = self.moment.run(self.order[line])
        ticking = int(self.moment.now) if type(run.status) is s.Running else 0
        urgent = (run.id, type(run.status), run.attempt, run.id in self.marks, line == self._line, self.columns)
        return urgent, (run, ticking)

    def _pieces(self, line: int) -> list[Piece]:
        run = self.moment.run(self.order[line])
        return run_pieces(self.moment, run, self.columns, run.id in self.marks, named=self._named)

    def step_to(self, status: type[s.Status], by: int) -> bool:
        """Go to the next line whose run stands so, before or behind the cursor; whether there is one."""
        end = len(self.order) if by > 0 else -1
        for line in range(self._line + by, end, by):
            if isinstance(self.moment.run(self.order[line]).status, status):
                self.go(line)
                return True
        return False
