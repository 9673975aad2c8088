"""What an instance tells that may say how long its runs take: the fields of its data, the numbers in its name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model import jsontext
from pyalma_tui.model.instance import Instance

Traits: TypeAlias = Mapping[str, float | str]

MOST = 8  # traits of one instance
LEVELS = 6  # of a text that can explain anything: beyond, it is a name
LONGEST_DATA = 4096  # bytes of data that are looked into
NUMBER = re.compile(r"\d+(?:\.\d+)?")
NONE: Traits = {}


def traits_of(instance: Instance) -> Traits:
    """The scalar fields of an instance's data; without data, the numbers in its name and the name around them."""
    if instance.data is None:
        numbers = NUMBER.findall(instance.name)[:MOST]
        form = NUMBER.sub("#", instance.name)
        return {"name": form, **{f"number {i} in the name": float(text) for i, text in enumerate(numbers, 1)}}
    if len(instance.data) > LONGEST_DATA:
        return NONE
    try:
        data = jsontext.decode(instance.data)
    except (PyalmaError, ValueError):
        return NONE
    if not isinstance(data, dict):
        return {"data": data} if isinstance(data, str) else {"data": float(data)} if _is_number(data) else NONE
    found: dict[str, float | str] = {}
    for key, value in data.items():
        if _is_number(value):
            found[str(key)] = float(value)
        elif isinstance(value, str | bool):
            found[str(key)] = str(value)
        if len(found) == MOST:
            break
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


class Feature(msgspec.Struct, frozen=True):
    """One number made of what is known of a run: a trait or its `position` in dispatch order, from 0 to 1.

    `how` tells what is made of it: itself, its logarithm, or 1 where it is `level` and 0 where not.
    """

    trait: str  # "" is the position
    how: Literal["value", "log", "is"]
    level: str = ""

    def of(self, traits: Traits, position: float) -> float | None:
        """Its value for a run, None where the run has none."""
        if not self.trait:
            return position if self.how == "value" else math.log(0.05 + position)
        told = traits.get(self.trait)
        if self.how == "is":
            return float(told == self.level)
        if not isinstance(told, float):
            return None
        return told if self.how == "value" else math.copysign(math.log1p(abs(told)), told)


def features(seen: Sequence[Traits]) -> Iterator[Feature]:
    """What might explain how long runs take of which these are the traits."""
    yield Feature("", "value")
    yield Feature("", "log")
    values: dict[str, Counter[float | str]] = {}
    for traits in seen:
        for name, value in traits.items():
            values.setdefault(name, Counter())[value] += 1
    for name, counts in list(values.items())[: 2 * MOST]:
        if len(counts) < 2:
            continue
        if all(isinstance(value, float) for value in counts):
            yield Feature(name, "log")
            yield Feature(name, "value")
        elif len(counts) <= LEVELS:
            yield from (Feature(name, "is", str(level)) for level in counts if isinstance(level, str))
