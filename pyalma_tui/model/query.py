"""The language in which people say which runs, failures or rows they mean.

    word "a phrase" !not /regex/ status:failed error:Key name:g0 state<7 gap>=0.1 iteration:7 time>60s

Every term has to match, `!` turns one round, upper and lower case are the same. A field is one of `FIELDS` or a key of
what was saved, of an instance's data or of a row; a dot leads into it (`best.gap`, `data.n`), quotes
hold what is no single word (`"val loss"<1`). Where runs are meant, it
is looked for in that order; of a run's rows the last one that has it counts, as its last state does: it is where the
run stands. Where rows are meant, it is looked for in the row, then in its run.

`:` means that a text contains it, that a number equals it and that a status begins with it; `=` and `!=` compare all of
it, `<` and its like numbers. `field:""` means that there is one.

A query is compiled once to one function for a kind of things, which a `Kind` tells how to read.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NoReturn, TypeAlias, TypeVar

from pyalma_tui.errors import QueryError
from pyalma_tui.model.checks import Check, compared, composed, contains, equal, folded, found_by, number_in, seconds
from pyalma_tui.model.status import WORDS

T = TypeVar("T")
Test: TypeAlias = Callable[[T], bool]

FIELDS: Final[dict[str, str]] = {
    "name": "what the instance is called",
    "status": "pending, running, interrupted, failed or done",
    "error": "why it failed",
    "iteration": "which of several",
    "state": "what was saved last",
    "time": "how long it took: 60s, 5min, 1:30",
    "attempts": "how often it was called",
    "saves": "how often it has saved",
    "seed": "its seed",
    "worker": "the worker that called it",
    "host": "the machine that it ran on",
    "data": "what the instance holds",
}
"""The fields that every run has, with what each tells."""

TEXTS: Final = frozenset({"name", "instance", "error", "host"})  # never a number, even if one looks like it

_PLAIN = r'[^\W\d][^\s"<>=!:]*'  # the name of a field that needs no quotes
_FIELD = re.compile(rf'(?:({_PLAIN})|"((?:[^"\\]|\\.)+)")(<=|>=|!=|:|=|<|>)')
_CLOSING = re.compile(r"(?<!\\)/(?=\s|$)")
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vocabulary(Generic[T]):
    """How things of one kind are read.

    `text` is what words are looked for in. `field` gives, for the name of a field, the function that reads its value.
    `known` are fields that there are, whether a thing has them or not.
    """

    text: Callable[[T], str]
    field: Callable[[str], Callable[[T], Any]]
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: the value of a field, or the whole text where `field` is "", passes a check.

    `typed` is what was written, folded. A field that a thing does not have may be no field at all: `http://x` and
    `n=7` are looked for as they stand as well. `column` is where it begins in the text of the query, from 1.
    """

    field: str
    check: Check
    negated: bool = False
    typed: str = ""
    column: int = 1

    def over(self, kind: Vocabulary[T]) -> Test[T]:
        """The condition for things of this kind."""
        test = self._read(kind)
        return (lambda thing: not test(thing)) if self.negated else test

    def _read(self, kind: Vocabulary[T]) -> Test[T]:
        check, text = self.check, kind.text
        if not self.field:
            return lambda thing: check(text(thing))
        read, typed = kind.field(self.field), self.typed
        if not typed:
            return lambda thing: check(read(thing))

        def test(thing: T) -> bool:
            value = read(thing)
            return check(value) if value is not None else typed in folded(text(thing))

        return test


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for; two of the same text are equal."""

    text: str = ""
    terms: tuple[Term, ...] = field(default=(), compare=False, repr=False)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that it looks at, "" for the whole text."""
        return frozenset(term.field for term in self.terms)

    def over(self, kind: Vocabulary[T]) -> Test[T]:
        """The function that tells whether a thing of this kind is meant."""
        tests = [term.over(kind) for term in self.terms]
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:
            first, second = tests
            return lambda thing: first(thing) and second(thing)
        return lambda thing: all(test(thing) for test in tests)


def compile(text: str) -> Query:  # noqa: A001 (what `re` calls it)
    """The query that a text means; raises QueryError, with the column at which it cannot be understood."""
    query, error = understood(text)
    if error is not None:
        raise error
    return query


def understood(text: str) -> tuple[Query, QueryError | None]:
    """The query that a text means as far as it can be understood, as while one types, and what is wrong then."""
    terms: list[Term] = []
    try:
        terms.extend(_terms(text))
    except QueryError as error:
        return Query(text, tuple(terms)), error
    return Query(text, tuple(terms)), None


