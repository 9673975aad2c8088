"""Instances in files that are no `.batch`: a path a line, a CSV row, a JSON value a line.

Paths are seen from an absolute `folder`; messages name the line.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from pyalma_tui.loading import entries
from pyalma_tui.loading.entries import Entry, absolute, entries_at, title_of
from pyalma_tui.loading.json_file import BOM, Origin, Warn, described, json_value, quoted, text_of_file
from pyalma_tui.model import jsontext

Reader: TypeAlias = Callable[[bytes, str, Origin, Warn], Sequence[Entry]]

FILE = "file"  # the column that is the file; all others are the data
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")  # as JSON has it: 007 is a text
TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NO_UTF8 = re.compile(r"[\udc80-\udcff]")


def path_lines(raw: bytes, folder: str, origin: Origin, warn: Warn) -> Sequence[Entry]:
    """A path or a pattern a line; blank lines do not count, names need not be UTF-8."""
    lines = raw.removeprefix(BOM).decode("utf-8", "surrogateescape").split("\n")
    found = [(number, line.removesuffix("\r")) for number, line in enumerate(lines, 1) if line.strip()]
    for number, line in found:
        if "\0" in line:
            raise origin.error("a NUL stands in it", "Write a path a line, as `find` does without -print0", str(number))
    return entries_at(lambda index, key: str(found[index][0]), [line for _, line in found], folder, origin, warn)


def json_lines(raw: bytes, folder: str, origin: Origin, warn: Warn) -> Sequence[Entry]:
    """A JSON value a line: a path, an object with `file`, `data` and `name`, or an object that is the data."""
    numbers: list[int] = []
    values: list[Any] = []
    for number, line in enumerate(text_of_file(raw, origin).split("\n"), 1):
        if line.strip():
            numbers.append(number)
            values.append(json_value(line, origin, entries.KEYS, warn, number))

    def where(index: int, key: str) -> str:
        return f"{numbers[index]}: $.{key}" if key else str(numbers[index])

    return entries_at(where, values, folder, origin, warn, data_alone=True)


def csv_rows(raw: bytes, folder: str, origin: Origin, warn: Warn) -> list[Entry]:
    """A row is the data of an instance, by the names of the columns in the first one; `file` is its file.

    What JSON reads as a number is that number, true and false are what they say in any usual case, anything else is
    text, also nothing.
    """
    rows = _rows(raw, origin)
    try:
        line, columns = next(rows)
    except StopIteration:
        raise origin.error("the file is empty", "Fill it or name another one") from None
    _check_columns(columns, str(line), origin)
    return [_from_row(dict(_pairs(columns, cells, line, origin)), folder) for line, cells in rows]


READERS: dict[str, Reader] = {".txt": path_lines, ".csv": csv_rows, ".jsonl": json_lines}
ADVICE = {
    ".txt": "Write a path a line",
    ".csv": "Write a row for each, below that with the names of the columns",
    ".jsonl": 'Write a path or an object a line, as in {"lr": 0.1}',
}  # for such a file in which there is no instance


def _rows(raw: bytes, origin: Origin) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line that it begins on."""
    text = raw.removeprefix(BOM).decode("utf-8", "surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise origin.error(f"this is no CSV, {error}", "Correct the quotes of this row", str(line)) from None
        if any(cells):
            yield line, cells
        line = reader.line_num + 1


def _check_columns(columns: list[str], place: str, origin: Origin) -> None:
    for name in columns:
        if not name.strip():
            advice = "Name every column in the first row, or take it out (pandas: to_csv(…, index=False))"
            raise origin.error("a column has no name", advice, place)
        if columns.count(name) > 1:
            raise origin.error(f"two columns are named {quoted(name)}", "Rename one of them", place)
        if NO_UTF8.search(name):
            raise origin.error("the name of a column is not UTF-8", "Save the file as UTF-8", place)
    if len(columns) == 1 and (found := re.search("[;\t]", columns[0])):
        why = f"its columns are separated by {json.dumps(found[0])}, not by commas"
        raise origin.error(why, "Save it with commas", place)


def _pairs(columns: list[str], cells: list[str], line: int, origin: Origin) -> Iterator[tuple[str, Any]]:
    if len(cells) != len(columns):
        why = f"this row has {len(cells)} cells, the first one has {len(columns)}"
        raise origin.error(why, "Add or take out commas, or put quotes around a cell that holds one", str(line))
    for name, cell in zip(columns, cells, strict=True):
        place = f"{line}: {name}"
        if name == FILE:
            if "\0" in cell:
                raise origin.error("no file can have this name", "Correct the path", place)
            yield name, cell
        elif NO_UTF8.search(cell):
            raise origin.error("this is not UTF-8", "Save the file as UTF-8", place)
        else:
            yield name, _value(cell, place, origin)


def _value(cell: str, place: str, origin: Origin) -> object:
    found = NUMBER.fullmatch(cell)
    if found is None:
        return TRUTHS.get(cell, cell)
    try:
        number = float(cell) if found[1] or found[2] else int(cell)
    except ValueError:  # more digits than Python converts
        number = math.inf
    if not math.isfinite(number):
        raise origin.error(f"{described(cell)} is out of range", "Write a number that a float can hold", place)
    return number


def _from_row(row: dict[str, Any], folder: str) -> Entry:
    file = row.pop(FILE, "")
    prefix = folder if folder.endswith("/") else folder + "/"
    return Entry(absolute(file, prefix) if file else "", jsontext.encode(row), title_of(row), bare=True)
