"""A run module that cannot be read, as when it is removed between two looks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyalma_tui.errors import LoadError
from pyalma_tui.loading.run_module import import_module
from tests.loading.saying import message_for


@pytest.mark.parametrize(("name", "why"), [("gone.py", "No such file or directory"), ("folder", "Is a directory")])
def test_a_module_that_cannot_be_read_is_named_without_a_traceback_of_ours(folder: Path, name: str, why: str) -> None:
    search = list(sys.path)

    message = message_for(lambda: import_module(folder / "m.py", folder / name), LoadError)

    assert message == f"{folder / name}: {why}. Put it back, or correct its permissions"
    assert sys.path == search
