"""Fixtures of whole experiments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue.experiment import Experiment, experiments
from tests.experiments.folder import Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder of its own, as the working directory."""
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[Experiment]:
    """An experiment that is run by the program."""
    yield from experiments(tmp_path)
