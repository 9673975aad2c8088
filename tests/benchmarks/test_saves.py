"""Rows 1, 2, 4 and 14: how many saves a second are acknowledged, whatever the size, and what they take on the disk."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

from .figures import ROUNDS, Figure, Figures, interleaved, megabytes, rate, ratio
from .program import Folder, Headless, saves_in
from .references import BareAppend, Pipe, PlainTinyDB, Sqlite

SIZE = 8  # bytes of a state
SLICE = 0.4  # seconds of one measurement
MANY = 100_000


def test_saves_of_one_worker(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 1."""
    seconds, rows = SLICE * (5 if full else 1), 3000
    with ExitStack() as stack:
        program = stack.enter_context(Headless(folder, others=rows - 1))
        bare = BareAppend(folder.path, SIZE)
        sqlite = stack.enter_context(closing(Sqlite(folder.path / "normal.sqlite", "normal", rows, SIZE)))
        tiny = stack.enter_context(closing(PlainTinyDB(folder.path / "tiny.json", rows, SIZE)))
        pipe = stack.enter_context(closing(Pipe(SIZE)))
        found = interleaved(
            {
                "save": lambda: program.rate(seconds),
                "bare": lambda: bare.rate(seconds),
                "sqlite": lambda: sqlite.rate(seconds),
                "pipe": lambda: pipe.rate(seconds),
                "tiny": lambda: tiny.rate(seconds / 2),
            },
            2 * ROUNDS,
        )
    assert saves_in(folder.store()) == program.acknowledged, "an acknowledged save is not in the store"
    saves = found["save"]
    what, unit = "saves, 1 worker, 3,000 instances", "/s"
    figures.add(
        Figure(1, what, rate(saves, unit), "–", "–", "≥ 100,000/s", False, median(saves) >= 100_000),
    )
    share, reference = ratio(saves, found["sqlite"]), f"SQLite WAL NORMAL {rate(found['sqlite'], unit)}"
    figures.add(Figure(1, what, rate(saves, unit), reference, f"{share:.2f}", "≥ 4", True, share >= 4))
    for name, told in (("bare", "bare append"), ("pipe", "pipe round trip"), ("tiny", "plain TinyDB")):
        share, reference = ratio(saves, found[name]), f"{told} {rate(found[name], unit)}"
        figures.add(Figure(1, what, rate(saves, unit), reference, f"{share:,.1f}", "–", True))
    figures.remark("row 1: pyalma 0.4 on a 2-core machine, not measured here: 390 saves/s")


def test_saves_do_not_cost_more_in_a_large_experiment(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 2."""
    seconds = SLICE * (5 if full else 1)
    with ExitStack() as stack:
        small = stack.enter_context(Headless(folder.sub("small"), others=99))
        large = stack.enter_context(Headless(folder.sub("large"), others=MANY - 1))
        found = interleaved({"large": lambda: large.rate(seconds), "small": lambda: small.rate(seconds)}, 2 * ROUNDS)
    for program in (small, large):
        assert saves_in(program.folder.store()) == program.acknowledged, "an acknowledged save is not in the store"
    share = ratio(found["large"], found["small"])
    reference = f"100 instances {rate(found['small'], '/s')}"
    what = "saves, 1 worker, 100,000 instances"
    figures.add(Figure(2, what, rate(found["large"], "/s"), reference, f"{share:.2f}", "≥ 0.9", True, share >= 0.9))


def test_synced_saves(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 4."""
    seconds, rows = (5.0 if full else 1.0), 3000
    with (
        Headless(folder, "--sync", "fsync", others=rows - 1) as program,
        closing(Sqlite(folder.path / "full.sqlite", "full", rows, SIZE)) as sqlite,
    ):
        measures = {"save": lambda: program.rate(seconds, batch=1), "sqlite": lambda: sqlite.rate(seconds, batch=1)}
        found = interleaved(measures, 2 * ROUNDS)
    assert saves_in(folder.store()) == program.acknowledged, "an acknowledged save is not in the store"
    share = ratio(found["save"], found["sqlite"])
    reference = f"SQLite WAL FULL {rate(found['sqlite'], '/s')}"
    what = "saves with --sync fsync"
    figures.add(Figure(4, what, rate(found["save"], "/s"), reference, f"{share:.2f}", "≥ 1.05", True, share >= 1.05))


def test_journals_stay_bounded(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 14."""
    seconds, size, limit = (60.0 if full else 8.0), 200, 256e6
    sampled: list[int] = []
    with Headless(folder, others=MANY, workers=2) as program:
        for told in program.told:
            told.order("flat_out", seconds=seconds, size=size, batch=100)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sampled.append(disk_used(folder.state_dir / "journal"))
            time.sleep(0.02)
        saves = sum(told.answer()["saves"] for told in program.told)
    assert saves_in(folder.store()) == saves, "an acknowledged save is not in the store"
    peak, written = max(sampled), saves * (size + 40)
    figures.add(
        Figure(
            14,
            f"journals, 2 workers, 200 B flat out {seconds:.0f} s, peak",
            megabytes(peak),
            f"written in all {megabytes(written)}",
            f"{peak / written:.2f}",
            "≤ 256 MB",
            True,
            peak <= limit,
        )
    )


def disk_used(directory: Path) -> int:
    """Bytes of the files in a directory; those that go meanwhile count nothing."""
    total = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                total += entry.stat().st_size
            except FileNotFoundError:
                continue
    return total
