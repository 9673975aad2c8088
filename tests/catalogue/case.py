"""Test ids that begin with the number of the fault in `tests/README.md`, such as `F63-missing`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., None])


def case(name: str) -> Callable[[Test], Test]:
    """A test of one case of a fault."""
    return lambda test: _with_ids(test, (), [()], [name])


def cases(line: str, **variants: Any) -> Callable[[Test], Test]:
    """A test of several variants of a fault; each value is handed in as the argument beside `experiment`."""
    ids = [f"{line}-{name.replace('_', '-')}" for name in variants]

    def mark(test: Test) -> Test:
        _, argument = inspect.signature(test).parameters
        return _with_ids(test, argument, list(variants.values()), ids)

    return mark


def _with_ids(test: Test, argument: str | Sequence[str], values: Sequence[Any], ids: Sequence[str]) -> Test:
    if not test.__name__.startswith("test_"):
        raise ValueError(f"{ids[0]}: {test.__name__}() is never run. Name it test_… and say what holds")
    marked: Test = pytest.mark.parametrize(argument, values, ids=ids)(test)
    return marked
