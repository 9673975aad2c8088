"""The one object that `status --json` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from pyalma_tui.model import jsontext
from pyalma_tui.report.facts import RunFacts, StatusFacts

TOGETHER = 1_000  # runs in a piece: however many there are, they take the memory of these


def pieces(facts: StatusFacts, runs: Iterable[RunFacts]) -> Iterator[str]:
    """The text of the object, piece by piece."""
    yield jsontext.encode(facts).decode().removesuffix("}") + ',"runs":['
    ahead, left = "", iter(runs)
    while some := list(islice(left, TOGETHER)):
        yield ahead + jsontext.encode(some).decode()[1:-1]
        ahead = ","
    yield "]}\n"
