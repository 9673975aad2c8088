"""The rows that runs have recorded, each exactly once.

    from pyalma_tui import results

    def done():                                  # in a run module: all rows of the experiment that is done
        for row in results():
            print(row["instance"], row["gap"])

    results.read("sat.alma").to_polars()         # anywhere else: what a state directory holds

Only what is needed to say so is imported here: a run module may import this.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyalma_tui.errors import StoreError, UsageError

__all__ = ["Rows", "read", "results"]


class Rows:
    """Rows as dicts: `instance`, `iteration` and `seed` of the run, then what it recorded; by run and in its order.

    They are read while somebody iterates, a few at a time, each time as the experiment stands then. Rows that count and
    cannot be read are told as a warning. Iterating raises StoreError if nothing is remembered.
    """

    def __init__(self, state_dir: Path, where: str = "") -> None:
        """Use `results()`, `results.read` or `Dispatcher.rows`; `where` is a filter as of `pyalma-tui results`."""
        self._state_dir = state_dir
        self._where = where

    def __iter__(self) -> Iterator[dict[str, Any]]:
        table = self._table()
        yield from table
        _warn(table.missing)

    def to_polars(self) -> Any:
        """All of them as a `polars.DataFrame`; raises UsageError if polars is not installed."""
        from pyalma_tui.report.frames import polars_frame

        table = self._table()
        frame = polars_frame(table)
        _warn(table.missing)
        return frame

    def to_pandas(self) -> Any:
        """All of them as a `pandas.DataFrame`; raises UsageError if pandas is not installed."""
        from pyalma_tui.report.frames import pandas_frame

        table = self._table()
        frame = pandas_frame(table)
        _warn(table.missing)
        return frame

    def _table(self) -> Any:
        from pyalma_tui.report.results import table_of

        return table_of(self._state_dir, self._where)


def _warn(missing: str) -> None:
    if missing:
        warnings.warn(missing, stacklevel=3)


def read(path: str | os.PathLike[str], where: str = "") -> Rows:
    """The rows of a state directory (`sat.alma`), or of the run module or experiment file that it belongs to.

    Raises StoreError if there is nothing of that name, UsageError for a filter that means nothing.
    """
    from pyalma_tui.loading.target import find_target
    from pyalma_tui.report.results import filter_of

    filter_of(where)
    named = Path(path)
    if named.is_dir():
        return Rows(named.absolute(), where)
    if not named.exists():
        raise StoreError(f"results: {named}: there is no such file or directory. Name the state directory (*.alma)")
    return Rows(find_target(str(named), lambda text: warnings.warn(text, stacklevel=3)).state_dir(None), where)


class Results:
    """What `from pyalma_tui import results` gives: call it inside of done(), use `read` anywhere else."""

    read = staticmethod(read)

    def __call__(self, where: str = "") -> Rows:
        """The rows of the experiment whose done() is called, in its process and in those that it starts.

        Raises UsageError anywhere else, and for a filter that means nothing.
        """
        from pyalma_tui.model.messages import STATE_MARK

        state_dir = os.environ.get(STATE_MARK)
        if not state_dir:
            raise UsageError("results(): this is not done(). Elsewhere, results.read('….alma') reads a state directory")
        return read(state_dir, where)


results = Results()
