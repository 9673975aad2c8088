"""Reading a JSON file that a person wrote, and saying in one line what is wrong with it and where.

Every message has the shape `<what failed>: <file:line:column or file: $.path>: <why>. <what to do>`.
"""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import stat
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn, TypeAlias

import msgspec

from pyalma_tui.errors import InputError

Warn: TypeAlias = Callable[[str], None]

BOM = b"\xef\xbb\xbf"
SHOWN_CHARACTERS = 60
KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Origin(msgspec.Struct, frozen=True):
    """Where a value comes from, as its messages name it.

    `failed` says what the reading is for ("cannot read the batch"), `shown` is the file as the user knows it and
    `included_by` the files that led to it, outermost first.
    """

    failed: str
    shown: str
    included_by: tuple[str, ...] = ()

    @property
    def chain(self) -> str:
        """The files from the outermost to this one."""
        return " → ".join((*self.included_by, self.shown))

    def error(self, why: str, advice: str, place: str = "") -> InputError:
        """The one line for the user; `place` is as for `at`."""
        trail = f" (included: {self.chain})" if self.included_by else ""
        return InputError(f"{self.failed}: {self.at(place)}: {why}{trail}. {advice}")

    def at(self, place: str) -> str:
        """The file and a place in it: "" (all of it), a line, "line:column", or a path such as `$.instances[3]`."""
        if not place:
            return self.shown
        return f"{self.shown}:{place}" if place[0].isdigit() else f"{self.shown}: {place}"


def read_json(path: str, origin: Origin, keys: Sequence[str], warn: Warn) -> Any:
    """The value that a JSON file holds; raises InputError. `keys` are as for `json_value`."""
    return json_value(text_of_file(read_regular(path, origin), origin), origin, keys, warn)


def text_of_file(raw: bytes, origin: Origin) -> str:
    """The text of a file in UTF-8, without its byte order mark; raises InputError, also if there is nothing in it."""
    start = len(BOM) if raw.startswith(BOM) else 0
    if not raw[start:].strip():
        raise origin.error("the file is empty", "Fill it or name another one")
    return _text(raw[start:], start, origin)


def json_value(text: str, origin: Origin, keys: Sequence[str], warn: Warn, line: int = 1) -> Any:
    """The value of a JSON text that begins on this line of a file; raises InputError.

    A key of `keys` that stands twice in one object is warned of, because JSON readers silently drop the first.
    """
    try:
        value = _decode(text, origin, line)
        repeated = _repeated(text, keys)
    except RecursionError:
        place = str(line) if line > 1 else ""
        raise origin.error("it is nested too deeply to be read", "Make it flatter", place) from None
    for key in repeated:
        where = origin.at(str(line) if line > 1 else "")
        warn(f'{where}: "{key}" stands more than once in one object, only the last one counts. Join them')
    return value


def read_regular(path: str, origin: Origin) -> bytes:
    """The bytes of a regular file; anything that could block or act when opened is refused before it is opened."""
    advice = f'Correct "include" in {origin.included_by[-1]}' if origin.included_by else "Check the path"
    try:
        refuse_irregular(os.stat(path), origin, advice)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            refuse_irregular(os.fstat(descriptor), origin, advice)  # it may have been replaced since the first look
            return file.read()
    except FileNotFoundError:
        raise origin.error(f"there is no such file in {os.path.dirname(path)}", advice) from None
    except OSError as error:
        raise origin.error(os.strerror(error.errno or 0).lower(), advice) from None
    except ValueError:  # a NUL or half a surrogate pair, which no file system can name
        raise origin.error("no file can have this name", advice) from None


def refuse_irregular(facts: os.stat_result, origin: Origin, advice: str, name: str = "it", place: str = "") -> None:
    """Raise InputError for what is no regular file: it could block or act when it is opened."""
    if not stat.S_ISREG(facts.st_mode):
        kind = KINDS.get(stat.S_IFMT(facts.st_mode), "something else")
        raise origin.error(f"{name} is {kind}, not a regular file", advice, place)


def _text(raw: bytes, start: int, origin: Origin) -> str:
    """The text of UTF-8 bytes that began at byte `start` of the file."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        why = f"not UTF-8: byte 0x{raw[error.start]:02X} at offset {start + error.start}"
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            why += ", which looks like UTF-16"
        raise origin.error(why, "Save the file as UTF-8", _place(before, len(before))) from None


def _decode(text: str, origin: Origin, line: int) -> Any:
    """The value of a JSON text: by msgspec, and where that refuses by the standard library.

    Only the standard library knows the place of an error exactly and reads lone surrogates, of which the names of files
    consist that are not UTF-8. What it takes too easily, NaN and numbers too large, would silently become null later.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        pass
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except json.JSONDecodeError as error:
        why, advice, position = _diagnosis(text, error)
        raise origin.error(why, advice, _place(text, position, line)) from None
    except _NoNumberError as error:
        token = str(error)
        place = _place(text, _outside_strings(text, token), line)
        why = f"JSON knows no {token}" if token.endswith(("NaN", "Infinity")) else f"{_cut(token)} is out of range"
        raise origin.error(why, "Write null, or the number as text", place) from None


class _NoNumberError(ValueError):
    """A token that Python reads as a number and JSON cannot write again; the message is the token."""


