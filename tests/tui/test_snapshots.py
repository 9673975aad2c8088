"""Pictures of the rooms at the sizes that terminals have: dark, light, and without colour.

After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`, and look at each of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from pyalma_tui.logs.times import PAIR
from pyalma_tui.runner.snapshot import Load, Snapshot
from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.screens.results import ResultsScreen
from pyalma_tui.tui.themes import DARK, LIGHT
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.log_view import LogView
from tests.tui.fake_conductor import MONOTONIC, NOW, Experiment, FakeConductor, small
from tests.tui.recorded import measured
from tests.tui.test_failures import lab
from tests.tui.test_history import CODE, lived
from tests.tui.test_plots import measured as ended
from tests.tui.test_runs import twenty


def kept() -> Experiment:
    """Rows in a folder that is gone when the test is over."""
    return measured(Path(tempfile.mkdtemp(dir=_FOLDERS[-1])) / "sat.alma", 20)


_FOLDERS: list[Path] = []
SIZES = [(80, 24), (120, 40), (220, 60)]


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
    for run in range(700, 710):
        made.put(run, host=f"node{run % 2}")
    load = Load(rss=132_000_000, cpu=0.98)
    made.slots = [msgspec.structs.replace(each, load=load, host=f"node{each.number % 2}") for each in made.slots]
    return made


ROOMS: dict[str, tuple[Callable[[], Experiment], list[str]]] = {
    "list": (hundred_failed, ["down", "shift+down"]),
    "help": (hundred_failed, ["question_mark"]),
    "failures": (lab, ["F", "down"]),
    "results": (kept, ["R", *["right"] * 3, "o"]),
    "groups": (kept, ["R", *["right"] * 4, "b", "right"]),
    "forecast": (ended, ["percent_sign"]),
    "plots": (ended, ["P"]),
    "jump": (hundred_failed, ["ctrl+o"]),
    "runs": (twenty, ["o", "v", "left_curly_bracket"]),
    "compare": (twenty, ["o", "v", "g", "space", "down", "down", "space", "equals_sign"]),
}
LOGS = {
    "log": ["l", "w", "number_sign", "at", "slash", *"best [0-2]", "enter"],
    "filtered log": ["l", "ampersand", *"best 3", "enter", "minus", *"restart 1", "enter"],
}
# every size in the dark; with least room, in the light what test_contrast does not see, and some without colours
LIGHT_TOO = ("list", "help", "groups", "forecast", "jump", "compare")
COLOURLESS_TOO = ("list", "failures", "plots", "compare")
PICTURES = [
    *((size, "dark", room) for size in SIZES for room in ROOMS),
    *((SIZES[0], "light", room) for room in LIGHT_TOO),
    *((SIZES[0], "no colour", room) for room in COLOURLESS_TOO),
]


@pytest.fixture(autouse=True)
def _one_folder(tmp_path: Path) -> Iterator[None]:
    _FOLDERS.append(tmp_path)
    yield
    _FOLDERS.pop()


@pytest.fixture(autouse=True)
def _one_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of the day are those of Greenwich."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("size", "look", "room"), PICTURES, ids=[f"{w}x{h}-{look}-{room}" for (w, h), look, room in PICTURES]
)
def test_a_room_looks_as_it_did(
    room: str, size: tuple[int, int], look: str, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, keys = ROOMS[room]
    app = screen(made().snapshot(), look, monkeypatch)

    async def pressed(pilot: Pilot[None]) -> None:
        while not any(each.region for each in app.screen.query(InstanceList)):  # until it is laid out
            await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            while isinstance(now := app.screen, ResultsScreen) and now.pending:
                await pilot.pause(0.01)
        await pilot.pause(0.2)

    assert snap_compare(app, run_before=pressed, terminal_size=size)


@pytest.mark.parametrize("keys", LOGS)
@pytest.mark.parametrize(("size", "look"), [(SIZES[0], "light"), (SIZES[1], "dark")], ids=["80x24", "120x40"])
def test_a_log_looks_as_it_did(
    keys: str, size: tuple[int, int], look: str, snap_compare: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "3" / "1.log"
    log.parent.mkdir(parents=True)
    size_now, pairs = 0, b""
    with log.open("w") as file:
        for n in range(120):
            tail = f" of {' '.join(map(str, range(60)))}" if n % 9 == 0 else ""
            size_now += file.write(f"\x1b[32mpass {n % 10}\x1b[0m restart {n}, best {n % 7} unsatisfied{tail}\n")
            pairs += PAIR.pack(size_now, NOW + n)
    log.with_suffix(".times").write_bytes(pairs)
    app = screen(small().snapshot(state_dir=tmp_path), look, monkeypatch, Preferences(sort="status"))

    async def settled(pilot: Pilot[None]) -> None:
        for key in LOGS[keys]:
            await pilot.press(key)
            if key in ("l", "enter"):
                await looked_through(app, pilot)

    assert snap_compare(app, terminal_size=size, run_before=settled)


async def looked_through(app: ExperimentApp, pilot: Pilot[None]) -> None:
    """Wait until nothing of the log is left to look for, and all that was found is painted."""
    seen, viewport = "", None
    while viewport is None or viewport.working or seen != app.export_screenshot():
        seen, viewport = app.export_screenshot(), app.screen.query_one(LogView)._viewport
        app.look()  # at what a slice of the work has found
        await pilot.pause()
    assert viewport.rows, "a picture of an empty log"


def screen(
    snapshot: Snapshot, look: str, monkeypatch: pytest.MonkeyPatch, preferences: Preferences | None = None
) -> ExperimentApp:
    """The app, with clocks that stand still."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if look == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
    theme = {"dark": DARK.name, "light": LIGHT.name}.get(look)
    return ExperimentApp(
        FakeConductor(snapshot),
        theme=theme,
        preferences=preferences,
        clock=lambda: NOW,
        monotonic=lambda: MONOTONIC,
    )


@pytest.mark.parametrize("size", SIZES[:2], ids=["80x24", "120x40"])
def test_the_history_looks_as_it_did(size: tuple[int, int], snap_compare: Any, tmp_path: Path) -> None:
    state_dir = lived(
        tmp_path / "sat.alma", "interrupting 2 runs (a, b)", "workers 4 → 6", "undone: forget of 1 run (a)"
    )
    made = Experiment(["a.cnf"], state_dir=state_dir, code=CODE)
    made.done(1, module=CODE)
    app = ExperimentApp(FakeConductor(made.snapshot()), clock=lambda: NOW, monotonic=lambda: MONOTONIC, theme=DARK.name)
    assert snap_compare(app, press=["H"], terminal_size=size)
