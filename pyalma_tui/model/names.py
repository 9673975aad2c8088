"""Many names, kept as the text of a few hundred at a time: a string of its own each would take 60 bytes more."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Final, overload

BITS: Final = 8
BLOCK: Final = 1 << BITS  # one name with letters of four bytes makes those of its block as wide


class Names(Sequence[str]):
    """Names in their order; a string is made when one is asked for."""

    __slots__ = ("_ends", "_texts")

    def __init__(self, names: Sequence[str]) -> None:
        self._texts: list[str] = []  # of a block: the names, a "\\0" behind each
        self._ends = array("I")  # of the names, in the text of their block
        for start in range(0, len(names), BLOCK):
            block = names[start : start + BLOCK]
            self._texts.append("\0".join((*block, "")))
            self._ends.extend([end + place for place, end in enumerate(accumulate(map(len, block)))])

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self._ends)))]
        if index < 0:
            index += len(self._ends)
            if index < 0:
                raise IndexError(index)
        begin = self._ends[index - 1] + 1 if index % BLOCK else 0
        return self._texts[index >> BITS][begin : self._ends[index]]

    def __iter__(self) -> Iterator[str]:
        for number, text in enumerate(self._texts):
            begin = 0
            for end in self._ends[number << BITS : (number + 1) << BITS]:
                yield text[begin:end]
                begin = end + 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Names):
            return NotImplemented
        return self._texts == other._texts and self._ends == other._ends

    __hash__ = None  # type: ignore[assignment]  # as a list

    def digest(self, before: str) -> str:
        """A hash of this text and all names, a "\\0" between each two; of a million it takes 30 ms."""
        found = blake2b(digest_size=16)
        for text in (before + "\0" * bool(self._texts), *self._texts[:-1], *[text[:-1] for text in self._texts[-1:]]):
            found.update(text.encode("utf-8", "surrogatepass"))
        return found.hexdigest()
