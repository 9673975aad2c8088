"""Each action of the registry, by each of its keys, in each of its places: it is done there, and one sees it.

A key that a widget of the place swallows, an action that a place cannot reach or that does nothing there, and one that
is added without being possible in `lived`, fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.series import Samples, Series, grown
from pyalma_tui.model.view import Tally
from pyalma_tui.runner.snapshot import Elsewhere
from pyalma_tui.store.layout import done_log_path, load_log_dir, log_path
from pyalma_tui.tui import app as the_app
from pyalma_tui.tui.action import Action
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.registry import ACTIONS, deed
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import NOW, Experiment
from tests.tui.recorded import record

PLACES: dict[KeyScope, list[str]] = {
    "main": [],
    "app": [],
    "runs": ["v", "a"],
    "failures": ["F"],
    "results": ["R"],
    "plots": ["P"],
    "found": ["asterisk", *"loss", "enter"],
    "compare": ["g", "space", "down", "space", "equals_sign"],
    "history": ["H"],
    "log": ["l"],
}
"""How one comes there from the list."""
BEFORE: dict[tuple[KeyScope, str], list[str]] = {
    ("main", "clear"): ["space"],
    ("main", "undo"): ["space"],
    ("runs", "undo"): ["n"],
    ("failures", "undo"): ["n"],
    ("main", "compare"): ["space", "down", "space"],
    ("runs", "compare"): ["a", "space", "down", "space"],
    ("main", "later_iteration"): ["left_square_bracket", "left_square_bracket"],
    ("runs", "failed_after"): ["g"],
    ("runs", "failed_before"): ["G"],
    ("runs", "log"): ["g"],
    ("results", "next_value"): ["G", "b"],
    ("log", "log_wrap"): ["g"],
    ("log", "newer_log"): ["left_parenthesis"],
    ("log", "log_next_mark"): ["g", "m", "G"],
}
"""What makes it possible, or seen."""
ONLY: dict[str, dict[str, Any]] = {
    "rerun_done": {"counts": Tally(done=12), "phase": "idle"},
}
"""What is only possible in another situation, and what is otherwise there."""
VIEW = {"take_over"}  # what is only possible where one looks at what another process runs


def lived(folder: Path) -> Experiment:
    """Two instances with runs of every kind, rows, logs and samples."""
    made = Experiment(["a", "b"], iterations=6, phase="busy", workers=2, saved_at=NOW, state_dir=folder)
    points = Series()
    for number in range(1, 9):
        points = grown(points, number, number, jsontext.encode({"gap": number, "loss": -number}))
    for slot in (0, 1):
        first, *failed, interrupted, running, _ = [run + slot for run in (1, 3, 5, 7, 9, 11)]
        record(made, first, [{"n": number, "gap": number / 2, "how": "xy"[number % 2]} for number in range(40)])
        for run in failed:
            made.failed(run, attempt=2)
        for run in (*failed, running):
            for attempt in (1, 2):
                lines = [f"{'loss' if n % 9 else 'Error: loss'} {n} {'of ' * (80 if n == 3 else 1)}" for n in range(90)]
                path = log_path(folder, run, attempt)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("\n".join(lines))
        made.interrupted(interrupted)
        made.running(running, slot, attempt=2, state=b'{"gap":1}', saves=8, saved_at=NOW)
    for path in (done_log_path(folder, 1), load_log_dir(folder) / "1.log"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a line\n")
    made.fields |= {
        "samples": Samples({9: points, 10: points}),
        "done_hook": s.DoneHook(s.HookDone(at=NOW, duration=2.0), calls=1),
    }
    return made


def seen(t: Opened) -> tuple[Any, ...]:
    """All that an action could change."""
    return (
        t.text(),
        t.app.screen,
        t.app.focused,
        len(t.sent),
        t.toasts(),
        t.app.clipboard,
        t.app.theme,
        t.app.is_running,
    )


async def home(t: Opened) -> None:
    """The list, as it is at first: nothing is marked or filtered, the cursor is at the top."""
    t.app.clear_notifications()
    while len(t.app.screen_stack) > 1:
        t.app.pop_screen()
        await t.pilot.pause()
    t.main.set_focus(t.listing)
    await t.press("escape", "escape", "g")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the actions that were done, and programs for them that only say that they have failed."""
    found: list[str] = []

    def noted(host: object, action_id: str) -> Any:
        if do := deed(host, action_id):
            found.append(action_id)
        return do

    monkeypatch.setattr(the_app, "deed", noted)
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv("PAGER", "false")
    monkeypatch.setattr(the_app, "is_job", lambda: True)
    monkeypatch.setattr(the_app.ExperimentApp, "action_suspend_process", lambda self: self.say("suspended"))
    return found


async def problem(t: Opened, action: Action, key: str, done: list[str]) -> str:
    """Press a key where one is: what is wrong with that, "" if nothing."""
    await t.until(lambda: not t.app.page.pending)
    done.clear()
    before = seen(t)
    await t.press(*([key] if key else ["ctrl+p", *action.label, "enter"]))
    if done[-1:] != [action.id]:
        return f"{action.id} by {key}: done is {done}, it says {t.toasts()!r}"
    try:
        await t.until(lambda: seen(t) != before)
    except AssertionError:
        return f"{action.id} by {key}: nothing has changed"
    return ""


@pytest.mark.parametrize("scope", PLACES)
async def test_every_action_is_done_by_each_of_its_keys_in_each_of_its_places(
    scope: KeyScope, done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    made = lived(tmp_path)
    async with opened(made.snapshot(), size=(100, 30)) as t:
        monkeypatch.setattr(type(t.app._driver), "can_suspend", True)
        for action in (each for each in ACTIONS if each.is_of(scope) and each.id not in VIEW):
            await t.show(made.snapshot(**ONLY.get(action.id, {})))
            for key in action.keys.split(","):
                await home(t)
                await t.press(*PLACES[scope])
                await t.until(lambda: scope in ("app", t.app.page.scope))
                await t.press(*BEFORE.get((scope, action.id), ()))
                wrong.append(await problem(t, action, key, done))
    assert not any(wrong), "\n".join(filter(None, wrong))


async def test_every_action_of_a_view_is_done_there(done: list[str]) -> None:
    made = Experiment(["a"], phase="busy", elsewhere=Elsewhere(4242, NOW - 60))
    for action in (each for each in ACTIONS if each.id in VIEW):
        async with opened(made.snapshot(), read_only=True) as t:
            assert await problem(t, action, action.keys, done) == ""


def test_there_is_a_place_for_every_action() -> None:
    assert {scope for action in ACTIONS for scope in (action.scope, *action.also)} == set(PLACES)
