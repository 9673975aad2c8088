"""What a process has imported: looked at once, told once, also by forks of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pyalma_tui.loading.local_code import LocalCode
from pyalma_tui.loading.surroundings import surroundings

PACKAGE = "a_package_of_this_test"


class Looked(ModuleType):
    """A module that counts how often somebody asks where it is from."""

    looks = 0

    @property
    def __file__(self) -> str:  # type: ignore[override]  # of a module it is an attribute
        self.looks += 1
        return f"/env/lib/site-packages/{self.__name__}.py"


@pytest.fixture
def local(tmp_path: Path) -> LocalCode:
    path = tmp_path / "m.py"
    path.touch()
    found = LocalCode(surroundings(path), path, {})
    found.newly_installed()
    return found


@pytest.fixture
def imported(local: LocalCode) -> Iterator[Looked]:
    """A module that is imported after all others were told of."""
    module = sys.modules[PACKAGE] = Looked(PACKAGE)
    yield module
    del sys.modules[PACKAGE]


def test_what_is_imported_is_told_once(local: LocalCode, imported: Looked) -> None:
    assert (local.newly_installed(), local.newly_installed()) == ([PACKAGE], [])


def test_who_has_looked_need_not_look_again(local: LocalCode, imported: Looked) -> None:
    """An agent looks before it forks: a worker that looked as well would copy the pages of all modules."""
    local.look()
    looks = imported.looks
    local.settle()
    assert local.newly_installed() == [PACKAGE]
    assert imported.looks == looks > 0
