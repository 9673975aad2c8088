"""The first place in which two JSON values differ."""

from __future__ import annotations

from pyalma_tui.model import jsontext
from pyalma_tui.model.printable import clip, printable

SHOWN = 60  # cells of a value


def first_difference(place: str, one: bytes | None, other: bytes | None) -> str | None:
    """Where two JSON texts differ, as `state.gap: 0.2 ≠ 0.3`; None if they are the same. None stands for no value."""
    if one == other:
        return None
    if one is None or other is None:
        return f"{place}: {_text(one)} ≠ {_text(other)}"
    found = _in_values(place, jsontext.decode(one), jsontext.decode(other))
    return found or f"{place}: {_text(one)} ≠ {_text(other)}"  # 1.0 and 1.00


def _in_values(place: str, one: object, other: object) -> str | None:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            inner = f"{place}.{key}" if key.isidentifier() else f"{place}[{_shown(key)}]"
            if key not in one or key not in other:
                return f"{inner}: {_of(one, key)} ≠ {_of(other, key)}"
            if found := _in_values(inner, one[key], other[key]):
                return found
        return None if list(one) == list(other) else f"{place}: its keys have another order"
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if found := _in_values(f"{place}[{index}]", left, right):
                return found
        return None if len(one) == len(other) else f"{place}: {len(one):,} ≠ {len(other):,} values"
    if type(one) is type(other) and one == other:
        return None
    if isinstance(one, str) and isinstance(other, str):
        return _in_texts(place, one, other)
    return f"{place}: {_shown(one)} ≠ {_shown(other)}"


def _in_texts(place: str, one: str, other: str) -> str:
    """Two texts: from a little before the first character on that they do not share."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if max(len(one), len(other)) <= SHOWN:
        return f"{place}: {_shown(one)} ≠ {_shown(other)}"
    start = max(0, at - SHOWN // 4)
    return f"{place}, character {at:,}: {_shown(one[start : start + SHOWN])} ≠ {_shown(other[start : start + SHOWN])}"


def _of(table: dict[str, object], key: str) -> str:
    return _shown(table[key]) if key in table else "nothing"


def _text(text: bytes | None) -> str:
    return "nothing" if text is None else clip(printable(text.decode("utf-8", "replace")), SHOWN)


def _shown(value: object) -> str:
    return clip(printable(jsontext.encode(value).decode()), SHOWN)
