"""A table as text, piece by piece: CSV, JSON, Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from pyalma_tui.model import jsontext
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.model.printable import printable


def as_csv(names: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A line for the names, then one for each row."""
    text = io.StringIO()
    write = csv.writer(text).writerow  # whose lines end with \r\n: so it quotes a field that holds one of the two
    for cells in chain([names], rows):
        write(cells)
        yield text.getvalue().removesuffix("\r\n") + "\n"
        text.seek(0)
        text.truncate()


def as_json(rows: Iterable[object]) -> Iterator[str]:
    """A list of objects."""
    opening = "["
    for row in rows:
        yield f"{opening}{as_object(row)}"
        opening = ",\n "
    yield "]\n" if opening != "[" else "[]\n"


def as_object(row: object) -> str:
    """One row on a line of its own, which a terminal may show."""
    return escaped(jsontext.encode(row).decode())


def as_markdown(names: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table whose cells hold any texts; the names are Markdown."""
    yield f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    for row in rows:
        yield f"| {' | '.join(map(as_cell, row))} |\n"


def as_cell(text: str) -> str:
    """The text as it may stand in a cell of a Markdown table: no `|`, no newline, nothing that is markup or a tag."""
    text = printable(text.replace("\r\n", "\n"), "\n")
    for character in ("\\", "|", "`", "*", "_", "<", "[", "]"):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "<br>")
