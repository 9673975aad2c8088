"""Fields that a query names and nothing has: mistyped ones, or such as what is looked at does not have yet."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from pyalma_tui.model.checks import folded
from pyalma_tui.model.query import Query, Vocabulary, spelled

T = TypeVar("T")
ALIKE = 0.6  # of difflib.get_close_matches


class Lack(msgspec.Struct, frozen=True):
    """Nothing has this field; `column` is where it stands in the text of the query, from 1."""

    field: str
    column: int

    def near(self, names: Iterable[str]) -> str:
        """That of these names which is almost this one, "" if none is."""
        return next(iter(difflib.get_close_matches(self.field, list(names), 1, ALIKE)), "")

    def told(self, nothing: str, near: str) -> str:
        """`no run has gapp so far. Did you mean gap?`; `nothing` is what has it not."""
        return f"{nothing} has {spelled(self.field)} so far{f'. Did you mean {spelled(near)}?' if near else ''}"


class Lacking(Generic[T]):
    """The fields of a query that nothing has which was looked at so far, without those that its kind knows.

    What may be a text as well as a field (`http://x`) is no field that is missing where the text is found.
    """

    def __init__(self, query: Query, kind: Vocabulary[T]) -> None:
        self._left: dict[Lack, Callable[[T], Any]] = {}
        for term in query.terms:
            if term.field and term.field not in kind.known:
                self._left[Lack(term.field, term.column)] = _seen(kind, term.field, term.typed)

    def __iter__(self) -> Iterator[Lack]:
        return iter(self._left)

    def __bool__(self) -> bool:
        return bool(self._left)

    def look(self, thing: T) -> None:
        """Look at one thing."""
        if had := [lack for lack, has in self._left.items() if has(thing)]:
            for lack in had:
                del self._left[lack]

    def of(self, things: Iterable[T]) -> Lacking[T]:
        """Look at these, as far as need be."""
        for thing in things if self._left else ():
            self.look(thing)
            if not self._left:
                break
        return self


def _seen(kind: Vocabulary[T], field: str, typed: str) -> Callable[[T], bool]:
    read, text = kind.field(field), kind.text
    if not typed:
        return lambda thing: read(thing) is not None
    return lambda thing: read(thing) is not None or typed in folded(text(thing))
