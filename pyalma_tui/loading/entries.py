"""Entries of a batch, wherever they came from, before they are numbered as instances."""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One thing to run: `file` is an absolute path or "", `data` the JSON text of an object's data, None for a string."""

    file: str
    data: bytes | None = None
