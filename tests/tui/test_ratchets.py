"""What the screen costs, as counts that are the same on every machine: none of them may grow unnoticed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.events import Key
from textual.widget import Widget

from pyalma_tui import collecting
from pyalma_tui.tui.widgets import rows
from pyalma_tui.tui.widgets.detail import Detail
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.log_view import LogView
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import large, small

LATER = (  # what no first list needs
    "importlib.metadata",
    "psutil",
    "pyalma_tui.cli.viewing",
    "pyalma_tui.cli.import_plan",
    "pyalma_tui.report.live",
    "pyalma_tui.runner.workers.engines.choosing",
    "pyalma_tui.runner.workers.remote",
    "pyalma_tui.tui.screens.box",
    "pyalma_tui.tui.screens.help",
    "pyalma_tui.tui.screens.leaving",
    "pyalma_tui.tui.screens.limits",
    "pyalma_tui.tui.screens.log",
    "pyalma_tui.tui.screens.notes",
    "pyalma_tui.tui.screens.question",
    "pyalma_tui.tui.screens.workers",
    "pyalma_tui.tui.widgets.field",
    "textual.widgets._data_table",
    "tomllib",
)
FIRST_PAINTING = """
import gc
import sys
from pyalma_tui import collecting
import pyalma_tui.cli.launch, pyalma_tui.cli.screen
from pathlib import Path
from pyalma_tui.tui.app import ExperimentApp, __file__ as app_file
from tests.tui.fake_conductor import FakeConductor, small

class Once(ExperimentApp):
    CSS_PATH = Path(app_file).with_name("styles") / "app.tcss"
    imported = frozenset()

    def post_display_hook(self):
        self.imported = self.imported or frozenset(sys.modules)
        self.set_timer(0.01, self.end)

    def end(self):
        if gc.isenabled():
            self.exit()
        else:
            self.set_timer(0.01, self.end)

collecting.pause()
app = Once(FakeConductor(small().snapshot()))
app.run(headless=True, size=(120, 40))
print(*sorted(app.imported))
print(*sorted(sys.modules))
"""


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The kind of each painting, and what stood on the screen then."""
    seen: list[tuple[str, str]] = []
    original = App._display

    def display(app: App[Any], screen: Any, renderable: Any) -> None:
        if renderable is not None:
            lines = screen._compositor.render_strips()
            seen.append((type(renderable).__name__, "\n".join(line.text for line in lines)))
        original(app, screen, renderable)

    monkeypatch.setattr(App, "_display", display)
    return seen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_first_painting_is_full_and_has_everything(
    painted: list[tuple[str, str]], size: tuple[int, int]
) -> None:
    async with opened(small().snapshot(), size=size) as t:
        await t.sees("uf20-06.cnf")
        kind, first = painted[0]
        assert kind == "LayoutUpdate"
        for text in ("1/6 runs", "instance  ", "✗ uf20-03.cnf", "uf20-06.cnf", "state     12"):
            assert text in first
        assert first.split("\n")[0] == t.lines()[0]
        assert sum(kind == "LayoutUpdate" for kind, _ in painted) <= 2  # Textual's own refresh of a new screen follows


async def test_a_long_list_is_laid_out_with_its_scrollbar(painted: list[tuple[str, str]]) -> None:
    async with opened(large(1000).snapshot(), size=(120, 40)) as t:
        await t.sees("uf20-…0001.cnf")
        rows_of = [line[:69] for line in painted[0][1].split("\n") if "uf20-" in line[:69]]
        assert rows_of == [line[:69] for line in t.lines() if "uf20-" in line[:69]]


def test_what_is_opened_later_is_imported_after_the_first_painting_and_soon(tmp_path: Path) -> None:
    script = tmp_path / "once.py"  # Textual looks for the source of an app
    script.write_text(FIRST_PAINTING)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=root, env=os.environ | {"PYTHONPATH": root}
    )
    assert done.returncode == 0, done.stderr
    first, then = (set(line.split()) for line in done.stdout.splitlines())
    assert "pyalma_tui.tui.screens.main" in first
    assert first.isdisjoint(LATER), sorted(first.intersection(LATER))
    assert then >= {name for name in LATER if name.startswith("pyalma_tui.tui")}


@pytest.fixture
def collector() -> Iterator[None]:
    """Python's garbage collector as the program has it, and afterwards as it was."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # Python's own
    collecting.pause()
    yield
    collecting.resume()
    gc.set_threshold(*before)


async def _press(t: Opened, key: str, times: int) -> None:
    for _ in range(times):
        line = t.listing._line
        t.app.post_message(Key(key, key))
        await t.until(lambda line=line: t.listing._line != line)  # type: ignore[misc]


@pytest.mark.usefixtures("collector")
async def test_no_key_waits_for_what_is_old_to_be_collected() -> None:
    collected: Counter[int] = Counter()

    def count(phase: str, info: dict[str, int]) -> None:
        collected[info["generation"]] += phase == "start"

    async with opened(large(100_000).snapshot(), size=(120, 40)) as t:
        await t.until(gc.isenabled)
        gc.callbacks.append(count)
        try:
            await _press(t, "j", 200)
        finally:
            gc.callbacks.remove(count)
    assert collected[0] > 10, "it collects"
    assert collected[2] == 0


async def test_a_key_makes_the_line_that_is_left_and_the_one_that_is_gone_to_whether_it_scrolls_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[int] = []
    original = rows.pieces

    def count(*args: Any) -> Any:
        made.append(args[0].instance.id)
        return original(*args)

    async with opened(large(1000).snapshot(), size=(120, 40)) as t:
        await _press(t, "j", 40)
        await t.sees("─ uf20-000040.cnf")
        monkeypatch.setattr(rows, "pieces", count)
        for key in "jk":
            for _ in range(10):
                made.clear()
                left = t.listing.cursor
                await _press(t, key, 1)
                await t.until(lambda left=left: {left, t.listing.cursor} <= set(made))  # type: ignore[misc]
                assert len(made) == 2


async def test_a_key_repaints_the_row_and_what_differs_in_the_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A title that changes had all of the detail painted again, 5 kB on the terminal for each key."""
    asked: list[tuple[str, int]] = []
    original = Widget.refresh

    def refresh(self: Widget, *regions: Any, **how: Any) -> Widget:
        if how.get("repaint", True) and isinstance(self, Detail | LogView | InstanceList):
            asked.append((type(self).__name__, sum(region.height for region in regions) or self.outer_size.height))
        return original(self, *regions, **how)

    async with opened(large(1000).snapshot(), size=(120, 40)) as t:
        await _press(t, "j", 5)
        await t.sees("─ uf20-000005.cnf")
        monkeypatch.setattr(Widget, "refresh", refresh)
        await _press(t, "j", 1)
        await t.sees("─ uf20-000006.cnf")
        found = sorted(asked)
    assert found == [("Detail", 1), ("InstanceList", 1), ("InstanceList", 1)]


def test_what_a_title_is_kept_in_is_still_there() -> None:
    """`entitle` sets it without the repainting that Textual's public name has done; without it, it takes that name."""
    widget = Widget()
    assert widget._border_title is None
    assert widget._border_subtitle is None