def _refuse(token: str) -> NoReturn:
    raise _NoNumberError(token)


def _finite(token: str) -> float:
    value = float(token)
    return value if math.isfinite(value) else _refuse(token)


def _whole(token: str) -> int:
    try:
        return int(token)
    except ValueError:  # more digits than Python converts
        _refuse(token)


def _outside_strings(text: str, token: str) -> int:
    """The first position of a token that is no part of a JSON string."""
    found = re.finditer(rf'"(?:[^"\\]|\\.)*"|{re.escape(token)}', text)
    return next(match.start() for match in found if match[0] == token)


def _diagnosis(text: str, error: json.JSONDecodeError) -> tuple[str, str, int]:
    """Why a text is no JSON, what to do, and the position; the same under every version of Python."""
    position = error.pos
    rest = text[position:].lstrip()
    before = text[: position + 1 if text[position : position + 1] == "," else position].rstrip()
    follows = rest.lstrip(",").lstrip()
    if before.endswith(",") and follows.startswith(("]", "}")):
        return f'a comma stands before the closing "{follows[0]}"', "Take it out", len(before) - 1
    if error.msg.startswith("Unterminated string"):
        return "this text is never closed", "Add its closing quote", position
    if not rest:
        return "the file ends before its JSON does", "Close its brackets", len(text.rstrip())
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments", "Take it out", position
    if rest.startswith("'"):
        return "JSON knows no single quotes", "Use double quotes", position
    if error.msg.startswith("Invalid control") and text[position] in "\r\n":
        return "the line ends inside a text", "Add its closing quote", position
    found = (words for start, words in WORDING.items() if error.msg.startswith(start))
    return *next(found, ("this is no JSON", "Correct it")), position


WORDING = {
    "Expecting ',' delimiter": ("a comma or a closing bracket is missing", "Add it"),
    "Expecting ':' delimiter": ("a colon is missing after the key", "Add it"),
    "Expecting property name": ("a key in double quotes was expected", 'Write it as in {"file": "a.cnf"}'),
    "Expecting value": ("no JSON value begins here", "Write text in double quotes, a number, true, false or null"),
    "Extra data": ("the JSON ends before this place", "Take out what follows"),
    "Invalid \\": ("JSON knows no such escape", "Write a backslash as \\\\"),
    "Invalid control character": ("a control character stands inside a text", "Write it as an escape, a tab as \\t"),
}


def _place(text: str, position: int, line: int = 1) -> str:
    """The `line:column` of a position, both counted from 1 in characters, as editors do; the text begins on `line`."""
    return f"{text.count(chr(10), 0, position) + line}:{position - text.rfind(chr(10), 0, position)}"


def _repeated(text: str, keys: Collection[str]) -> list[str]:
    """Which of the keys stand more than once in one object; looks closely only where one is written twice at all."""
    if all(text.count(f'"{key}"') < 2 for key in keys):
        return []
    repeated: dict[str, None] = {}

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            repeated.update((key, None) for key in keys if names.count(key) > 1)

    json.loads(text, object_pairs_hook=look)
    return list(repeated)


def unknown_key(origin: Origin, place: str, key: str, known: Collection[str], times: int = 1) -> str:
    """The warning for a key that nobody reads, with the nearest one that is read; `times` it stands in the file."""
    near = difflib.get_close_matches(key[:SHOWN_CHARACTERS].lower(), known, 1)
    advice = f'Did you mean "{near[0]}"?' if near else f"Known keys are {', '.join(known)}"
    count = f" ({times:,} times)" if times > 1 else ""
    return f"{origin.at(place)}: unknown key {quoted(key)} is ignored{count}. {advice}"


def expect_object(value: object, origin: Origin, place: str, advice: str) -> dict[str, Any]:
    """The value if it is a JSON object; raises InputError."""
    if isinstance(value, dict):
        return value
    raise origin.error(f"an object was expected, found {described(value)}", advice, place)


def expect_list(value: object, origin: Origin, place: str) -> list[Any]:
    """The value if it is a JSON list; raises InputError."""
    if isinstance(value, list):
        return value
    advice = f"Write [{quoted(value)}]" if isinstance(value, str) else "Put square brackets around its entries"
    raise origin.error(f"a list was expected, found {described(value)}", advice, place)


def expect_path(value: object, origin: Origin, place: str) -> str:
    """The value if it is a text that can be a path; raises InputError."""
    if isinstance(value, str) and value:
        return value
    advice = "Name a file" if isinstance(value, str) else "Write it in double quotes"
    raise origin.error(f"a path was expected, found {described(value)}", advice, place)


def described(value: object) -> str:
    """What a decoded JSON value is, in a user's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {_cut(str(value))}"
        case str():
            return f"the text {quoted(value)}" if value else "an empty text"
        case list():
            return "a list"
        case dict():
            return "an object"
    return f"a {type(value).__name__}"


def quoted(text: str) -> str:
    """A text in double quotes with its control characters escaped, cut when it is long."""
    return json.dumps(_cut(text), ensure_ascii=False)


def _cut(text: str) -> str:
    """The text, or its beginning and its end, which of a path is the name."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return text[: SHOWN_CHARACTERS - 21] + "…" + text[-20:]
