"""Which rows of results count: extents of the files that workers append them to. The rows themselves are never here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeAlias

import msgspec

Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z.-]{0,99}$")]  # of a file in the folder of rows


class Extent(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The bytes from `start` to `end` of a file of rows: so many whole lines that one attempt of one run recorded."""

    file: Name
    attempt: int
    start: Number
    end: Number
    rows: Number


Extents: TypeAlias = tuple[Extent, ...]

Row: TypeAlias = dict[str, Any]
"""What record() was handed, after the columns of its run where it is shown."""

COLUMNS = ("instance", "iteration", "seed")  # that every row has before its own: those of its run
BEFORE = ""  # instead of a file: so many rows counted when the attempt began, wherever they are
LOST = "lost"  # instead of a file: so many rows counted, and nobody knows any more where they were


def begun(attempt: int, rows: int) -> Extents:
    """What an attempt begins with when so many rows of its run count already."""
    return (Extent(BEFORE, attempt, 0, 0, rows),) if rows else ()


def grown(extents: Extents, more: Extent) -> Extents:
    """These extents and one more; where it goes on from the last one, that is longer instead."""
    last = extents[-1] if extents else None
    if last is not None and (last.file, last.attempt, last.end) == (more.file, more.attempt, more.start):
        return (*extents[:-1], Extent(last.file, last.attempt, last.start, more.end, last.rows + more.rows))
    return (*extents, more)


def counting(extents: Extents, attempt: int, told: Extents) -> Extents:
    """What counts of a run, known to have these extents, when its last attempt has `told` what it began with and has.

    A power cut may take the records of earlier attempts, or that of a reset, and leave those of a later one. What it
    began with shows both: rows that are not known are lost, and of more than there were none is to be trusted.
    """
    if not (extents or told):
        return told
    before = told[0].rows if told and told[0].file == BEFORE else 0
    known = tuple([extent for extent in extents if extent.attempt < attempt])
    if rows_in(known) > before:
        known = ()
    if (lost := before - rows_in(known)) > 0:
        known = (*known, Extent(LOST, attempt - 1, 0, 0, lost))
    return known + told[before > 0 :]


def rows_in(extents: Extents) -> int:
    """How many rows they hold."""
    return sum(extent.rows for extent in extents)


def part_of(extents: Extents, first: int, last: int) -> Iterator[tuple[Extent, int, int]]:
    """Where the rows `first` to `last` - 1 of a run are: each extent with the rows of it that are meant, likewise."""
    before = 0
    for extent in extents:
        begin, end = max(first - before, 0), min(last - before, extent.rows)
        if begin < end:
            yield extent, begin, end
        before += extent.rows


def moved(extents: Extents, places: Mapping[Extent, Extent]) -> Extents:
    """The extents after some of them were copied to other places."""
    return tuple([places.get(extent, extent) for extent in extents])


def bytes_by_file(all_extents: Iterable[Extents]) -> dict[str, int]:
    """How many bytes count of each file."""
    counted: dict[str, int] = {}
    for extents in all_extents:
        for extent in extents:
            counted[extent.file] = counted.get(extent.file, 0) + extent.end - extent.start
    return counted
