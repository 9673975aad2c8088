"""Each column of the table of results in a line: how many numbers, their mean, spread, least, middle and largest."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import Any

import msgspec

from pyalma_tui.model.evenly import evenly, place
from pyalma_tui.model.extents import COLUMNS
from pyalma_tui.model.series import number_of

MOST = 100  # columns
KEPT = 100_000  # numbers of a column that the median is of; of more of them one of two, of four …


class Summary(msgspec.Struct, frozen=True):
    """`n` are the rows that have a number there, `others` those with something else; `sd` is that of a sample."""

    name: str
    n: int
    others: int
    mean: float
    sd: float
    least: float
    median: float
    largest: float


class _Column:
    """Mean and variance by Welford's updating formula (Technometrics 4, 1962), which does not cancel."""

    def __init__(self) -> None:
        self.n = self.others = 0
        self.mean = self.squares = 0.0
        self.least, self.largest = math.inf, -math.inf
        self.kept, self.step, self.next = array("d"), 1, 0

    def add(self, value: float) -> None:
        if self.n == self.next:
            self.kept.append(value)
            if len(self.kept) > KEPT:
                self.kept = array("d", [self.kept[at] for at in evenly(len(self.kept), 2)])
                self.step *= 2
            self.next = place(self.n // self.step + 1, self.step)
        self.n += 1
        away = value - self.mean
        self.mean += away / self.n
        self.squares += away * (value - self.mean)
        self.least, self.largest = min(self.least, value), max(self.largest, value)

    def told(self, name: str) -> Summary:
        if not self.n:
            return Summary(name, 0, self.others, 0.0, 0.0, 0.0, 0.0, 0.0)
        ordered = sorted(self.kept)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        sd = math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else 0.0
        return Summary(name, self.n, self.others, self.mean, sd, self.least, median, self.largest)


def summaries(rows: Iterable[dict[str, Any]]) -> tuple[int, list[Summary]]:
    """How many rows there are, and their columns in the order in which they first occur, those of the run aside."""
    columns: dict[str, _Column] = {}
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 (it is wanted after the last one)
        for name, value in row.items():
            if name in COLUMNS:
                continue
            column = columns.get(name)
            if column is None:
                if len(columns) == MOST:
                    continue
                column = columns[name] = _Column()
            number = number_of(value)
            if number is not None:
                column.add(number)
            elif value is not None:
                column.others += 1
    return count, [column.told(name) for name, column in columns.items()]
