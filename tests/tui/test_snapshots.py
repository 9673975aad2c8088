"""Pictures of the rooms at the sizes that terminals have: dark, light, and without colour.

After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`, and look at each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.themes import DARK, LIGHT
from tests.tui.fake_conductor import MONOTONIC, NOW, Experiment, FakeConductor
from tests.tui.test_failures import lab
from tests.tui.test_plots import measured
from tests.tui.test_runs import twenty

SIZES = [(80, 24), (120, 40), (220, 60)]
LOOKS = ["dark", "light", "no colour"]
ROOMS: dict[str, tuple[Callable[[], Experiment], list[str]]] = {
    "failures": (lab, ["F", "down"]),
    "forecast": (measured, ["percent_sign"]),
    "plots": (measured, ["P"]),
    "runs": (twenty, ["o", "v", "left_curly_bracket"]),
}
# every size in the dark, every look where there is least room
PICTURES = [(size, "dark") for size in SIZES] + [(SIZES[0], look) for look in LOOKS[1:]]


@pytest.fixture(autouse=True)
def _one_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of the day are those of Greenwich."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize(("size", "look"), PICTURES, ids=[f"{w}x{h}-{look}" for (w, h), look in PICTURES])
def test_a_room_looks_as_it_did(
    room: str, size: tuple[int, int], look: str, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if look == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    made, keys = ROOMS[room]
    theme = {"dark": DARK.name, "light": LIGHT.name}.get(look)
    app = ExperimentApp(FakeConductor(made().snapshot()), clock=lambda: NOW, monotonic=lambda: MONOTONIC, theme=theme)
    assert snap_compare(app, press=keys, terminal_size=size)
