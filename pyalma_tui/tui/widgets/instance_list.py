"""The list of instances, a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.tui.last_lines import last_line
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets import rows
from pyalma_tui.tui.widgets.columns import NAMES, SAMPLE, Columns, Measurements, columns, known_of
from pyalma_tui.tui.widgets.virtual_list import Look, VirtualList


class InstanceList(VirtualList[Columns]):
    """A list whose `order`, `cursor` and `marks` are ids of instances.

    `meant` gives the run that a row tells of, where another one is meant than that which the row is about.
    """

    def __init__(
        self,
        preferred: tuple[str, ...] | None = None,
        meant: Callable[[int, Run], Run] = lambda _, run: run,
        *,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        """`preferred` are the names of columns, None for those that fit best."""
        super().__init__(id=id)
        self._preferred = preferred
        self._meant = meant
        self._known = Measurements()
        self._measured: tuple[object, list[str], bool] = (None, [], False)

    def show(self, moment: Moment, order: Sequence[int]) -> None:
        """Take in what is true now and repaint the lines that look different."""
        instances = moment.snapshot.instances
        measured = instances, [slot.host for slot in moment.snapshot.slots], _is_silent(moment)
        if measured[0] is not self._measured[0] or measured[1:] != self._measured[1:]:
            self._measured = measured
            iterations = max((len(runs) for runs in moment.snapshot.runs_of[:1]), default=1)
            self._known = known_of(instances, iterations, _hosts(moment), silent=measured[2])
            self.moment = moment
            self.forget_lines()
            self.replan()
        super().show(moment, order)

    def prefer(self, names: tuple[str, ...] | None) -> None:
        """Show these columns from now on."""
        self._preferred = names
        self.forget_lines()
        self.replan()

    def column_offers(self) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
        """What can be done with the columns: its name, what it does, and the columns that are preferred then."""
        now = self._preferred or tuple(column.name for column in self.columns.shown)
        for name in (*NAMES, *(column.name for column in self._known.parameters)):
            if name not in now:
                yield f"show column {name}", f"Show {name} as the last column of the list.", (*now, name)
            elif len(now) > 1:
                rest = tuple(each for each in now if each != name)
                yield f"hide column {name}", f"Show the list without {name}.", rest
        if self._preferred is not None:
            yield "usual columns", "Show the columns that fit best.", None

    def fitted(self, width: int) -> Columns:
        """The columns at this width."""
        return columns(width, self._known, self._preferred)

    def about(self, key: int) -> Run:
        """The run that a row tells of."""
        return self._meant(key, self.moment.telling(key))

    def look(self, key: int) -> Look:
        """Where its runs stand at once; the run that it tells of and its time once a second."""
        snapshot = self.moment.snapshot
        run = self.about(key)
        ticking = int(self.moment.now) if type(run.status) is s.Running else 0
        return (type(run.status), snapshot.rows[key].tally, snapshot.instances[key].in_batch), (run, ticking)

    def pieces(self, key: int) -> list[rows.Piece]:
        """The line of an instance."""
        snapshot = self.moment.snapshot
        told = rows.RowFacts(self.moment, snapshot.instances[key], snapshot.rows[key], self.about(key), self._last_line)
        return rows.pieces(told, self.columns, key in self.marks)

    def _last_line(self, run: Run) -> str:
        return last_line(self.moment.snapshot.state_dir, run)


def _is_silent(moment: Moment) -> bool:
    """Whether runs are done, and none has saved, failed, was interrupted or left the batch: no row has a remark."""
    snapshot = moment.snapshot
    counts = snapshot.counts
    remarked = counts.failed or counts.interrupted or snapshot.aside.total
    return counts.done > 0 and snapshot.saved_at is None and not remarked


def _hosts(moment: Moment) -> int:
    """The cells of the longest name of a machine, of those of the workers and of the first runs; 0 if it is one."""
    snapshot = moment.snapshot
    names = {run.host for run in snapshot.runs[:SAMPLE]} | {slot.host for slot in snapshot.slots}
    names.discard("")
    return max(map(len, names)) if len(names) > 1 else 0
