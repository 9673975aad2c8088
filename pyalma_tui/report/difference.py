"""The first difference between what two calls of a run have left: its end, its state, its files."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

from pyalma_tui.model.difference import first_difference as in_values
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.runner.trial import Outcome

CHUNK = 1 << 20  # bytes compared at a time
SHOWN = 60  # cells of a value


def first_difference(one: Outcome, other: Outcome) -> str | None:
    """Where the two differ first and what each has there, in one line; None if they are identical."""
    if one.ended != other.ended:
        return f"it ended otherwise: {_clip(one.ended)} ≠ {_clip(other.ended)}"
    if one.state != other.state:
        return in_values("state", one.state, other.state) or f"state: {_text(one.state)} ≠ {_text(other.state)}"
    return _in_files(one, other)


def _in_files(one: Outcome, other: Outcome) -> str | None:
    for name in sorted({*one.files, *other.files}):
        a, b = one.files.get(name), other.files.get(name)
        if a is None or b is None:
            return f"file {_clip(name)}: {'there' if a else 'not there'} ≠ {'there' if b else 'not there'}"
        if (byte := _first_byte(a, b)) is not None:
            sizes = a.stat().st_size, b.stat().st_size
            sized = "" if sizes[0] == sizes[1] else f" ({sizes[0]:,} ≠ {sizes[1]:,} bytes)"
            return f"file {_clip(name)}, byte {byte:,}: {_around(a, byte)} ≠ {_around(b, byte)}{sized}"
    return None


def _first_byte(one: Path, other: Path) -> int | None:
    """The index of the first byte in which two files differ, None if there is none."""
    at = 0
    with one.open("rb") as a, other.open("rb") as b:
        while (left := a.read(CHUNK)) == (right := b.read(CHUNK)):
            if not left:
                return None
            at += len(left)
    return at + next(i for i, (x, y) in enumerate(zip_longest(left, right)) if x != y)


def _around(path: Path, byte: int) -> str:
    """What a file has from this byte on, to the end of the line."""
    with path.open("rb") as file:
        file.seek(byte)
        text = file.read(SHOWN).split(b"\n")[0].decode("utf-8", "replace")
        return f'"{_clip(text)}"' if text or file.tell() > byte else "its end"


def _text(state: bytes | None) -> str:
    return "none" if state is None else _clip(state.decode("utf-8", "replace"))


def _clip(text: str) -> str:
    return clip(printable(text), SHOWN)
