"""The instances that a run module names itself, as JSON texts that come back equal.

Called in a worker only: the values, and the function that may return them, are user code.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import msgspec

from pyalma_tui.errors import LoadError
from pyalma_tui.model.exact import InexactError, kind_of, text_of


def own_instances(module: ModuleType) -> list[msgspec.Raw] | None:
    """The module's `instances` (an iterable, or a function that returns one), None if it has none.

    A path may be given as a Path. Raises LoadError with the place of a value that JSON does not give back equal, and
    whatever the module's own code raises.
    """
    named: Any = getattr(module, "instances", None)
    if named is None:
        return None
    values = named() if callable(named) else named
    if isinstance(values, str | bytes | dict) or not isinstance(values, Iterable):
        raise LoadError(f"{_file(module)}: instances: {kind_of(values)}. Make it a list of paths, globs or dicts")
    texts = []
    for index, given in enumerate(values):
        value = _with_text_as_path(given)
        place = f"instances[{index}]"
        if not isinstance(value, str | dict):
            raise LoadError(f"{_file(module)}: {place}: {kind_of(value)}. An instance is a path, a glob or a dict")
        try:
            texts.append(msgspec.Raw(text_of(value, place)))
        except InexactError as error:
            raise LoadError(f"{_file(module)}: {error}. {error.advice}") from None
    return texts


def _with_text_as_path(value: object) -> object:
    """The value with a Path turned into text where it stands for a file: `run` gets the absolute path as a str."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, dict) and isinstance(file := value.get("file"), os.PathLike):
        return {**value, "file": os.fsdecode(file)}
    return value


def _file(module: ModuleType) -> str:
    return getattr(module, "__file__", None) or module.__name__
