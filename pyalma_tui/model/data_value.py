"""What the object that an instance holds has under a key."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.instance import Instance

LOOKED_INTO: Final = 16_000  # bytes of an object


def data_of(instance: Instance) -> dict[str, Any] | None:
    """The object that an instance holds, None if it is none or a large one."""
    text = instance.data
    if text is None or text[:1] != b"{" or len(text) > LOOKED_INTO:
        return None
    try:
        value = jsontext.decode(text)
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None


def data_value(instance: Instance, key: str) -> Any:
    """The value under a key, None if there is none; a dot in it leads into an object if there is no such key."""
    found: Any = data_of(instance) or {}
    for part in (key,) if key in found else key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found
