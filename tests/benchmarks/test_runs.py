"""Rows 5 and 6: what a run costs beside what it does."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from pyalma_tui.model import status as s

from .figures import Figure, Figures, interleaved, milliseconds, rate, ratio
from .program import EMPTY, Folder
from .references import nothing

WORKERS = 2
NAP = 0.05  # seconds of a run
NAPPING = f"import time\ndef run(instance, save, state):\n    time.sleep({NAP})\n"
LOOP = f"import time\nfor _ in range(int(__import__('sys').argv[1])):\n    time.sleep({NAP})\n"


def test_empty_runs(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 5."""
    count = 10_000 if full else 4_000
    folder.fill(EMPTY, count)
    walls: list[float] = []

    def program() -> float:
        began = time.perf_counter()
        folder.run("--workers", str(WORKERS), "--fresh", "--yes")
        walls.append(count / (time.perf_counter() - began))
        runs = list(folder.store().ledger.runs)
        ends = [run.status.at for run in runs if isinstance(run.status, s.Done)]
        begins = [run.status.at - run.status.duration for run in runs if isinstance(run.status, s.Done)]
        assert len(ends) == count, "a run is not done"
        return count / (max(ends) - min(begins))

    with ProcessPoolExecutor(WORKERS) as pool:
        list(pool.map(nothing, range(100)))

        def pooled() -> float:
            began = time.perf_counter()
            assert len(list(pool.map(nothing, range(count)))) == count
            return count / (time.perf_counter() - began)

        found = interleaved({"program": program, "pool": pooled})
    share = ratio(found["program"], found["pool"])
    what = f"empty runs, 2 workers, {count:,} instances, all recorded"
    measured, reference = rate(found["program"], "/s"), f"ProcessPoolExecutor {rate(found['pool'], '/s')}"
    figures.add(Figure(5, what, measured, reference, f"{share:.2f}", "≥ 0.75", True, share >= 0.75))
    whole = ratio(walls, found["pool"])
    what = "the same, from start to end of the program"
    figures.add(Figure(5, what, rate(walls, "/s"), reference, f"{whole:.2f}", "≥ 0.6", True, whole >= 0.6))
    figures.remark("row 5: pyalma 0.4 on a 2-core machine, not measured here: 19–45 runs/s at 10,000 instances")


def test_overhead_on_real_work(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 6: what the start and the end of the program take is measured with one empty run and taken off."""
    count = 200 if full else 60
    napping, one = folder.sub("napping"), folder.sub("one")
    napping.fill(NAPPING, count)
    one.fill(EMPTY, 1)
    measures = {"program": partial(_wall, napping), "loop": partial(_loop, count), "start": partial(_wall, one)}
    found = interleaved(measures)
    ended = [run.status for run in napping.store().ledger.runs if isinstance(run.status, s.Done)]
    assert len(ended) == count, "a run is not done"
    inside = max(status.at for status in ended) - min(status.at - status.duration for status in ended)
    worked = [wall - start for wall, start in zip(found["program"], found["start"], strict=True)]
    share = ratio(worked, found["loop"])
    figures.add(
        Figure(
            6,
            f"{count} runs of 50 ms, 1 worker, less start and end",
            milliseconds(worked),
            f"for loop {milliseconds(found['loop'])}",
            f"{share:.3f}",
            "≤ 1.02",
            True,
            share <= 1.02,
        )
    )
    figures.remark(f"row 6: start and end of the program with one empty run {milliseconds(found['start'])}")
    figures.remark(
        f"row 6: from the first run's begin to the last one's end {inside / count * 1e3:.2f} ms per run of 50"
    )


def _wall(folder: Folder) -> float:
    began = time.perf_counter()
    folder.run("--fresh", "--yes")
    return time.perf_counter() - began


def _loop(count: int) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", LOOP, str(count)], check=True)
    return time.perf_counter() - began
