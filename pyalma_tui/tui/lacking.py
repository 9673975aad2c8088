"""What a filter may name, and which of that nothing has: looked for in pieces, so that it is not felt in typing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.lacking import Lack, Lacking
from pyalma_tui.model.query import Query, Vocabulary
from pyalma_tui.model.run_fields import kind_of_runs, known_fields
from pyalma_tui.tui.last_rows import LastRowsBeside

AT_ONCE: Final = 0.02  # seconds
TOGETHER: Final = 64  # things between two looks at the clock


class FilterFields:
    """The fields of what is filtered."""

    def __init__(
        self, names: Callable[[], Iterable[str]], lacks: Callable[[Query], Iterator[Lack | None]], nothing: str
    ) -> None:
        """`names` are those that there are; `lacks` finds what a query names and `nothing` has, as "no run".

        It gives None for each time that there is more to look at.
        """
        self.names, self.lacks, self.nothing = names, lacks, nothing


def of_runs(
    seen: Callable[[], tuple[Sequence[Instance], Iterable[Run]]], last: LastRowsBeside, nothing: str = "no run"
) -> FilterFields:
    """The fields that all runs have, and what was saved and recorded of those that are `seen`, with their instances."""

    def lacks(query: Query) -> Iterator[Lack | None]:
        while True:
            known = last.columns(seen()[1])
            while last.behind:
                yield None
                known = last.columns(seen()[1])
            instances, runs = seen()
            kind = kind_of_runs(instances, recorded=last.value)
            guessed, found = last.guessed, list[Lack]()
            for lack in lacking(query, replace(kind, known=kind.known.union(known)), runs):
                if lack is None:
                    yield None
                else:
                    found.append(lack)
            if last.guessed == guessed:  # else rows that nobody had read yet may have it
                break
            yield None
        yield from found

    def names() -> list[str]:
        return known_fields(*seen(), last.columns(seen()[1]))

    return FilterFields(names, lacks, nothing)


def lacking(query: Query, kind: Vocabulary[Any], things: Iterable[Any]) -> Iterator[Lack | None]:
    """The fields that none of these things has; before them None for each time that there are more to look at."""
    found = Lacking(query, kind)
    end = time.monotonic() + AT_ONCE
    for number, thing in enumerate(things):
        if not found:
            return
        found.look(thing)
        if number % TOGETHER == 0 and time.monotonic() > end:
            yield None
            end = time.monotonic() + AT_ONCE
    yield from found
