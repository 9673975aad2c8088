"""The list of instances, a line for each."""

from __future__ import annotations

from collections.abc import Sequence

from pyalma_tui.model import status as s
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets import rows
from pyalma_tui.tui.widgets.virtual_list import Look, VirtualList


class InstanceList(VirtualList[rows.Columns]):
    """A list whose `order`, `cursor` and `marks` are ids of instances."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._longest = 0
        self._measured: object = None

    def show(self, moment: Moment, order: Sequence[int]) -> None:
        """Take over what is true now and repaint the lines that look different."""
        instances = moment.snapshot.instances
        if instances is not self._measured:
            self._measured = instances
            self._longest = rows.longest_name(instances)
            self.moment = moment
            self.forget_lines()
            self.replan()
        super().show(moment, order)

    def fitted(self, width: int) -> rows.Columns:
        """The columns at this width."""
        iterations = max((len(runs) for runs in self.moment.snapshot.runs_of[:1]), default=1)
        return rows.columns(width, self._longest, iterations)

    def look(self, key: int) -> Look:
        """Where its runs stand at once; the run that it tells of and its time once a second."""
        snapshot = self.moment.snapshot
        run = self.moment.telling(key)
        ticking = int(self.moment.now) if type(run.status) is s.Running else 0
        return (type(run.status), snapshot.rows[key].tally, snapshot.instances[key].in_batch), (run, ticking)

    def pieces(self, key: int) -> list[rows.Piece]:
        """The line of an instance."""
        snapshot = self.moment.snapshot
        instance, row = snapshot.instances[key], snapshot.rows[key]
        return rows.pieces(self.moment, instance, row, self.columns, key in self.marks)
