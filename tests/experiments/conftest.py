"""Fixtures of whole experiments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments.folder import Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A folder of its own, as the working directory."""
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)
