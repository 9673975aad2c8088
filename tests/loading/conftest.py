"""Fixtures of files that are read."""

from __future__ import annotations

from pathlib import Path

import pytest


def touch(folder: Path, *names: str) -> None:
    """Make empty files, and the folders that they are in."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with what the files of the tables refer to."""
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "a.cnf", "m.py", "m.batch")
    (tmp_path / "folder").mkdir()
    return tmp_path
