"""Failures as values: what was raised in one thread can be told, or raised again, in another."""

from __future__ import annotations

import pytest

from pyalma_tui.errors import (
    DefectError,
    InputError,
    InUseError,
    LoadError,
    PyalmaError,
    ShortageError,
    StoreError,
    UsageError,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (LoadError, 2),
        (InputError, 2),
        (StoreError, 3),
        (ShortageError, 3),
        (DefectError, 3),
        (InUseError, 4),
    ],
)
def test_an_error_is_the_same_again_after_it_was_a_value(kind: type[PyalmaError], code: int) -> None:
    error = kind("why")
    again = error.failure.error()
    assert (type(again), again.message, again.exit_code) == (kind, error.message, code)
    assert again.failure == error.failure
