"""Where two JSON values differ."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.printable import clip, printable

SHOWN = 60  # cells of a value


class Difference(msgspec.Struct, frozen=True, gc=False):
    """What one value has and the other, in words, or a `remark` of what is different; `where`, as `state.gap`."""

    where: str
    one: str = ""
    other: str = ""
    remark: str = ""

    @property
    def text(self) -> str:
        """In one line: `state.gap: 0.2 ≠ 0.3`."""
        return f"{self.where}: {self.remark or f'{self.one} ≠ {self.other}'}"


def first_difference(where: str, one: bytes | None, other: bytes | None) -> str | None:
    """Where two JSON texts differ first, in one line; None if they are the same."""
    if one == other:
        return None
    found = next(differences(where, one, other), None) or Difference(where, _text(one), _text(other))  # 1.0 and 1.00
    return found.text


def differences(where: str, one: bytes | None, other: bytes | None) -> Iterator[Difference]:
    """Everywhere that two JSON texts differ, in their order. None stands for no value."""
    if one == other:
        return
    if one is None or other is None:
        yield Difference(where, _text(one), _text(other))
        return
    try:
        yield from _in_values(where, jsontext.decode(one), jsontext.decode(other))
    except RecursionError:
        yield Difference(where, remark="they differ, nested too deeply to say where")


def _in_values(where: str, one: object, other: object) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            inner = f"{where}.{key}" if key.isidentifier() else f"{where}[{_shown(key)}]"
            if key not in one or key not in other:
                yield Difference(inner, _of(one, key), _of(other, key))
            else:
                yield from _in_values(inner, one[key], other[key])
        if list(one) != list(other) and one.keys() == other.keys():
            yield Difference(where, remark="its keys have another order")
    elif isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _in_values(f"{where}[{index}]", left, right)
        if len(one) != len(other):
            yield Difference(where, f"{len(one):,}", f"{len(other):,} values")
    elif type(one) is type(other) and one == other:
        return
    elif isinstance(one, str) and isinstance(other, str):
        yield _in_texts(where, one, other)
    else:
        yield Difference(where, _shown(one), _shown(other))


def _in_texts(where: str, one: str, other: str) -> Difference:
    """Two texts: from a little before the first character on that they do not share."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if max(len(one), len(other)) <= SHOWN:
        return Difference(where, _shown(one), _shown(other))
    start = max(0, at - SHOWN // 4)
    end = start + SHOWN
    return Difference(f"{where}, character {at:,}", _shown(one[start:end]), _shown(other[start:end]))


def _of(table: dict[str, object], key: str) -> str:
    return _shown(table[key]) if key in table else "nothing"


def _text(text: bytes | None) -> str:
    return "nothing" if text is None else clip(printable(text.decode("utf-8", "replace")), SHOWN)


def _shown(value: object) -> str:
    return clip(printable(jsontext.encode(value).decode()), SHOWN)
