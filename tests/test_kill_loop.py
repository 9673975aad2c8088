"""The kill loop, as long as a test may take; `python -m tests.kill_loop --seconds 600` is the long one."""

from __future__ import annotations

from pathlib import Path

from tests.kill_loop.nemesis import KINDS, play


def test_nothing_is_lost_whatever_is_killed(tmp_path: Path) -> None:
    score = play(tmp_path / "experiment", seconds=12, seed=2026)
    assert score.verdict.broken == []
    assert score.completions >= 1
    assert set(score.kills) == set(KINDS)
    assert score.verdict.acknowledged > 0
    assert score.verdict.written > 0
    assert score.verdict.rows > 0
    assert score.verdict.done_calls <= score.completions  # one that a kill cut off is not called again
