"""The numbers that a run has saved or recorded: a bounded sample that is spread over its whole life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.extents import Row

MOST = 200  # points of a run
FIELDS = 12  # numbers of a state that are kept
LONGEST_NAME = 40
LOOKED_INTO = 16_000  # bytes of a state: a longer one is not decoded for this
LARGEST = 1e300  # the distance between two numbers, and some times that, is a float
WHOLE = "state"  # the field of a state that is itself a number


class Point(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a run had saved at its `saves`-th save, `seconds` after its first attempt began to work.

    `values` are those of the fields of its series, None for one that the state did not have.
    """

    saves: int
    seconds: float
    values: tuple[float | None, ...]


class Series(msgspec.Struct, frozen=True):
    """Points of one run in the order of its saves. Between two of them are `step` saves or more, but for the last."""

    fields: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    step: int = 1


def grown(series: Series, saves: int, seconds: float, state: bytes) -> Series:
    """The series with one more save, of which the state's JSON text is given; the same if it holds no number.

    The newest point is always there; it gives way to the next one if it is nearer than `step` to the one before it.
    With more than MOST points every other one goes, and the step is twice as long.
    """
    return extended(series, saves, seconds, numbers_of(state))


def of_rows(rows: Iterable[tuple[int, Row]]) -> Series:
    """The numbers of rows, each given with its number in its run, which is the `saves` of its point."""
    series = Series()
    for number, row in rows:
        series = extended(series, number, 0.0, flat_numbers(row))
    return series


def extended(series: Series, saves: int, seconds: float, numbers: Mapping[str, float]) -> Series:
    """The series with what one more save, or row, holds of numbers."""
    points = series.points
    if not numbers or (points and points[-1].saves >= saves):
        return series
    fields = series.fields
    if len(fields) < FIELDS and not numbers.keys() <= set(fields):
        fields = tuple(dict.fromkeys((*fields, *numbers)))[:FIELDS]
    point = Point(saves, seconds, tuple([numbers.get(field) for field in fields]))
    if len(points) > 1 and points[-1].saves - points[-2].saves < series.step:
        points = points[:-1]
    points = (*points, point)
    step = series.step
    if len(points) > MOST:
        step = 2 * max(step, (points[-1].saves - points[0].saves) // MOST)
        points = thinned(points, step)
    return Series(fields, points, step)


def thinned(points: Sequence[Point], step: int) -> tuple[Point, ...]:
    """The first point, those that are a step from the one kept before them, and the last."""
    kept: list[Point] = []
    for point in points[:-1]:
        if not kept or point.saves - kept[-1].saves >= step:
            kept.append(point)
    return (*kept, points[-1])


def numbers_of(state: bytes) -> dict[str, float]:
    """The numbers in a state by name: of an object those of its keys and of one object in it, else the state itself.

    A text that is a number counts as one: pyalma's states are texts.
    """
    if len(state) > LOOKED_INTO:
        return {}
    try:
        value = jsontext.decode(state)
    except msgspec.DecodeError:
        return {}
    if type(value) is dict:
        return flat_numbers(value)
    number = number_of(float_of(value) if type(value) is str else value)
    return {} if number is None else {WHOLE: number}


def flat_numbers(value: dict[str, Any]) -> dict[str, float]:
    """The numbers of an object and of the objects in it, these by names with a point."""
    found: dict[str, float] = {}
    for key, item in value.items():
        if (number := number_of(item)) is not None:
            found[key[:LONGEST_NAME]] = number
        elif type(item) is dict:
            for inner, part in item.items():
                if (number := number_of(part)) is not None:
                    found[f"{key}.{inner}"[:LONGEST_NAME]] = number
        if len(found) >= FIELDS:
            break
    return found


def number_of(value: object) -> float | None:
    """A number that can be drawn, None for everything else, booleans too."""
    if type(value) is float or type(value) is int:
        return float(value) if -LARGEST < value < LARGEST else None
    return None


def float_of(text: str) -> float | None:
    """The number that a short text is, None if it is none."""
    try:
        return float(text) if len(text) <= LONGEST_NAME and text[-1:].isdigit() and "_" not in text else None
    except ValueError:
        return None


def line_of(series: Series, field: str) -> list[tuple[float, float]]:
    """The points of one field as (saves, value)."""
    if field not in series.fields:
        return []
    place = series.fields.index(field)
    return [
        (float(point.saves), value)
        for point in series.points
        if place < len(point.values) and (value := point.values[place]) is not None
    ]


class Consumed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What all workers together took at a moment (seconds of the epoch): processors and bytes; `busy` of them ran."""

    at: float
    busy: int
    cpu: float
    rss: int


class Samples(msgspec.Struct, frozen=True):
    """The series of runs by their ids, those that saved last, and what workers took, both for plots alone."""

    series: dict[int, Series] = {}
    taken: tuple[Consumed, ...] = ()


def evened(taken: tuple[Consumed, ...]) -> tuple[Consumed, ...]:
    """No more than twice MOST moments: of too many every other one of the older part goes."""
    return taken if len(taken) <= 2 * MOST else (*taken[:-1:2], taken[-1])
