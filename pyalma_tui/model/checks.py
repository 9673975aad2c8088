"""Whether a value fits a term of a query: a text, a number, or anything else that JSON has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeGuard

from pyalma_tui.model import jsontext
from pyalma_tui.model.words import DAY, HOUR, MINUTE

Check: TypeAlias = Callable[[Any], bool]
"""Whether a value fits: a str, number, bool, list or dict of JSON, or None where a thing does not have the field."""

LONGEST_NUMBER = 40  # characters
EXACT: Final = 9  # characters of a number that is shown as it is
UNITS: Final[dict[str, float]] = {
    "ms": 0.001, "s": 1, "sec": 1, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY,
}  # fmt: skip

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]*)?)([a-z]+)")
_CLOCK = re.compile(r"[0-9]+(:[0-5]?[0-9]){1,2}")


def folded(text: str) -> str:
    """The text as it is compared: upper and lower case are the same, and so are é as one character or as two (NFC)."""
    return composed(text.casefold())


def composed(text: str) -> str:
    """The text with letters and their marks as one character each where there is one: files of macOS have two."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def contains(needle: str, *, numbers: bool) -> Check:
    """A text holds this one, whatever the case; with `numbers`, what is a number equals it."""
    wanted, number = folded(needle), number_in(needle) if numbers else None

    def check(value: Any) -> bool:
        if number is not None:
            known = _as_number(value)
            if known is not None:
                return known == number
        if type(value) is str:
            return wanted in folded(value)
        if isinstance(value, list):
            return any(check(each) for each in value)
        return value is not None and wanted in folded(text_of(value))

    return check


def found_by(pattern: re.Pattern[str], far: int) -> Check:
    """The pattern is found in it, in its first characters, so many."""

    def check(value: Any) -> bool:
        if isinstance(value, list):
            return any(check(each) for each in value)
        return value is not None and pattern.search(composed(text_of(value)), 0, far) is not None

    return check


def equal(wanted: str, numbers: bool, *, same: bool) -> Check:
    """There is a value, and all of it is this text, or with `numbers` this number; if not `same`, it is another."""
    whole, number = folded(wanted), number_in(wanted) if numbers else None

    def equals(value: Any) -> bool:
        if isinstance(value, list):
            return any(equals(each) for each in value)
        if number is not None and (known := _as_number(value)) is not None:
            return known == number
        return folded(text_of(value)) == whole

    return lambda value: value is not None and equals(value) is same


def compared(compare: Callable[[Any, Any], bool], bound: float) -> Check:
    """It is a number that compares so with the bound."""

    def check(value: Any) -> bool:
        if isinstance(value, list):
            return any(check(each) for each in value)
        known = _as_number(value)
        return known is not None and compare(known, bound)

    return check


def number_in(text: str) -> float | None:
    """The number that a text is as a whole, an int if it is written as one; None if it is none."""
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def seconds(text: str) -> float | None:
    """The seconds in `60`, `60s`, `1h30min`, `1:30` or `1:02:03`; None if the text is no length of time."""
    if _CLOCK.fullmatch(text):
        whole = 0
        for part in text.split(":"):
            whole = whole * 60 + int(part[-LONGEST_NUMBER:])
        return whole
    number = number_in(text)
    if number is not None:
        return number
    found = list(_SPAN.finditer(text.casefold()))
    if not found or "".join(each[0] for each in found) != text.casefold() or any(e[2] not in UNITS for e in found):
        return None
    return sum(float(each[1]) * UNITS[each[2]] for each in found)


def _as_number(value: Any) -> float | None:
    """The number that a value is, also if it was saved as a string, as `save()` is promised to be called."""
    if type(value) is str:
        return number_in(value)
    return value if type(value) is int or type(value) is float else None


def text_of(value: Any) -> str:
    """A value of JSON as it is read: a string is its own text, None is nothing, all else is as JSON writes it."""
    if type(value) is str:
        return value
    return "" if value is None else jsontext.encode(value).decode()


def is_number(value: Any) -> TypeGuard[float]:
    """Whether statistics can be made of it: true and false are no numbers here."""
    return type(value) is int or type(value) is float


def rank_of(value: Any) -> tuple[int, Any]:
    """Where it stands among others: numbers first, by how much they are, then all else by its text, at last nothing."""
    if is_number(value):
        return 0, value
    return (2, "") if value is None else (1, text_of(value))


def brief(value: Any) -> str:
    """The same as a cell of a table shows it: of 0.30000000000000004 a few digits, 0.3."""
    text = text_of(value)
    return f"{value:.6g}" if type(value) is float and len(text) > EXACT else text
