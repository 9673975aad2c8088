"""The filter language: terms with blanks between them, all of which must hold of something with named fields.

    gap<0.1          a field against a value: < <= > >= = !=
    name:text        text that a field holds, whatever the case
    uf20             text that any field holds
    name:"two words" a value with blanks, or "two words" alone

Numbers are compared as numbers, texts as texts. Of a field that is missing, or of another kind, nothing holds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from math import isnan
from typing import Final, TypeAlias

import msgspec

from pyalma_tui.errors import UsageError
from pyalma_tui.model import jsontext

Fields: TypeAlias = Mapping[str, object]

SIGNS: Final[dict[str, Callable[[float | str, float | str], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
VALUE: Final = r'"(?:[^"\\]|\\.)*"|[^\s"]\S*'
TERM: Final = re.compile(rf'(?P<field>[^\s<>=!:"]+)(?P<sign><=|>=|!=|[<>=:])(?P<value>{VALUE})|(?P<word>{VALUE})')


class Term(msgspec.Struct, frozen=True):
    """One condition. Of a word `field` and `sign` are ""."""

    field: str
    sign: str
    value: str


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a filter, none if it is empty; raises UsageError, which names the term that means nothing."""
    terms = []
    place = 0
    while rest := text[place:].lstrip():
        place = len(text) - len(rest)
        found = TERM.match(text, place)
        if found is None or (found.end() < len(text) and not text[found.end()].isspace()):
            raise _refused(rest)
        field, sign, word = found["field"] or "", found["sign"] or "", found["word"]
        if word is not None and not word.startswith('"') and any(mark in word for mark in "<>=!:"):
            raise _refused(word)
        terms.append(Term(field, sign, _unquoted(found["value"] if word is None else word)))
        place = found.end()
    return tuple(terms)


def _refused(rest: str) -> UsageError:
    return UsageError(
        f"filter: {rest.split()[0]}: no condition. Write field<7, field>=0.1, field=text, name:text or a word; "
        f'put "…" around a value with blanks'
    )


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def matcher(terms: tuple[Term, ...]) -> Callable[[Fields], bool]:
    """Whether all terms hold of something, as a function prepared once."""
    tests = [_test(term) for term in terms]
    if len(tests) == 1:
        return tests[0]
    return lambda fields: all(test(fields) for test in tests)


def _test(term: Term) -> Callable[[Fields], bool]:
    wanted = term.value.casefold()
    if not term.sign:
        return lambda fields: any(wanted in text_of(value).casefold() for value in fields.values())
    field = term.field
    if term.sign == ":":
        return lambda fields: field in fields and wanted in text_of(fields[field]).casefold()
    holds, number, text = SIGNS[term.sign], _number(term.value), term.value

    def compare(fields: Fields) -> bool:
        value = fields.get(field)
        if isinstance(value, bool):
            value = text_of(value)
        if isinstance(value, int | float):
            return number is not None and holds(value, number)
        return isinstance(value, str) and holds(value, text)

    return compare


def _number(text: str) -> float | None:
    try:
        number = int(text)
    except ValueError:
        pass
    else:
        return number
    try:
        value = float(text)
    except ValueError:
        return None
    return None if isnan(value) else value


def text_of(value: object) -> str:
    """A value of JSON as text: a string is its own, None is nothing, all others are as JSON writes them."""
    if isinstance(value, str):
        return value
    return "" if value is None else jsontext.encode(value).decode()
