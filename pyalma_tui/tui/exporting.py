"""A table of results into a file, in a thread of its own: the one place where the screen asks for a report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pyalma_tui.errors import UsageError
from pyalma_tui.model.arranging import GivenUpError
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Row
from pyalma_tui.model.words import plural
from pyalma_tui.tui.row_source import PAGE, ArrangedTable, folder_of


class Exporting(threading.Thread):
    """Writes the file whole or not at all; `told` is what to say when it is over, `failed` whether it went wrong."""

    def __init__(self, table: ArrangedTable, path: Path, again: Callable[[Run], Run]) -> None:
        """`again` as of a RowReader."""
        super().__init__(name="exporting rows", daemon=True)
        self.told = ""
        self.failed = False
        self.written = 0
        self.total = len(table)
        self._table, self._path, self._again = table.copy(), path, again
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Nobody wants it any more: the file stays as it was."""
        self._stopped.set()

    def run(self) -> None:
        """What the thread does."""
        try:
            self._write()
            self.told = f"wrote {plural(self.written, 'row')} to {self._path}"
        except GivenUpError:
            self.told = f"stopped; {self._path} is as it was"
        except (UsageError, OSError) as error:
            self.told, self.failed = str(error), True

    def _write(self) -> None:
        from pyalma_tui.report.export import write_file
        from pyalma_tui.report.results import SUFFIXES, pieces

        ending = self._path.suffix.lower()
        if ending not in SUFFIXES:
            raise UsageError(f"{self._path}: its name must end in {', '.join(SUFFIXES)}. Nothing was written")
        if (form := SUFFIXES[ending]) == "parquet":
            from pyalma_tui.report.frames import parquet

            write_file(self._path, [parquet(self)])
        else:
            write_file(self._path, pieces(self, form))

    def __iter__(self) -> Iterator[Row]:
        """All rows of the table in its order, without those that cannot be read."""
        from pyalma_tui.store.rows import RowReader

        self.written = 0
        with RowReader(folder_of(self._table.snapshot), self._again) as reader:
            for first in range(0, self.total, PAGE):
                if self._stopped.is_set():
                    raise GivenUpError
                for row in self._table.rows(reader, first, first + PAGE):
                    if row is not None:
                        self.written += 1
                        yield row
