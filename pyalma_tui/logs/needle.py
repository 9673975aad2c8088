"""What is looked for in a log: a text, or a pattern, which a line must have or must not have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from pyalma_tui.model.logtext import SGR, UP, last_row
from pyalma_tui.model.patterns import may_explode, reach

_SGR = re.compile(SGR.encode())
_ERASE = re.compile(rb"\x1b\[[02]?K")  # of the rest of a line, as grep and gcc write it behind each colour
_ERASE_TEXT = re.compile(r"\x1b\[[02]?K")
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")

ERROR: Final = (
    r"(?-i:^Traceback \(most recent call last\)|^\S*(?:Error|Exception|Interrupt)\b(?::|$)"
    r"|\b(?:ERROR|FATAL|CRITICAL|PANIC)\b|^(?:error|fatal|panic)(?:\[\w+\])?: |[Ss]egmentation fault)"
)
"""How a line begins, or what it has, that tells of an error: as Python, loggers, compilers and shells say it."""


@dataclass(frozen=True, slots=True)
class Needle:
    r"""What is looked for; `text` is as it was typed, `name` what it is called instead.

    It is a regular expression of `re` if it reads as one that may not take for ever, else the text itself. Upper and
    lower case are the same, colours (SGR) do not come between letters, and what a `\r` has overwritten is not there.
    """

    text: str
    name: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in a line as it is shown."""
        return _compiled(self.text) or re.compile("|".join(map(re.escape, _forms(self.text))), re.IGNORECASE)

    @property
    def is_pattern(self) -> bool:
        """Whether it is a regular expression."""
        return _compiled(self.text) is not None

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Where it is in a line as it is shown, as far as `in_lines` looks."""
        return self.pattern.finditer(text, 0, reach(self.text) if self.is_pattern else len(text))

    def in_lines(self, data: bytes) -> list[bool] | None:
        """For each line of the data whether it has it; None if no line has."""
        if b"\x1b" in data:
            data = _SGR.sub(b"", data)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        if (pattern := _compiled(self.text)) is not None:
            far = reach(self.text)
            found = [pattern.search(line, 0, far) is not None for line in _seen(data).split("\n")]
        else:
            wanted = [form.casefold().encode("utf-8", "surrogatepass") for form in _forms(self.text)]
            folded = self._fold(_ERASE.sub(b"", data) if b"\x1b" in data else data)
            if not any(form in folded for form in wanted):
                return None
            if b"\r" in data or UP.encode() in data:
                folded = self._fold(_seen(data).encode("utf-8", "surrogateescape"))
            lines = folded.split(b"\n")
            has = [[form in line for line in lines] for form in wanted]
            found = list(map(max, *has)) if len(has) > 1 else has[0]
        return found if any(found) else None

    def _fold(self, data: bytes) -> bytes:
        """The bytes with case taken out; newlines stay where they are."""
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


def _forms(text: str) -> list[str]:
    """The text with letters and their marks as one character each (NFC) and as several (NFD): both look alike."""
    return [text] if text.isascii() else list(dict.fromkeys(unicodedata.normalize(f, text) for f in ("NFC", "NFD")))


def _seen(data: bytes) -> str:
    """What is seen of lines without their colours; newlines stay where they are."""
    text = data.decode("utf-8", "surrogateescape")
    return "\n".join(map(_left, text.split("\n"))) if "\r" in text or "\x1b" in text else text


def _left(line: str) -> str:
    r"""What is left of a line in which each `\r` went back to its first column, a cell a character."""
    seen = ""
    for part in reversed(last_row(line).rstrip("\r").split("\r")):
        kept, erased = _ERASE_TEXT.subn("", part)
        seen += kept[len(seen) :]
        if erased:
            break
    return seen


@lru_cache(maxsize=64)
def _compiled(text: str) -> re.Pattern[str] | None:
    """The text as a pattern; None for one that is none, and for one that may take for ever."""
    if not _SPECIAL.search(text) or may_explode(text):
        return None
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None
