"""The nemesis of places, each kind of deed once; `python -m tests.places --seconds 60` plays longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.places.nemesis import KINDS, play


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_run_twice_whatever_is_killed_stopped_or_cut(tmp_path: Path) -> None:
    score = play(tmp_path, seed=2026)
    assert score.broken == [], score.told()
    assert score.completions >= 1
    assert score.acknowledged > 0
    assert set(score.kills) == set(KINDS)