def spelled(name: str) -> str:
    """The name of a field as it is written in a query: in quotes where it would be no single word."""
    if re.fullmatch(_PLAIN, name):
        return name
    return '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))


# Reading the text


def _terms(text: str) -> Iterator[Term]:
    at = _spaces(text, 0)
    while at < len(text):
        start = at
        negated = text[at] == "!"
        at += negated
        if _spaces(text, at) > at or at == len(text):
            _refuse(start, 'what must not match is missing behind this !; a ! itself is written "!"')
        column = at + 1
        term, at = _term(text, at)
        yield Term(term.field, term.check, negated, term.typed, column)
        at = _spaces(text, at)


def _term(text: str, at: int) -> tuple[Term, int]:
    named = _FIELD.match(text, at)
    if named is None and text[at] in '"/':
        found = _pattern(text, at)
        if found is None:
            _refuse(at, 'the / that closes this pattern is missing, or put quotes around it: "/…"')
        return Term("", found[0]), found[1]
    if named is None:
        end = _word_end(text, at)
        return Term("", contains(text[at:end], numbers=False)), end
    name, sign = named[1] or _quoted(text, at)[0], named[3]
    check, end = _value(text, named.end(), name, sign)
    own = name in FIELDS or sign not in (":", "=")
    return Term(name, check, typed="" if own else folded(text[at:end])), end


def _value(text: str, at: int, name: str, sign: str) -> tuple[Check, int]:
    end = _word_end(text, at)
    if at == end:
        _refuse(at, f"what is missing here is what {name} should be")
    if sign == ":" and text[at] in '"/' and (found := _pattern(text, at)):
        return found
    quoted = text[at] == '"'
    if quoted:
        value, end = _quoted(text, at)
    else:
        value = text[at:end]
    if name == "status" and not quoted:
        return _status(value, sign, at), end
    number = seconds(value) if name == "time" else number_in(value)
    if sign in _ORDER or name == "time":
        if number is None:
            like = "a length of time, as 60s or 1:30" if name == "time" else "a number"
            _refuse(at, f"{name}{sign} needs {like}")
        return compared(_ORDER.get(sign, operator.ne if sign == "!=" else operator.eq), number), end
    if sign == ":":
        return contains(value, numbers=name not in TEXTS), end
    return equal(value, name not in TEXTS and not quoted, same=sign == "="), end


def _pattern(text: str, at: int) -> tuple[Check, int] | None:
    """A phrase or a regular expression, whichever begins here; None if no / closes it."""
    if text[at] == '"':
        phrase, end = _quoted(text, at)
        return contains(phrase, numbers=False), end
    closing = _CLOSING.search(text, at + 1)
    if closing is None:
        return None
    written = text[at + 1 : closing.start()].replace("\\/", "/")
    from pyalma_tui.model.patterns import EXPLODES, may_explode, reach  # of which most filters need nothing

    if may_explode(written):
        _refuse(at, f"this pattern may take for ever: {EXPLODES}")
    try:
        pattern = re.compile(composed(written), re.IGNORECASE)
    except re.error as error:
        _refuse(at + 1 + (error.pos or 0), f"no pattern: {error.msg}")
    return found_by(pattern, reach(written)), closing.end()


def _quoted(text: str, at: int) -> tuple[str, int]:
    value, end = [], at + 1
    while end < len(text) and text[end] != '"':
        end += text[end] == "\\" and text[end + 1 : end + 2] in ('"', "\\")
        value.append(text[end])
        end += 1
    if end == len(text):
        _refuse(at, 'the " that closes this phrase is missing')
    return "".join(value), end + 1


def _spaces(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and not text[at].isspace():
        at += 1
    return at


def _refuse(at: int, why: str) -> NoReturn:
    raise QueryError(at + 1, why)


def _status(value: str, sign: str, at: int) -> Check:
    meant = frozenset(word for word in WORDS if value and word.startswith(value.casefold()))
    if sign in _ORDER:
        _refuse(at - len(sign), "status has no order: write status:failed")
    if not meant:
        _refuse(at, f"no status begins so: {', '.join(WORDS)}")
    if sign == "!=":
        return lambda value: value is not None and value not in meant
    return lambda value: value in meant


# Reading a value


def within(value: Any, path: str) -> Any:
    """What a JSON value holds under a name: a key as it is, else what the dots in it lead to; None if nothing."""
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    first, dot, rest = path.partition(".")
    return within(value.get(first), rest) if dot else None
