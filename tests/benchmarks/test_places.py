"""Row 21: what one runner takes whose workers are at many places, and how soon it obeys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyalma_tui.runner.runner import TICK

from .figures import Figure, Figures, milliseconds, percentile
from .program import EMPTY, Folder

PLACES = (1, 10, 50, 200)
ROOT = Path(__file__).parents[2]


def test_one_runner_with_many_places(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 21."""
    seconds, samples = (1.5, 10) if full else (0.5, 4)
    found = {places: _measured(folder.sub(str(places)), places, seconds, samples) for places in PLACES}
    one = found[1]
    for places in PLACES[1:]:
        many = found[places]
        for name, told in (("calm", "each saves once a second"), ("busy", "each saves all the time")):
            what = f"processor time of the runner with {places} places, {told}"
            share = f"{many[name] / one[name]:.1f}"
            figures.add(Figure(21, what, f"{many[name]:.1%}", f"1 place {one[name]:.1%}", share, "–", False))
        for name, told in (("reached", "its place has it"), ("shown", "the snapshot tells its end")):
            what = f"interrupt of a run until {told}, {places} places, each saves all the time, p95"
            slow, alone = percentile(many[name], 0.95), percentile(one[name], 0.95)
            measured = f"{slow * 1e3:.1f} ms, median {milliseconds(many[name])}"
            # with one place nothing runs any more, which is shown at once
            against = (TICK, "a tick") if name == "shown" else (alone, "1 place p95")
            reference = f"{against[1]} {against[0] * 1e3:.1f} ms"
            figures.add(Figure(21, what, measured, reference, f"{slow / against[0]:.1f}", "–", False))


def _measured(folder: Folder, places: int, seconds: float, samples: int) -> dict[str, Any]:
    folder.fill(EMPTY, places)
    command = [sys.executable, "-m", "tests.benchmarks.many_places", str(places), str(seconds), str(samples)]
    told = subprocess.run(
        command,
        cwd=folder.path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found
