"""The nemesis of places, as long as a test may take; `python -m tests.places --seconds 60` is the long one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.places.nemesis import play

SECONDS = float(os.environ.get("PYALMA_TUI_PLACES_SECONDS", "6"))


def test_nothing_is_lost_or_run_twice_whatever_is_killed_stopped_or_cut(tmp_path: Path) -> None:
    score = play(tmp_path, SECONDS, seed=2026)
    assert score.broken == []
    assert score.completions >= 1
    assert score.acknowledged > 0
    assert len(score.kills) >= 3


@pytest.mark.skipif("PYALMA_TUI_PLACES_SECONDS" not in os.environ, reason="PYALMA_TUI_PLACES_SECONDS=60 plays it")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kinds", "place", "runner"),
    [
        pytest.param(("stop", "long cut"), "timer", "", id="the timer is not armed"),
        pytest.param(("tear", "long cut"), "", "no wait", id="nobody waits for the lease"),
        pytest.param(("runner",), "", "no memory", id="a restart does not know of leases"),
        pytest.param(("tear",), "outlives", "", id="a place outlives its line"),
    ],
)
def test_the_nemesis_notices(kinds: tuple[str, ...], place: str, runner: str, tmp_path: Path) -> None:
    score = play(tmp_path, 60, seed=4, kinds=kinds, mutant_place=place, mutant_runner=runner)
    assert any("two places at once" in text or "was acknowledged" in text for text in score.broken)
