"""Every test of a command gets an experiment in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalogue.experiment import Experiment, experiments


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[Experiment]:
    yield from experiments(tmp_path)
