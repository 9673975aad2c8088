"""Where the table of results gets its rows: those of a few lines at once, all of them in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pyalma_tui.model.arranging import (
    MOST_GROUPS,
    Arranged,
    ColumnNames,
    GivenUpError,
    TooManyGroupsError,
    WantedTable,
    arranged,
)
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Row
from pyalma_tui.model.lacking import Lack, Lacking
from pyalma_tui.model.row_fields import RecordedRow, kind_of_rows
from pyalma_tui.model.run_fields import kind_of_runs
from pyalma_tui.model.words import plural
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.store import layout
from pyalma_tui.store.rows import RowIndex, RowReader, head_of

SAMPLE = 200  # rows whose columns are looked at where not all have to be
PAGE = 64  # lines that are read together
KEPT = 16  # pages


class ArrangedTable:
    """The rows of one snapshot as they were wanted, line by line. Owned by the screen, made by an `Arranging`."""

    def __init__(
        self, snapshot: Snapshot, wanted: WantedTable, index: RowIndex, found: Arranged, lacking: tuple[Lack, ...] = ()
    ) -> None:
        """`lacking` are fields of the filter that no row has, nor its run."""
        self.wanted, self.index, self.found, self.lacking = wanted, index, found, lacking
        self.snapshot = snapshot
        self._pages: dict[int, list[Row | None]] = {}

    def __len__(self) -> int:
        found = self.found
        if found.groups is not None:
            return len(found.groups)
        return len(self.index) if found.order is None else len(found.order)

    def copy(self) -> ArrangedTable:
        """The same table for another thread."""
        return ArrangedTable(self.snapshot, self.wanted, self.index, self.found)

    def rows(self, reader: RowReader, first: int, last: int) -> Iterator[Row | None]:
        """What stands in these lines; None where a row cannot be read, as one of a run that was reset since."""
        for line in range(max(0, first), min(last, len(self))):
            number = line // PAGE
            page = self._pages.pop(number, None) or list(self._page(reader, number * PAGE))
            self._pages[number] = page
            if len(self._pages) > KEPT:
                del self._pages[next(iter(self._pages))]
            yield page[line % PAGE]

    def _page(self, reader: RowReader, first: int) -> Iterator[Row | None]:
        last = min(first + PAGE, len(self))
        if self.found.groups is not None:
            yield from self.found.groups[first:last]
        elif self.found.order is None:
            for run, begin, end in self.index.parts(first, last):
                yield from self._of_run(reader, run, begin, end)
        else:
            for number in self.found.order[first:last]:
                run, at = self.index.place(number)
                yield from self._of_run(reader, run, at, at + 1)

    def _of_run(self, reader: RowReader, run: Run, begin: int, end: int) -> Iterator[Row | None]:
        head = _head(self.snapshot, self.index, run)
        found: list[Row] = [{**head, **own} for own in reader.rows(run, begin, end)]
        yield from found
        yield from [None] * (end - begin - len(found))


class Arranging(threading.Thread):
    """Makes the table of a snapshot: `table` once it is done, `failed` what went wrong, `looked_at` of `total` rows."""

    def __init__(self, snapshot: Snapshot, wanted: WantedTable, again: Callable[[Run], Run]) -> None:
        """`again` as of a RowReader."""
        super().__init__(name="arranging rows", daemon=True)
        self.wanted = wanted
        self.looked_at = self.total = 0
        self.table: ArrangedTable | None = None
        self.failed = ""
        self._kind = kind_of_rows(kind_of_runs(snapshot.instances, snapshot.at))
        self._lacking = Lacking(wanted.query, self._kind)
        self._snapshot, self._again = snapshot, again
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Nobody wants it any more."""
        self._stopped.set()

    def run(self) -> None:
        """What the thread does."""
        try:
            self.table = self._made()
        except GivenUpError:
            pass
        except TooManyGroupsError:
            self.failed = f"{self.wanted.group} has more than {MOST_GROUPS:,} values: group by another field"
        except OSError as error:
            self.failed = error.strerror or str(error)

    def _made(self) -> ArrangedTable:
        index = RowIndex(list(self._planned()))
        self.total = len(index)
        with RowReader(layout.rows(self._snapshot.state_dir), self._again) as reader:
            if self.wanted.is_plain:
                columns = ColumnNames()
                for _, (_, row) in self._rows(index, reader, SAMPLE):
                    columns.add(row)
                found = Arranged(columns=columns.names, numeric=columns.numeric)
            else:
                found = arranged(self._rows(index, reader, len(index)), self.wanted, self._kind, self._goes_on)
            if reader.missing:
                self.failed = f"{plural(reader.missing, 'row')} could not be read: {reader.why}"
        return ArrangedTable(self._snapshot, self.wanted, index, found, tuple(self._lacking))

    def _planned(self) -> Iterator[Run]:
        """The runs in the order of the table: by instance and iteration, without those that left the batch."""
        snapshot = self._snapshot
        for instance in snapshot.instances:
            if self._stopped.is_set():
                raise GivenUpError
            if instance.in_batch:
                runs = (snapshot.runs[number - 1] for number in snapshot.runs_of[instance.id])
                yield from (run for run in runs if run.extents)

    def _rows(self, index: RowIndex, reader: RowReader, most: int) -> Iterator[tuple[int, RecordedRow]]:
        number = 0
        for run, begin, end in index.parts(0, most):
            head = _head(self._snapshot, index, run)
            for number_in_run, own in enumerate(reader.rows(run, begin, end)):
                recorded = run, {**head, **own}
                if self._lacking:
                    self._lacking.look(recorded)
                yield number + number_in_run, recorded
            number += end - begin

    def _goes_on(self, looked_at: int) -> bool:
        self.looked_at = looked_at
        return not self._stopped.is_set()


def _head(snapshot: Snapshot, index: RowIndex, run: Run) -> Row:
    return head_of(snapshot.instances[run.instance].label, run, with_host=index.with_host)


def folder_of(snapshot: Snapshot) -> Path:
    """Where the files of rows are."""
    return layout.rows(snapshot.state_dir)
