"""The first difference between what two calls of a run have left: its end, its state, its rows, its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO

from pyalma_tui.model import jsontext
from pyalma_tui.model.difference import SHOWN
from pyalma_tui.model.difference import first_difference as between
from pyalma_tui.model.extents import Row
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.runner.trial import CalledRows, Remains

CHUNK = 1 << 20  # bytes compared at a time
NAMED = 4  # paths that a verdict names


def first_difference(one: Remains, other: Remains) -> str | None:
    """Where the two differ first and what each has there, in one line; None if they are identical.

    Of files, where both are known, those are compared that one of the two has touched. Raises StoreError for rows that
    cannot be read.
    """
    if one.ended != other.ended:
        return f"it ended otherwise: {_clip(one.ended)} ≠ {_clip(other.ended)}"
    if found := between("state", one.state, other.state):
        return found
    if found := _in_rows(one.rows, other.rows):
        return found
    return (
        None
        if one.files is None or other.files is None
        else _in_files(one.files, other.files, one.touched | other.touched)
    )


def _in_rows(one: CalledRows, other: CalledRows) -> str | None:
    for number, (a, b) in enumerate(zip_longest(one, other)):
        texts = _row_text(a), _row_text(b)
        if texts[0] == texts[1]:
            continue
        inside = between("", *texts) if a is not None and b is not None else None
        if inside is None:  # one has no such row
            return between(f"row {number:,}", *texts)
        return f"row {number:,}{'' if inside.startswith(':') else ', '}{inside.removeprefix('.')}"
    return None


def _row_text(row: Row | None) -> bytes | None:
    return None if row is None else jsontext.encode(row)


def _in_files(one: Mapping[str, Path], other: Mapping[str, Path], names: Iterable[str]) -> str | None:
    for name in names:
        a, b, told = one.get(name), other.get(name), printable(name)
        if a is None and b is None:
            continue
        if a is None or b is None:
            return f"file {told}: {'there' if a else 'not there'} ≠ {'there' if b else 'not there'}"
        if a.is_symlink() or b.is_symlink():
            if found := between(f"link {told}", *map(_led_to, (a, b))):
                return found
        elif (byte := _first_byte(a, b)) is not None:
            sizes = a.stat().st_size, b.stat().st_size
            sized = "" if sizes[0] == sizes[1] else f" ({sizes[0]:,} ≠ {sizes[1]:,} bytes)"
            return f"file {told}, byte {byte:,}: {_around(a, byte)} ≠ {_around(b, byte)}{sized}"
    return None


def _led_to(path: Path) -> bytes | None:
    """Where a link leads, as JSON; None for a file."""
    return jsontext.encode(os.fspath(path.readlink())) if path.is_symlink() else None


def told_of_outside(*left: Remains) -> str:
    """What there is to add to a verdict of what was written where nobody compares it, "" if nothing was."""
    paths = sorted({path for each in left for path in each.outside})
    if not paths:
        return ""
    names = ", ".join(map(printable, paths[:NAMED])) + f" and {len(paths) - NAMED:,} more" * (len(paths) > NAMED)
    return f"; not compared: {names} (outside of the copy)"


def _first_byte(one: Path, other: Path) -> int | None:
    """The index of the first byte in which two files differ, None if there is none."""
    at = 0
    with _opened(one) as a, _opened(other) as b:
        while (left := a.read(CHUNK)) == (right := b.read(CHUNK)):
            if not left:
                return None
            at += len(left)
    return at + next(i for i, (x, y) in enumerate(zip_longest(left, right)) if x != y)


def _opened(path: Path) -> BinaryIO:
    """The file, which is ours: a run may have made it for nobody to read."""
    if not os.access(path, os.R_OK):
        path.chmod(0o600)
    return path.open("rb")


def _around(path: Path, byte: int) -> str:
    """What a file has from this byte on, to the end of the line."""
    with _opened(path) as file:
        file.seek(byte)
        text = file.read(SHOWN).split(b"\n")[0].decode("utf-8", "replace")
        return f'"{_clip(text)}"' if text or file.tell() > byte else "its end"


def _clip(text: str) -> str:
    return clip(printable(text), SHOWN)
