"""Rows of instances that nothing has happened to since they were planned or read: made when somebody asks for them.

Like blocks of runs they keep nothing that they have made, so they are for any thread.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.view import InstanceRow, Tally


class UnmadeRows(Sequence[InstanceRow]):
    """A block of rows; `words` has the first letter of the word of each, which is known without making them."""

    words: bytes

    def __len__(self) -> int:
        return len(self.words)

    @overload
    def __getitem__(self, index: int) -> InstanceRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[InstanceRow]: ...
    def __getitem__(self, index: int | slice) -> InstanceRow | list[InstanceRow]:
        if isinstance(index, slice):
            return list(self)[index]
        return self.row(range(len(self.words))[index])

    @abstractmethod
    def row(self, index: int) -> InstanceRow:
        """The row with an index from 0."""


class PlannedRows(UnmadeRows):
    """Rows of instances of a new experiment, which have the same tally; the first of them has the id `first`."""

    def __init__(self, first: int, count: int, tally: Tally) -> None:
        self.words = bytes([s.LETTER["pending"]]) * count
        self._first = first
        self._tally = tally

    def row(self, index: int) -> InstanceRow:
        """Its run that changed last is the first one."""
        return InstanceRow(self._tally, self._first + index + 1)


class RowsOfRuns(UnmadeRows):
    """Rows of instances with one run each, made of a block of these runs."""

    def __init__(self, runs: Sequence[Run], words: bytes, alone: Mapping[s.Word, Tally]) -> None:
        """`words` are those of the runs, `alone` has the tally for each."""
        self.words = words
        self._runs = runs
        self._alone = alone

    def __iter__(self) -> Iterator[InstanceRow]:
        return map(self._of, self._runs)

    def row(self, index: int) -> InstanceRow:
        """A row is its run."""
        return self._of(self._runs[index])

    def _of(self, run: Run) -> InstanceRow:
        return InstanceRow(self._alone[s.word(run.status)], run.id, run.seconds)
