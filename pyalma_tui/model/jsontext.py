"""JSON text of values that users hand in: exact, also for what UTF-8 cannot carry.

msgspec is used wherever it can be. A string with a lone surrogate has no UTF-8 form; the standard library writes it as
an escape (`"\\ud800"`) and reads it back equal, so such values take that way round.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")
SURROGATE = b"\\ud"
DEEPEST = 100  # lists and objects within each other: every reader of what we write gets that far on its stack
TOO_DEEP = "lists or objects are nested too deep"
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
encode_unicode = msgspec.json.Encoder().encode  # of what UTF-8 can carry; raises UnicodeEncodeError for the rest


def encode(value: object) -> bytes:
    """The JSON text of a value; raises TypeError or ValueError where JSON has no form for it."""
    try:
        return encode_unicode(value)
    except UnicodeEncodeError:
        return _dump(_plain(value))


def decode(text: bytes) -> Any:
    """The value of a JSON text; raises msgspec.DecodeError."""
    return _decode_any(text)


def decode_as(text: bytes, kind: type[T] | Any) -> T:
    """The value of a JSON text of this type; raises DecodeError or, with the `$.path`, ValidationError."""
    try:
        value: T = _decode_as(text, kind)
    except RecursionError as error:
        raise msgspec.DecodeError(TOO_DEEP) from error
    return value


def _decode_as(text: bytes, kind: Any) -> Any:
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
        shape = _shape(kind)
        return msgspec.convert(_raw_where(shape, value), type=kind, str_keys=True)


def decoder(kind: Any) -> Callable[[bytes | msgspec.Raw], Any]:
    """`decode_as` for one type, prepared once: 0.2 µs instead of 5 for what is said thousands of times a second."""
    fast = msgspec.json.Decoder(kind).decode

    def decode_one(text: bytes | msgspec.Raw) -> Any:
        try:
            return fast(text)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, RecursionError):
            return decode_as(bytes(text), kind)

    return decode_one


_decode_any = decoder(Any)


def is_deep(text: bytes) -> bool:
    """Whether lists and objects in this JSON text are nested deeper than we write them."""
    if len(text) <= DEEPEST or text.count(b"[") + text.count(b"{") <= DEEPEST:
        return False
    quotes = text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
    outside = b"".join(quotes.split(b'"')[::2])
    brackets = outside.translate(_SQUARE, _NO_BRACKET)
    depth = 0
    while brackets and depth <= DEEPEST:
        brackets = brackets.replace(b"[]", b"")  # what holds no others
        depth += 1
    return depth > DEEPEST


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _plain(value: object) -> object:
    """The value in terms that the standard library can write: no Struct, no Raw."""
    if isinstance(value, msgspec.Raw):
        return decode(bytes(value))
    if isinstance(value, msgspec.Struct):
        given = {f.encode_name: getattr(value, f.name) for f in msgspec.structs.fields(value)}
        facts = {name: _plain(item) for name, item in given.items() if item is not msgspec.UNSET}
        config = value.__struct_config__
        if config.array_like:
            return [*([] if config.tag is None else [config.tag]), *facts.values()]
        return facts if config.tag_field is None else {config.tag_field: config.tag, **facts}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@lru_cache(maxsize=64)
def _shape(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _raw_where(shape: inspect.Type, value: Any) -> Any:
    """The value with JSON text wherever the type asks for Raw; what does not fit the type stays, to be refused."""
    match shape:
        case inspect.RawType():
            return msgspec.Raw(encode(value))  # the same text as on the other way: it is what an instance is known by
        case inspect.DictType() if isinstance(value, dict):
            return {key: _raw_where(shape.value_type, item) for key, item in value.items()}
        case inspect.ListType() if isinstance(value, list):
            return [_raw_where(shape.item_type, item) for item in value]
        case inspect.UnionType():
            fitting = [t for t in shape.types if _fits(t, value)]
            return _raw_where(fitting[0], value) if fitting else value
        case inspect.StructType(array_like=True) if isinstance(value, list):
            first = 0 if shape.tag is None else 1
            pairs = zip(shape.fields, value[first:], strict=False)
            return [*value[:first], *[_raw_where(field.type, item) for field, item in pairs]]
        case inspect.StructType() if isinstance(value, dict):
            kinds = {field.encode_name: field.type for field in shape.fields}
            return {key: _raw_where(kinds[key], item) if key in kinds else item for key, item in value.items()}
    return value


def _fits(shape: inspect.Type, value: Any) -> bool:
    """Whether this is the member of a union that a value belongs to, as far as it may hold Raw."""
    if isinstance(shape, inspect.StructType):
        return _tag(shape, value) == shape.tag
    return isinstance(shape, inspect.ListType) and isinstance(value, list)


def _tag(shape: inspect.StructType, value: Any) -> object:
    if shape.array_like:
        return value[0] if isinstance(value, list) and value else None
    return value.get(shape.tag_field) if isinstance(value, dict) else None
