"""Scenes that a program which is wrong in one way does not survive, and the right one does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.places import scenes
from tests.places.checking import AT_ONCE
from tests.places.scenes import Scene, play


@pytest.mark.parametrize(
    ("scene", "wrong", "said"),
    [
        pytest.param(
            scenes.stops_a_place_beyond_its_lease,
            {"timer": {"place": "timer"}},
            AT_ONCE,
            id="the timer is not armed",
        ),
        pytest.param(
            scenes.holds_an_answer_back,
            {"answer": {"place": "answer"}},
            AT_ONCE,
            id="a lease counts from the answer",
        ),
        pytest.param(
            scenes.tears_a_cable,
            {"no wait": {"runner": "no wait"}, "outlives": {"place": "outlives"}},
            AT_ONCE,
            id="nobody waits for the lease, or a place outlives its line",
        ),
        pytest.param(
            scenes.kills_the_runner_and_starts_again,
            {"no memory": {"runner": "no memory"}},
            AT_ONCE,
            id="a restart does not know of leases",
        ),
        pytest.param(
            scenes.kills_a_place,
            {"told twice": {"runner": "told twice"}},
            "saves are counted of",
            id="what was told is folded twice",
        ),
        pytest.param(
            scenes.stops_the_runner_until_its_place_is_gone,
            {"told later": {"runner": "told later"}},
            "was acknowledged",
            id="what was told waits in a queue while its place is given up",
        ),
        pytest.param(
            scenes.tears_a_cable_between_a_return_and_its_end,
            {"ended first": {"place": "ended first"}},
            "it ends with 130",  # with a run of which nobody knows that it has returned
            id="that a run has ended is said before what it has saved",
        ),
        pytest.param(
            scenes.carries_line_by_line,
            {"told out of order": {"runner": "told out of order"}},
            "was acknowledged",
            id="what is told is taken in another order",
        ),
    ],
)
def test_a_wrong_program_is_noticed_and_the_right_one_keeps_its_promise(
    scene: Scene, wrong: dict[str, dict[str, str]], said: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        right = pool.submit(play, scene, tmp_path / "right")
        broken = {name: pool.submit(play, scene, tmp_path / name, how) for name, how in wrong.items()}
    assert right.result() == []
    for name, found in broken.items():
        if not any(said in sentence for sentence in found.result()):  # a start took longer than a lease
            again = play(scene, tmp_path / f"{name} again", wrong[name], longer=4)
            assert any(said in sentence for sentence in again), name
