"""Pictures of the rooms at the sizes that terminals have: dark, light, and without colour.

After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`, and look at each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import msgspec
import pytest

from pyalma_tui.runner.snapshot import Load
from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.themes import DARK, LIGHT
from tests.tui.fake_conductor import MONOTONIC, NOW, Experiment, FakeConductor
from tests.tui.test_failures import lab
from tests.tui.test_runs import twenty

SIZES = [(80, 24), (120, 40), (220, 60)]
LOOKS = ["dark", "light", "no colour"]


def hundred_failed() -> Experiment:
    """Three hundred objects by twenty runs: a hundred failures, and four workers that go on."""
    made = Experiment([f"g{i:03}" for i in range(300)], 20, title="lab", phase="busy", workers=4, saved_at=NOW - 1)
    made.instances = [
        msgspec.structs.replace(each, file="", data=b'{"n":%d,"solver":"%s"}' % (10 + each.id, solver))
        for each, solver in zip(made.instances, cycle((b"cdcl", b"local", b"random")), strict=False)
    ]
    for run in range(1, 700):
        if run % 7:
            made.done(run, seconds=run % 90, state=b'{"best":%d}' % (run % 9))
        else:
            made.failed(run, "ValueError: negative weight -3 on edge 17")
    for slot, run in enumerate((701, 702, 704, 705)):
        made.running(run, slot, 33 + slot, state=b'{"best":4}', saves=7, saved_at=NOW - 2, progress=(1.0 + slot, 7.0))
    made.interrupted(703)
    made.slots = [msgspec.structs.replace(slot, load=Load(rss=132_000_000, cpu=0.98)) for slot in made.slots]
    return made


ROOMS: dict[str, tuple[Callable[[], Experiment], list[str]]] = {
    "list": (hundred_failed, ["down", "shift+down"]),
    "help": (hundred_failed, ["question_mark"]),
    "failures": (lab, ["F", "down"]),
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
