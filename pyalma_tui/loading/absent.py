"""Which of many files do not exist: folders are listed, and no string is kept for each file."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from pyalma_tui.loading.entries import WORTH_LISTING


def missing(names: Sequence[str], base: str = "/") -> list[str]:
    """The absolute paths of the files that do not exist, each once, in the order of the batch; "" is none.

    Names are seen from `base`, which ends with a slash. Where folders hold many of them, no path is made for each.
    """
    places = _Places(names)
    seen = places.again
    for folder, count in Counter(name[: name.rfind("/") + 1] for name in names).items():
        if count < WORTH_LISTING:
            continue
        with suppress(OSError, ValueError), os.scandir(_below(base, folder)) as found:
            for each in found:
                if (place := places.find(folder + each.name)) >= 0 and each.is_file(follow_symlinks=False):
                    seen[place] = 1
    # A file that was not listed may still exist: under another case or normalisation of its name, or as a link.
    absent: list[str] = []
    place = -1
    while (place := seen.find(0, place + 1)) >= 0:
        if (name := names[place]) and not os.path.exists(path := _below(base, name)):
            absent.append(path)
    return absent


class _Places:
    """Where names stand, by hash: 10 bytes for each, where a set would have the 60 to 100 of a string as well.

    `again` has a 1 for each that stands further ahead, too.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._mask = (1 << (2 * len(names)).bit_length()) - 1
        self._table = array("I", [0]) * (self._mask + 1)  # places, counted from 1
        self.again = bytearray(len(names))
        for place, name in enumerate(names):
            slot = self._slot(name)
            if self._table[slot]:
                self.again[place] = 1
            else:
                self._table[slot] = place + 1

    def _slot(self, name: str) -> int:
        """Where a name is in the table, or would be."""
        slot = hash(name) & self._mask
        while (place := self._table[slot]) and self._names[place - 1] != name:
            slot = (slot + 1) & self._mask
        return slot

    def find(self, name: str) -> int:
        """The first place of a name, -1 if it has none."""
        return self._table[self._slot(name)] - 1


def _below(base: str, name: str) -> str:
    return name if name.startswith("/") else base + name
