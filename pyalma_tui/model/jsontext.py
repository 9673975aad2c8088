"""JSON text of values that users hand in: exact, also for what UTF-8 cannot carry.

msgspec is used wherever it can be. A string with a lone surrogate has no UTF-8 form; the standard library writes it as
an escape (`"\\ud800"`) and reads it back equal, so such values take that way round.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
SURROGATE = b"\\ud"
_encode = msgspec.json.Encoder().encode


def encode(value: object) -> bytes:
    """The JSON text of a value; raises TypeError where JSON has no form for it."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()


def decode(text: bytes) -> Any:
    """The value of a JSON text; raises msgspec.DecodeError."""
    return decode_as(text, Any)


def decode_as(text: bytes, kind: type[T] | Any) -> T:
    """The value of a JSON text of this type; raises DecodeError or, with the `$.path`, ValidationError."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if SURROGATE not in text.lower():
            raise
        try:
            value = json.loads(text)
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from error
        return msgspec.convert(value, type=kind)
