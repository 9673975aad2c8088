"""Where two JSON values differ, place by place."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.printable import clip, printable

SHOWN = 60  # cells of a value


class Difference(msgspec.Struct, frozen=True, gc=False):
    """What is at a place in one value and in the other, in words; or a `remark` of what is different there."""

    place: str
    one: str = ""
    other: str = ""
    remark: str = ""

    @property
    def text(self) -> str:
        """In one line: `state.gap: 0.2 ≠ 0.3`."""
        return f"{self.place}: {self.remark or f'{self.one} ≠ {self.other}'}"


def first_difference(place: str, one: bytes | None, other: bytes | None) -> str | None:
    """The first place where two JSON texts differ, in one line; None if they are the same."""
    if one == other:
        return None
    found = next(differences(place, one, other), None) or Difference(place, _text(one), _text(other))  # 1.0 and 1.00
    return found.text


def differences(place: str, one: bytes | None, other: bytes | None) -> Iterator[Difference]:
    """All places where two JSON texts differ, in their order. None stands for no value."""
    if one == other:
        return
    if one is None or other is None:
        yield Difference(place, _text(one), _text(other))
        return
    try:
        yield from _in_values(place, jsontext.decode(one), jsontext.decode(other))
    except RecursionError:
        yield Difference(place, remark="they differ, nested too deeply to say where")


def _in_values(place: str, one: object, other: object) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            inner = f"{place}.{key}" if key.isidentifier() else f"{place}[{_shown(key)}]"
            if key not in one or key not in other:
                yield Difference(inner, _of(one, key), _of(other, key))
            else:
                yield from _in_values(inner, one[key], other[key])
        if list(one) != list(other) and one.keys() == other.keys():
            yield Difference(place, remark="its keys have another order")
    elif isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _in_values(f"{place}[{index}]", left, right)
        if len(one) != len(other):
            yield Difference(place, f"{len(one):,}", f"{len(other):,} values")
    elif type(one) is type(other) and one == other:
        return
    elif isinstance(one, str) and isinstance(other, str):
        yield _in_texts(place, one, other)
    else:
        yield Difference(place, _shown(one), _shown(other))


def _in_texts(place: str, one: str, other: str) -> Difference:
    """Two texts: from a little before the first character on that they do not share."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if max(len(one), len(other)) <= SHOWN:
        return Difference(place, _shown(one), _shown(other))
    start = max(0, at - SHOWN // 4)
    end = start + SHOWN
    return Difference(f"{place}, character {at:,}", _shown(one[start:end]), _shown(other[start:end]))


def _of(table: dict[str, object], key: str) -> str:
    return _shown(table[key]) if key in table else "nothing"


def _text(text: bytes | None) -> str:
    return "nothing" if text is None else clip(printable(text.decode("utf-8", "replace")), SHOWN)


def _shown(value: object) -> str:
    return clip(printable(jsontext.encode(value).decode()), SHOWN)
