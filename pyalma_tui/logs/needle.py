"""What is looked for in a log: a text, or a pattern, which a line must have or must not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from pyalma_tui.model.logtext import SGR
from pyalma_tui.model.patterns import may_explode, reach

_SGR = re.compile(SGR.encode())
_SGR_TEXT = re.compile(SGR)
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")

ERROR: Final = (
    r"(?-i:^Traceback \(most recent call last\)|^\S*(?:Error|Exception|Interrupt)\b(?::|$)"
    r"|\b(?:ERROR|FATAL|CRITICAL|PANIC)\b|^(?:error|fatal|panic)(?:\[\w+\])?: |[Ss]egmentation fault)"
)
"""How a line begins, or what it has, that tells of an error: as Python, loggers, compilers and shells say it."""


@dataclass(frozen=True, slots=True)
class Needle:
    """What is looked for; `text` is as it was typed, `name` what it is called instead.

    It is a regular expression of `re` if it reads as one that may not take for ever, else the text itself. Upper and
    lower case are the same, colours (SGR) do not come between letters.
    """

    text: str
    name: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in a line as it is shown."""
        return _compiled(self.text) or re.compile(re.escape(self.text), re.IGNORECASE)

    @property
    def is_pattern(self) -> bool:
        """Whether it is a regular expression."""
        return _compiled(self.text) is not None

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Where it is in a line as it is shown, as far as `in_lines` looks."""
        return self.pattern.finditer(text, 0, reach(self.text) if self.is_pattern else len(text))

    def in_lines(self, data: bytes) -> list[bool] | None:
        """For each line of the data whether it has it; None if no line has."""
        if (pattern := _compiled(self.text)) is not None:
            text = data.decode("utf-8", "surrogateescape")
            if "\x1b" in text:
                text = _SGR_TEXT.sub("", text)
            lines = text.split("\n") if "\r" not in text else [line.rstrip("\r") for line in text.split("\n")]
            far = reach(self.text)
            found = [pattern.search(line, 0, far) is not None for line in lines]
            return found if any(found) else None
        folded, wanted = self._fold(data), self._folded
        return [wanted in line for line in folded.split(b"\n")] if wanted in folded else None

    @property
    def _folded(self) -> bytes:
        """The text as it must appear in what `_fold` returns."""
        return self.text.casefold().encode("utf-8", "surrogatepass")

    def _fold(self, data: bytes) -> bytes:
        """The bytes with case and colours taken out; newlines stay where they are."""
        if b"\x1b" in data:
            data = _SGR.sub(b"", data)
        if self.text.isascii():
            return data.lower()  # 1 GB/s, and invalid UTF-8 does not matter
        return data.decode("utf-8", "surrogateescape").casefold().encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Term:
    """A needle that a line must have or, if it is not `wanted`, must not have."""

    needle: Needle
    wanted: bool = True


Terms: TypeAlias = tuple[Term, ...]
"""What a line must agree with, all of it."""


def having(text: str) -> Terms:
    """Lines that have this."""
    return (Term(Needle(text)),)


def agreeing(terms: Terms, data: bytes) -> list[int]:
    """Which lines of the data agree, by their numbers from 0."""
    agreed: list[bool] | None = None
    for term in terms:
        found = term.needle.in_lines(data)
        if found is None:
            if term.wanted:
                return []
            continue
        these = found if term.wanted else [not has for has in found]
        agreed = these if agreed is None else [one and other for one, other in zip(agreed, these, strict=True)]
    if agreed is None:
        return list(range(data.count(b"\n") + 1))
    return [number for number, agrees in enumerate(agreed) if agrees]


@lru_cache(maxsize=64)
def _compiled(text: str) -> re.Pattern[str] | None:
    """The text as a pattern; None for one that is none, and for one that may take for ever."""
    if not _SPECIAL.search(text) or may_explode(text):
        return None
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None
