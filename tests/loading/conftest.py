"""Fixtures of files that are read."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with what the files of the tables refer to."""
    monkeypatch.chdir(tmp_path)
    for file in ("a.cnf", "m.py", "m.batch"):
        (tmp_path / file).touch()
    (tmp_path / "folder").mkdir()
    return tmp_path
