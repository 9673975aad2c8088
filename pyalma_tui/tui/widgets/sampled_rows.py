"""The numbers that some runs have recorded, as plots draw them: read where the rows are, when there are others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extents
from pyalma_tui.model.series import MOST, Series, of_rows
from pyalma_tui.store import layout
from pyalma_tui.store.rows import RowReader
from pyalma_tui.tui.view_moment import Moment

DRAWN: Final = 6  # runs, as many as have a colour
LOOKED_AT: Final = 1000  # of all that are chosen


class SampledRows:
    """Reads a run again only when more of its rows count."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Extents, Series]] = {}

    def of(self, moment: Moment, chosen: Collection[int]) -> dict[int, Series]:
        """The chosen runs that have rows, of others those that run; at the end those that saved last."""
        running = [slot.run for slot in moment.snapshot.slots if slot.run is not None]
        runs = _having_rows(moment, islice(sorted(chosen), LOOKED_AT)) or _having_rows(moment, running)
        kept, self._known = self._known, {}
        with RowReader(layout.rows(moment.snapshot.state_dir)) as reader:
            for run in runs:
                extents, series = kept.get(run.id, ((), Series()))
                if extents != run.extents:
                    series = of_rows(reader.spread(run, MOST))
                self._known[run.id] = run.extents, series
        return {run: series for run, (_, series) in self._known.items()}


def _having_rows(moment: Moment, numbers: Iterable[int]) -> list[Run]:
    runs = [run for run in map(moment.run, numbers) if run.extents]
    return sorted(runs, key=lambda run: run.saved_at or 0.0)[-DRAWN:]
