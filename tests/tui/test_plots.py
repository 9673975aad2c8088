"""Plots and the forecast on the screen: what stands there at each size, what each key does, and how soon."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.forecast import Basis, Forecast, Slow
from pyalma_tui.model.series import Consumed, Samples, Series, grown
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.screens.forecast import ForecastBox
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.plots import PlotsScreen
from pyalma_tui.tui.screens.runs import RunsScreen
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import NOW, Experiment
from tests.tui.recorded import record
from tests.tui.test_failures import assert_harmless
from tests.tui.test_screens import HOSTILE, raw

SIZES = [(80, 24), (120, 40), (220, 60)]
FIRST = 301  # the first run that is being called


def series(state: Callable[[int], dict[str, float]], saves: int = 600) -> Series:
    made = Series()
    for number in range(1, saves + 1):
        made = grown(made, number, number / 3, json.dumps(state(number)).encode())
    return made


def measured(**changes: Any) -> Experiment:
    """Twenty instances by twenty: 300 runs ended, with one pause in the middle; four run, each with a sample."""
    chance = random.Random(4)
    made = Experiment([f"uf250-{i:03}.cnf" for i in range(20)], iterations=20, title="lab", phase="busy", workers=4)
    free = [NOW - 9000.0] * 4
    for run in range(1, FIRST):
        slot = free.index(min(free))
        took = chance.lognormvariate(3.5, 0.7) * (4 if run % 20 == 7 else 1)
        if run == 150:
            free = [each + 3600 for each in free]
        end = free[slot] = free[slot] + took
        status = s.Done(end, took)
        if run % 17 == 0:
            made.failed(
                run, status=s.Failed(s.Error("ValueError: negative weight"), end), seconds=took, began=end - took
            )
        else:
            made.done(run, took, status=status, began=end - took)
    samples = {}
    for slot in range(4):
        made.running(FIRST + slot, slot=slot, seconds=NOW - max(free) + 5 * slot)
        samples[FIRST + slot] = series(lambda n, slot=slot: {"gap": (2 + slot) / n, "restarts": n // 40})  # type: ignore[misc]
    taken = tuple(Consumed(NOW - 3000 + 10 * n, 4, 3.2 + n % 7 / 10, 800_000_000) for n in range(250))
    made.fields |= {"samples": Samples(samples, taken), "forecast": foreseen()} | changes
    return made


def foreseen() -> Forecast:
    basis = Basis(ended=300, progress=2, instances=20, explained=("position in the batch", "n"), failing=0.06)
    slowest = tuple(Slow(FIRST + 20 + 20 * number, 700 - 60 * number) for number in range(4))
    workers = ((2, NOW + 4700), (4, NOW + 2400), (5, NOW + 2000), (8, NOW + 1300))
    return Forecast(NOW + 1700, NOW + 2400, NOW + 3300, basis, slowest, 0.31, workers)


async def on_plots(t: Opened) -> None:
    await t.press("P")
    await t.on(PlotsScreen)
    await t.sees("runs ended", "how long runs took", "workers")


@pytest.mark.parametrize("size", SIZES)
async def test_all_four_plots_are_there_at_every_size(size: tuple[int, int]) -> None:
    async with opened(measured().snapshot(), size=size) as t:
        await on_plots(t)
        await t.sees("283 done", "17 failed", "‖57 min", "p50", "gap over saves", "█ runs", "esc back")
        lines = t.lines()
        assert len(lines) == size[1]
        assert any("█" in line for line in lines)
        assert any(0x2800 < ord(sign) < 0x2900 for line in lines for sign in line)


async def test_one_plot_fills_the_screen_and_escape_leads_back_step_by_step() -> None:
    async with opened(measured().snapshot(), size=(80, 24)) as t:
        await on_plots(t)
        await t.press("right", "enter")
        await t.sees("slowest runs", "slowest instances, on average")
        assert "runs ended" not in t.text()
        await t.press("right")
        await t.sees("gap over saves")
        assert "how long runs took" not in t.text()
        await t.press("left", "left")
        await t.sees("runs ended")
        await t.press("escape")
        await t.sees("runs ended", "how long runs took", "workers")
        await t.press("escape")
        await t.on(MainScreen)


async def test_the_keys_step_through_the_numbers_of_the_states() -> None:
    async with opened(measured().snapshot()) as t:
        await on_plots(t)
        await t.sees("gap over saves · 1 of 2")
        await t.press("right_square_bracket")
        await t.sees("restarts over saves · 2 of 2")
        await t.press("right_square_bracket")
        await t.sees("gap over saves")
        await t.press("left_square_bracket")
        await t.sees("restarts over saves")


async def test_it_is_the_states_of_the_selected_or_marked_runs() -> None:
    """One that draws always the runs that saved last fails."""
    made = measured()
    async with opened(made.snapshot()) as t:
        t.listing.go(t.listing.order.index(made.runs[FIRST - 1].instance))
        await t.pilot.pause()
        await on_plots(t)
        await t.sees("● uf250-000.cnf#15")
        assert "uf250-001.cnf#15" not in t.text()
        await t.press("escape")
        await t.on(MainScreen)
        t.listing.mark([1, 2], on=True)
        await on_plots(t)
        await t.sees("uf250-001.cnf#15", "uf250-002.cnf#15")
        assert "uf250-000.cnf#15" not in t.text()


async def test_numbers_of_the_rows_of_the_selected_or_marked_runs_follow_those_of_states(tmp_path: Path) -> None:
    """One that draws states alone, or the rows of whatever run, fails."""
    made = measured(state_dir=tmp_path)
    for slot, run in enumerate(range(FIRST, FIRST + 3)):
        record(made, run, [{"loss": slot + 1 / (n + 1), "kind": "x", "step": n} for n in range(500)])
    async with opened(made.snapshot()) as t:
        t.listing.mark([1, 2], on=True)
        await on_plots(t)
        await t.sees("gap over saves · 1 of 4")
        await t.press("right_square_bracket", "right_square_bracket")
        await t.sees("loss over rows · 3 of 4", "uf250-001.cnf#15", "uf250-002.cnf#15", "500")
        assert "uf250-000.cnf#15" not in t.text()
        await t.press("right_square_bracket")
        await t.sees("step over rows · 4 of 4")
        record(made, FIRST + 1, [{"late": n} for n in range(9)])
        await t.show(made.snapshot())
        await t.sees("step over rows · 4 of 5")


async def test_it_opens_from_the_runs_of_an_instance() -> None:
    async with opened(measured().snapshot()) as t:
        await t.press("v")
        await t.on(RunsScreen)
        await t.press("P")
        await t.on(PlotsScreen)
        await t.press("q")
        await t.on(RunsScreen)


async def test_it_is_live() -> None:
    made = measured()
    async with opened(made.snapshot()) as t:
        await on_plots(t)
        await t.sees("283 done")
        made.done(FIRST, 30, status=s.Done(NOW, 30), began=NOW - 30)
        await t.show(made.snapshot(serial=2))
        await t.sees("284 done")


async def test_with_nothing_to_draw_it_says_so() -> None:
    made = Experiment(["a", "b"], phase="busy")
    async with opened(made.snapshot()) as t:
        await t.press("P")
        await t.says("nothing has run yet")
        made.interrupted(1, seconds=0.0)
        await t.show(made.snapshot(serial=2))
        await t.press("P")
        await t.on(PlotsScreen)
        await t.sees("no run has ended yet", "no run is done yet", "no run has saved or recorded a number")


@pytest.mark.parametrize("size", SIZES)
async def test_a_forecast_that_rests_on_a_part_of_the_runs_says_why(size: tuple[int, int]) -> None:
    known = foreseen()
    some = replace(known, basis=replace(known.basis, ended=1_190, of=1_953))
    async with opened(measured(forecast=some).snapshot(), size=size) as t:
        await t.press("percent_sign")
        await t.on(ForecastBox)
        await t.sees("rests on", "1,190 of 1,953 runs that ended")
        top = next(line for line in t.lines() if "╭─ forecast" in line)
        left = top.index("╭─ forecast")
        inside = [line[left + 1 : top.index("╮", left)] for line in t.lines()]
        told = " ".join(" ".join(inside).split())
        assert "(a sample from first to last: more would hardly change it), 2 runs that tell" in told


@pytest.mark.parametrize(
    ("middle", "header", "box"),
    [
        (7200, "~2.0 h left (90 %: at least 25 min)", "done at "),
        (4e10, "at least 25 min left (90 %)", "nobody knows how late, "),
    ],
)
async def test_an_end_that_is_centuries_away_is_not_told_as_if_it_were_known(
    middle: float, header: str, box: str
) -> None:
    far = Forecast(NOW + 1500, NOW + middle, NOW + 676_794 * 86_400.0, Basis(ended=2))
    async with opened(measured(forecast=far).snapshot(), size=(120, 40)) as t:
        await t.sees(header)
        await t.press("percent_sign")
        await t.on(ForecastBox)
        await t.sees(header, box, "in 90 of 100 cases not before ")
        assert "676" not in t.text()
        assert "80 of 100" not in t.text()


@pytest.mark.parametrize("size", SIZES)
async def test_the_forecast_says_what_it_rests_on_and_what_would_change_it(size: tuple[int, int]) -> None:
    async with opened(measured().snapshot(), size=size) as t:
        await t.press("percent_sign")
        await t.on(ForecastBox)
        await t.sees("~40 min left (80 %: 28–55)", "300 runs that ended, 2 runs that tell their progress")
        await t.sees("position in the batch, n", "failing   6 %", "with so many workers", "now")
        if size[1] > 30:
            await t.sees("what takes longest", "31 % of all work ahead", "≈11:40")
        found = [re.search(r"│ +(\d) +~\d+ min .*?(█+)", line) for line in t.lines()]
        rows = {line[1]: len(line[2]) for line in found if line}
        assert rows["2"] > rows["4"] > 0
        await t.press("percent_sign")
        await t.on(MainScreen)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"forecast": None}, "no run has ended and none tells its progress"),
        ({"forecast": None, "phase": "idle"}, "nothing runs"),
        ({"forecast": Forecast(NOW + 5, NOW + 5, NOW + 5)}, "hardly anything yet"),
    ],
)
async def test_without_a_forecast_it_says_why(fields: dict[str, Any], text: str) -> None:
    async with opened(measured(**fields).snapshot()) as t:
        await t.press("percent_sign")
        await t.on(ForecastBox)
        await t.sees(text)


async def test_hostile_names_and_fields_do_no_harm_in_plots_and_forecast() -> None:
    hostile = list(HOSTILE.values())
    made = Experiment(hostile, iterations=2, phase="busy", workers=1, title=hostile[0])
    count = len(hostile)
    samples = {}
    for number, name in enumerate(hostile):
        made.done(number + 1, 5, status=s.Done(NOW - 50 + number / 10, 5), began=NOW - 60)
        key = name.encode("utf-8", "replace").decode()
        samples[count + number + 1] = series(lambda n, key=key: {key: n, f"{key}2": 1 / n}, 30)  # type: ignore[misc]
        made.running(count + number + 1, slot=number)
    basis = Basis(5, 0, 0, tuple(hostile[:3]), 0.5)
    slow = tuple(Slow(number, 50.0) for number in range(1, 9))
    forecast = Forecast(NOW + 50, NOW + 60, NOW + 70, basis, slow, 0.5, ((1, NOW + 60),))
    snapshot = made.snapshot(samples=Samples(samples), forecast=forecast)
    async with opened(snapshot, size=(120, 40)) as t:
        await on_plots(t)
        await t.press("right", "right", "enter")
        for _ in range(2 * min(count, 12)):
            await t.press("right_square_bracket")
            assert_harmless(raw(t))
        await t.press("left")
        assert_harmless(raw(t))
        await t.press("escape", "escape", "percent_sign")
        await t.on(ForecastBox)
        assert_harmless(raw(t))


def hundred_thousand() -> Snapshot:
    made = Experiment([f"uf250-{i:06}" for i in range(1000)], iterations=100, phase="busy", workers=1)

    class Slowly(tuple[Run, ...]):
        """A block that makes its runs when somebody asks, as one of db.json does."""

        words = b"d" * 256

        def __iter__(self) -> Any:
            for run in tuple.__iter__(self):
                yield Run(
                    run.id, run.instance, run.iteration, run.seed, status=s.Done(NOW - 1e5 + run.id, 2.0), seconds=2.0,
                    began=NOW, attempt=1,
                )  # fmt: skip

    runs = made.runs.freeze()
    runs.blocks = tuple(Slowly(block) for block in runs.blocks)
    made.counts = made.counts.moved("pending", "done")
    return made.snapshot(runs=runs)


async def test_a_hundred_thousand_runs_are_looked_at_piece_by_piece_while_keys_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that decodes all of them before it is shown keeps everybody waiting for most of a second."""
    paint = PlotsScreen.paint
    monkeypatch.setattr(PlotsScreen, "paint", lambda screen: None)  # on a busy machine all would be seen before we look
    async with opened(hundred_thousand(), size=(120, 40)) as t:
        await t.press("P")
        await t.on(PlotsScreen)
        screen = t.app.screen
        assert isinstance(screen, PlotsScreen)
        paint(screen)
        await t.sees("a sample: ", "% of all runs so far", "p50 2.00 s")
        looks = []
        while screen.pending:
            began = time.thread_time()
            paint(screen)
            looks.append(time.thread_time() - began)
            await t.pilot.pause()
        assert "a sample" not in t.text()
        await t.sees("≈a bar", "max 2.00 s")
        assert sorted(looks)[len(looks) // 2] < 0.1  # that of most of them, on a machine that is busy with other tests


def test_nothing_of_plots_is_imported_before_they_are_wanted() -> None:
    code = "import sys, pyalma_tui.tui.app\nprint([name for name in sys.modules if 'plot' in name])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
