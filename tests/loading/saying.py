"""What the loading says of a file: the one line of an error, and that there is no warning."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyalma_tui.errors import InputError, PyalmaError


def no_warning(message: str) -> None:
    """Take the place of `warn` where nothing is worth one."""
    raise AssertionError(f"unexpected warning: {message}")


def message_for(read: Callable[[], object], error: type[PyalmaError] = InputError) -> str:
    """The one line of the error that reading ends in."""
    with pytest.raises(error) as caught:
        read()
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    return caught.value.message
