"""What a run that is called in a copy writes outside of it, by a path that stands in its code."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec


class Fence(msgspec.Struct, frozen=True):
    """Where a run is at home, as real paths of folders, and the file that gets a `note` of each other path."""

    inside: tuple[str, ...]
    notes: str


def note(path: str, *, existed: bool) -> bytes:
    """That a path is about to be written to, moved or removed, and whether something is there by then."""
    return (b"+" if existed else b"-") + os.fsencode(path) + b"\0"


def paths_in(notes: bytes) -> Iterator[tuple[str, bool]]:
    """Each path that was noted, and whether something was there by then."""
    for text in notes.split(b"\0")[:-1]:
        yield os.fsdecode(text[1:]), text.startswith(b"+")
