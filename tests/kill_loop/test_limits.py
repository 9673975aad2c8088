"""The kill loop ends, and says why, where the program never would; and its program meets its small limits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kill_loop import nemesis

ROTATES = """
import sys
from pathlib import Path
from tests.kill_loop import program
from pyalma_tui.model.records import Note
from pyalma_tui.store.journal import Journal

folder = Path(sys.argv[1])
journal = Journal(folder, 1, {})
due = []
for number in range(100):
    journal.append(Note(1.0, "x" * 100))
    due.append(journal.due)
sizes = [path.stat().st_size for path in folder.iterdir()]
assert len(sizes) > 3, sizes
assert max(sizes) <= program.SEGMENT, sizes
assert any(due), "a checkpoint is due"
assert journal.segment_limit("w0001", 4) < program.SEGMENT
"""


def broken(folder: Path, *program: str) -> list[str]:
    """What the nemesis says of a program that is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nemesis, "PROGRAM", (*program, "--"))
        return nemesis.play(folder / "experiment", seconds=0.1, seed=1).verdict.broken


def test_a_program_that_hangs_is_ended_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nemesis, "PATIENCE", 0.5)
    monkeypatch.setattr(nemesis, "LIVES", 2)
    found = broken(tmp_path, sys.executable, "-c", "import time; time.sleep(1000)")
    assert found == ["a start has not ended after 0.5 s in which nobody disturbed it"]


def test_a_program_that_never_finishes_is_told_after_its_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nemesis, "LIVES", 4)
    found = broken(tmp_path, sys.executable, "-c", "raise SystemExit(1)")
    assert found == ["not finished after 4 starts, the last one ended with 1"]


def test_an_experiment_is_left_alone_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many starts it would have left: it could go on for ever, killed each time before it has done anything."""
    monkeypatch.setattr(nemesis, "TROUBLED", 0.0)
    monkeypatch.setattr(nemesis, "PATIENCE", 0.5)
    began = time.monotonic()
    found = broken(tmp_path, sys.executable, "-c", "import time; time.sleep(1000)")
    assert found == ["a start has not ended after 0.5 s in which nobody disturbed it"]
    assert time.monotonic() - began < 20


def test_the_program_rotates_and_checkpoints_after_a_few_lines(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ROTATES, str(tmp_path)], check=True, timeout=60)
