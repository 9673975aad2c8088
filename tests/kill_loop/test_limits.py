"""The kill loop ends, and says why, where the program never would; and its program meets its small limits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kill_loop import history, nemesis
from tests.kill_loop.history import Struck, Verdict, check_table, check_written

ROTATES = """
import sys
from pathlib import Path
from tests.kill_loop import program
from pyalma_tui.model.records import Note
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.row_files import RowFiles

folder = Path(sys.argv[1])
journal = Journal(folder, 1, {}, RowFiles(folder / "rows", 1))
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


@pytest.mark.parametrize(
    ("held", "ended", "struck", "found"),
    [
        ("0 10 11 a 1\n0 10 12 b 1\n", "", Struck(), []),
        ("0 10 12 b 1\n", "", Struck(), ["a.txt: '0 10 11 a 1' is not in results.txt, and its worker was not killed"]),
        ("0 10 12 b 1\n", "", Struck(pids={11}), []),
        ("0 10 12 b 1\n", "", Struck(pids={10}), []),
        ("0 10 12 b 1\n", "", Struck(lives={0}), []),
        (
            "0 10 12 b 1\n",
            "0 10 11 ends\n",
            Struck(lives={0}),
            ["a.txt: '0 10 11 a 1' is not in results.txt, and its worker was not killed"],
        ),
        ("0 10 11 a 1\n" * 2 + "0 10 12 b 1\n", "", Struck(pids={11}), ["'0 10 11 a 1' is 2 times in results.txt"]),
    ],
    ids=["there", "lost", "killed", "agent-killed", "interrupted", "lost-at-its-end", "twice"],
)
def test_what_a_buffer_held_is_missed_unless_its_worker_was_hit(
    tmp_path: Path, held: str, ended: str, struck: Struck, found: list[str]
) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "a.txt").write_text("start 0\nreturn\nwrote 0 10 11 a 1\n")
    (tmp_path / "history" / "b.txt").write_text("start 0\nreturn\nwrote 0 10 12 b 1\n")
    (tmp_path / "history" / "workers").write_text(ended)
    (tmp_path / "results.txt").write_text(held)
    verdict = Verdict()
    check_written(tmp_path, struck, verdict)
    assert verdict.broken == found


FORGETS = """
import sys
from pyalma_tui.model import experiment
experiment.counting = lambda extents, attempt, told: told
from tests.kill_loop import program
sys.exit(program.main(sys.argv[1:]))
"""


def test_a_program_that_forgets_the_rows_of_earlier_attempts_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nemesis, "PROGRAM", (sys.executable, "-c", FORGETS))
    found = nemesis.play(tmp_path / "experiment", seconds=60, seed=1).verdict.broken
    assert found
    assert " rows, expected " in found[0]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("a\nb\n", []),
        ("a\n", ["line 2 of the table is 'nothing', undisturbed it is 'b'"]),
        ("a\na\nb\n", ["line 2 of the table is 'a', undisturbed it is 'b'"]),
        ("a\nb\nb\n", ["line 3 of the table is 'b', undisturbed it is 'nothing'"]),
    ],
    ids=["same", "lost", "twice", "kept"],
)
def test_a_table_that_is_not_the_undisturbed_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str, said: list[str]
) -> None:
    monkeypatch.setattr(history, "table_in", lambda folder: found)
    verdict = Verdict()
    check_table(tmp_path, "a\nb\n", verdict)
    assert verdict.broken == said


def test_a_run_that_has_written_twice_is_told_unless_its_worker_was_hit(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "a.txt").write_text("wrote 0 10 11 a 1\nwrote 1 20 21 a 1\n")
    (tmp_path / "results.txt").write_text("0 10 11 a 1\n1 20 21 a 1\n")
    for struck, found in (
        (Struck(lives={0}), []),
        (Struck(lives={1}), ["a.txt: '0 10 11 a 1' is not the last, and its worker was not killed"]),
    ):
        verdict = Verdict()
        check_written(tmp_path, struck, verdict)
        assert verdict.broken == found
