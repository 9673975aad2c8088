"""JSON text of values that come back equal from it, and the first place where one would not."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from pyalma_tui.model import jsontext

LARGEST = 10**4299  # Python's reader of JSON refuses more digits, that of msgspec counts the sign among them
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,40}")
KEY_SHOWN = 40  # characters of a key that is told
OTHERWISE = "Use a str, int, float, bool, None, list or dict"
TOO_DEEP = f"it is nested deeper than {jsontext.DEEPEST}"


class InexactError(Exception):
    """A value that JSON does not give back equal: `where` in it that shows first, `advice` what to do instead.

    `sort` is what Python would raise for it: ValueError for a value of the right type, else TypeError.
    """

    def __init__(self, where: str, why: str, advice: str, sort: type[Exception] = TypeError) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why
        self.advice = advice
        self.sort = sort


def text_of(value: object, where: str) -> bytes:
    """The JSON text of a value; raises InexactError, told from `where` on, if it is not exact.

    Subclasses of JSON's own types are taken if they are equal to what comes back, such as a numpy.float64 or an
    OrderedDict.
    """
    text = _exact(value)
    if text is None:
        text = _exact(_plain(value, where, 0, where))
    if text is None:
        raise InexactError(where, f"{kind_of(value)} comes back as another value", OTHERWISE)
    return text


def _exact(value: object) -> bytes | None:
    """The text of a value that comes back equal, None for any other; not where and why."""
    try:
        text = jsontext.encode(value)
        return text if not jsontext.is_deep(text) and _equal(jsontext.decode(text), value) else None
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return None


def _plain(value: Any, where: str, depth: int, whole: str) -> object:
    """The value in JSON's own types; raises InexactError for the first part of it that cannot be equal."""
    plain: object
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        plain = str.__str__(value)
        if PAIR.search(plain):
            why = "it holds a pair of surrogates, which would come back as one character"
            raise InexactError(where, why, "Write the character itself", ValueError)
    elif isinstance(value, int):
        plain = int.__int__(value)
        if not -LARGEST < plain < LARGEST:
            raise InexactError(where, "this number has more digits than JSON readers take", "Use str()", ValueError)
    elif isinstance(value, float):
        plain = float.__float__(value)
        if not math.isfinite(plain):
            raise InexactError(where, f"{plain} is no JSON value", "Use None, or str()", ValueError)
    elif isinstance(value, dict | list):
        if depth == jsontext.DEEPEST:
            raise InexactError(whole, TOO_DEEP, "Make it flatter")
        if isinstance(value, dict):
            plain = _plain_dict(value, where, depth, whole)
        else:
            plain = [_plain(item, f"{where}[{i}]", depth + 1, whole) for i, item in enumerate(list.__iter__(value))]
    else:
        raise InexactError(where, f"{kind_of(value)} is no JSON value", _advice(value))
    if type(plain) is not type(value) and not _equal(plain, value):
        raise InexactError(where, f"{kind_of(value)} comes back as another value", OTHERWISE)
    return plain


def _plain_dict(value: dict[Any, Any], where: str, depth: int, whole: str) -> dict[str, object]:
    plain: dict[str, object] = {}
    for key, item in dict.items(value):
        if not isinstance(key, str):
            raise InexactError(where, f"its key {_shown(key)} is no text, as keys of JSON are", "Use str() for it")
        name = str.__str__(key)
        if PAIR.search(name):
            why = "a key of it holds a pair of surrogates, which would come back as one character"
            raise InexactError(where, why, "Write the character itself", ValueError)
        if name in plain:
            raise InexactError(where, f"two of its keys come back as {json.dumps(name)}", "Rename one of them")
        plain[name] = _plain(item, f"{where}{_step(name)}", depth + 1, whole)
    return plain


def _step(key: str) -> str:
    """A key as it is told where something is."""
    if WORD.fullmatch(key):
        return f".{key}"
    return f"[{json.dumps(key if len(key) <= KEY_SHOWN else key[:KEY_SHOWN] + '…', ensure_ascii=False)}]"


def _equal(plain: object, value: object) -> bool:
    try:
        return bool(plain == value)
    except Exception:  # noqa: BLE001 - whatever a comparison of the user's own raises, it does not say that it is equal
        return False


def _shown(key: object) -> str:
    short = type(key) in (bool, float) or (type(key) is int and -LARGEST < key < LARGEST)
    return str(key)[:KEY_SHOWN] if short else kind_of(key)


def kind_of(value: object) -> str:
    """What a value is, for a message: `a set`, `a numpy.int64`."""
    if value is None:
        return "None"
    kind = type(value)
    module = getattr(kind, "__module__", "builtins")
    name = kind.__qualname__ if module in ("builtins", "__main__") else f"{module.partition('.')[0]}.{kind.__name__}"
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _advice(value: object) -> str:
    """What to use instead of a value that is no JSON value."""
    kind = type(value)
    if hasattr(kind, "tolist"):  # arrays and numbers of numpy, and of those that are made like it
        return "Use .tolist()" if _has_parts(value) else "Use .item()"
    if isinstance(value, tuple):
        return "Use list(): a tuple comes back as a list"
    if isinstance(value, set | frozenset):
        return "Use sorted(), which gives a list"
    if isinstance(value, bytes | bytearray):
        return "Use .decode() or .hex()"
    if hasattr(kind, "__fspath__"):
        return "Use str() for a path"
    return OTHERWISE


def _has_parts(value: Any) -> bool:
    try:
        return bool(value.shape != ())
    except Exception:  # noqa: BLE001 - it is no array then, whatever it raises
        return True
