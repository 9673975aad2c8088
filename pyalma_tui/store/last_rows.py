"""What the last rows of runs hold, each looked for once as long as the run has no other rows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extents
from pyalma_tui.model.run_fields import SAMPLE
from pyalma_tui.store.rows import RowReader

UNKNOWN: Final = object()
LOOKED_AT: Final = 10_000  # runs among which some with rows are looked for


class LastValues:
    """The values of fields in the last rows that have them, by run, with the extents that they were read by."""

    def __init__(self) -> None:
        self._by_field: dict[str, dict[int, tuple[Extents, Any]]] = {}

    def value(self, run: Run, name: str) -> Any:
        """What was read, also None; UNKNOWN if the run has had other rows since, or nobody has looked."""
        known = self._by_field.get(name, {}).get(run.id)
        return UNKNOWN if known is None or known[0] != run.extents else known[1]

    def former(self, run: Run, name: str) -> Any:
        """What was read last of this run, whichever rows it had then; UNKNOWN if nobody has looked."""
        known = self._by_field.get(name, {}).get(run.id)
        return UNKNOWN if known is None else known[1]

    def keep(self, run: Run, name: str, value: Any) -> None:
        """Keep what was read."""
        self._by_field.setdefault(name, {})[run.id] = (run.extents, value)

    def forget_others(self, names: Iterable[str]) -> None:
        """Forget all fields but these."""
        for name in self._by_field.keys() - set(names):
            del self._by_field[name]


class LastRows:
    """Reads them when it is asked: for a command, which may wait."""

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader
        self._values = LastValues()

    def value(self, run: Run, name: str) -> Any:
        """What the last row of a run that has this field holds there; None if none has."""
        value = self._values.value(run, name)
        if value is UNKNOWN:
            value = self._reader.last_value(run, name)
            self._values.keep(run, name, value)
        return value


def columns_of_some(reader: RowReader, runs: Iterable[Run]) -> list[str]:
    """The names in the last rows of some of these runs."""
    names: dict[str, None] = {}
    with_rows = (run for run in islice(runs, LOOKED_AT) if run.extents)
    for run in islice(with_rows, SAMPLE):
        for row in reader.latest(run, 1):
            names |= dict.fromkeys(row)
    return list(names)
