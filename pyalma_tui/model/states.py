"""A saved state as text for people. Large ones are cut before anything looks at them: a state may have 64 MB."""

from __future__ import annotations

import json

import msgspec

from pyalma_tui.model import jsontext, words

ONE_LINE = 400
FULL = 16_000
SHORT = 60


def one_line(state: bytes) -> str:
    """The state in one line, cut."""
    if len(state) > ONE_LINE:
        return _head(state, ONE_LINE)
    try:
        value = jsontext.decode(state)
    except msgspec.DecodeError:
        return _head(state, ONE_LINE)
    return value if isinstance(value, str) else state.decode("utf-8", "replace")


def in_full(state: bytes) -> str:
    """The state as it is, an object or list pretty-printed, and its size if it is cut."""
    if len(state) > FULL:
        return f"{_head(state, FULL)}\n… {words.size(len(state))} in all"
    try:
        value = jsontext.decode(state)
    except msgspec.DecodeError:
        return _head(state, FULL)
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return _pretty(value)
    return state.decode("utf-8", "replace")


def _pretty(value: dict[str, object] | list[object]) -> str:
    """An object with a line for each key: what is inside of it stays on that line, as a long list of numbers should."""
    short = _json(value)
    if len(short) <= SHORT or isinstance(value, list):
        return short
    return "\n".join(["{", ",\n".join(f"  {_json(key)}: {_json(inner)}" for key, inner in value.items()), "}"])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _head(state: bytes, length: int) -> str:
    text = state[:length].decode("utf-8", "replace")
    return text.removeprefix('"') + ("…" if len(state) > length else "")
