"""The table of rows as somebody wants to see it: those that a filter means, sorted, or summed up in groups.

One pass over the rows makes it, which tells how far it is and may be ended. Of the rows it keeps their numbers alone;
of a column to sort by, or to sum up, the values.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import sqrt
from statistics import fmean
from typing import Any, Final

import msgspec

from pyalma_tui.model.checks import is_number, rank_of, text_of
from pyalma_tui.model.extents import COLUMNS, Row
from pyalma_tui.model.query import Query, Vocabulary
from pyalma_tui.model.row_fields import RecordedRow

STATISTICS: Final = ("n", "mean", "sd", "min", "median", "max")
MOST_GROUPS = 100_000  # more are no summary
LOOK = 1_000  # rows between two questions whether to go on


class WantedTable(msgspec.Struct, frozen=True):
    """How the table is wanted: the rows of `query`, sorted by a column, or one line for each value of `group`.

    The statistics of a group are those of the numbers in the column `value`. "" stands for no column.
    """

    query: Query = Query()
    sort: str = ""
    descending: bool = False
    group: str = ""
    value: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is the table as it stands, for which no row has to be looked at."""
        return not (self.query.terms or self.sort or self.group)


class Arranged(msgspec.Struct, frozen=True):
    """What came of it: the numbers of the rows in their order, None for all as they stand, or one row for each group.

    `columns` are all that there are, `numeric` those of them that hold numbers, among the rows that are meant.
    """

    order: Sequence[int] | None = None
    groups: tuple[Row, ...] | None = None
    columns: tuple[str, ...] = COLUMNS
    numeric: tuple[str, ...] = ()


class GivenUpError(Exception):
    """Nobody wants it any more."""


class TooManyGroupsError(Exception):
    """The column has so many values that groups of it tell nothing."""


def arranged(
    rows: Iterable[tuple[int, RecordedRow]],
    wanted: WantedTable,
    kind: Vocabulary[RecordedRow],
    goes_on: Callable[[int], bool],
) -> Arranged:
    """Go through the rows, each with its number, in the order of the table.

    `kind` is how they are read. `goes_on` is told now and then how many rows were looked at. Raises GivenUpError once
    it says no, and TooManyGroupsError.
    """
    columns = ColumnNames()
    meant = columns.seen(_meant(rows, wanted.query, kind, goes_on))
    if wanted.group:
        groups = _groups(meant, wanted)
        return Arranged(None, groups, columns.names, columns.numeric)
    order = _sorted(meant, wanted) if wanted.sort else array("L", [number for number, _ in meant])
    return Arranged(order, None, columns.names, columns.numeric)


class ColumnNames:
    """The names of columns in the order in which they first occur, and those that hold numbers."""

    def __init__(self) -> None:
        self._names = dict.fromkeys(COLUMNS)
        self._numeric: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, those of the run first."""
        return tuple(self._names)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Those that hold a number in some row."""
        return tuple([name for name in self._names if name in self._numeric])

    def add(self, row: Row) -> None:
        """Look at one row."""
        if not row.keys() <= self._names.keys():
            self._names |= dict.fromkeys(row)
        for name, value in row.items():
            if name not in self._numeric and is_number(value):
                self._numeric[name] = None

    def seen(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """The same rows, each looked at as it passes."""
        for each in rows:
            self.add(each[1])
            yield each


def _meant(
    rows: Iterable[tuple[int, RecordedRow]],
    query: Query,
    kind: Vocabulary[RecordedRow],
    goes_on: Callable[[int], bool],
) -> Iterator[tuple[int, Row]]:
    test = query.over(kind) if query.terms else None
    for looked_at, (number, recorded) in enumerate(rows):
        if looked_at % LOOK == 0 and not goes_on(looked_at):
            raise GivenUpError
        if test is None or test(recorded):
            yield number, recorded[1]


# --- sorting ----------------------------------------------------------------------------------------------------------


def _sorted(rows: Iterable[tuple[int, Row]], wanted: WantedTable) -> array[int]:
    """Numbers, then texts, then rows without a value, which stay last; equal ones as they stand in the table."""
    numbers: list[float] = []
    texts: list[str] = []
    places: tuple[array[int], array[int], array[int]] = (array("L"), array("L"), array("L"))
    for number, row in rows:
        value = row.get(wanted.sort)
        if is_number(value):
            numbers.append(value)
            places[0].append(number)
        elif value is None:
            places[2].append(number)
        else:
            texts.append(text_of(value))
            places[1].append(number)
    both = [_in_order(places[0], numbers, wanted.descending), _in_order(places[1], texts, wanted.descending)]
    return sum([*(reversed(both) if wanted.descending else both), places[2]], array("L"))


def _in_order(places: array[int], keys: Sequence[Any], descending: bool) -> array[int]:
    ranks = sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)
    return array("L", [places[rank] for rank in ranks])


# --- groups -----------------------------------------------------------------------------------------------------------


def names_of(wanted: WantedTable) -> tuple[str, ...]:
    """The columns of a table of groups: what they share, then the statistics, told apart from a column of that name."""
    return (wanted.group, *[f"{wanted.value} {name}" if name == wanted.group else name for name in STATISTICS])


def _groups(rows: Iterable[tuple[int, Row]], wanted: WantedTable) -> tuple[Row, ...]:
    values: dict[str, Any] = {}
    found: dict[str, array[float]] = {}
    counts: dict[str, int] = {}
    for _, row in rows:
        value, number = row.get(wanted.group), row.get(wanted.value)
        key = f"{type(value) is str:d}{text_of(value)}" if value is not None else ""
        if key not in found:
            if len(found) >= MOST_GROUPS:
                raise TooManyGroupsError
            values[key], found[key], counts[key] = value, array("d"), 0
        counts[key] += 1
        if is_number(number):
            found[key].append(_as_float(number))
    names = names_of(wanted)
    table = [
        dict(zip(names, (values[key], *_statistics(found[key], counts[key], wanted.value)), strict=True))
        for key in sorted(found, key=lambda key: rank_of(values[key]))
    ]
    if wanted.sort in names:
        there = [row for row in table if row[wanted.sort] is not None]
        there.sort(key=lambda row: rank_of(row[wanted.sort]), reverse=wanted.descending)
        table = [*there, *[row for row in table if row[wanted.sort] is None]]
    return tuple(table)


def _statistics(numbers: array[float], rows: int, value: str) -> tuple[float | None, ...]:
    """As STATISTICS names them: `n` counts the numbers, or the rows if no column is summed up, `sd` is the sample's."""
    if not numbers:
        return (0 if value else rows, None, None, None, None, None)
    n, mean = len(numbers), fmean(numbers)
    ordered = sorted(numbers)
    middle = ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2
    sd = sqrt(sum((each - mean) ** 2 for each in numbers) / (n - 1)) if n > 1 else None
    return n, mean, sd, ordered[0], middle, ordered[-1]


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an int of 400 digits
        return float("inf") if number > 0 else float("-inf")
