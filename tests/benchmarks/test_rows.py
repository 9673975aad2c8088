"""Row 18: how many rows a second are recorded, how long a million take to be read, and what memory that needs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import rows_in
from pyalma_tui.report.results import pieces
from pyalma_tui.results import read
from pyalma_tui.store.rows import RowReader
from pyalma_tui.worker.recording import RowRecorder

from .figures import ROUNDS, Figure, Figures, interleaved, megabytes, milliseconds, rate, ratio
from .program import Folder, Headless
from .references import SqliteRows

SLICE = 0.4  # seconds of one measurement
MANY = 1_000_000
MEMORY = """
import resource, sys
from pyalma_tui.cli.main import main
main(["results", "m.py", "--format", "jsonl"])
sys.stderr.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


def test_rows_of_one_worker(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 18."""
    seconds = SLICE * (5 if full else 1)
    with ExitStack() as stack:
        program = stack.enter_context(Headless(folder, others=99))
        sqlite = stack.enter_context(closing(SqliteRows(folder.path / "rows.sqlite", "normal")))
        found = interleaved(
            {
                "record": lambda: program.row_rate(seconds),
                "save": lambda: program.rate(seconds),
                "sqlite": lambda: sqlite.rate(seconds),
            },
            2 * ROUNDS,
        )
    assert sum(rows_in(run.extents) for run in folder.store().ledger.runs) == program.recorded, "a row is missing"
    rows = found["record"]
    for name, told, goal in (("save", "save()", 0.8), ("sqlite", "SQLite WAL NORMAL insert", 2.0)):
        share = ratio(rows, found[name])
        reference = f"{told} {rate(found[name], '/s')}"
        what = "rows of three numbers, 1 worker"
        figures.add(Figure(18, what, rate(rows, "/s"), reference, f"{share:.2f}", f"≥ {goal:g}", True, share >= goal))


def test_reading_a_million_rows(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 18."""
    number = MANY if full else MANY // 10
    rows = RowRecorder(folder.path, "000001-w0001-0001.jsonl", synced=False, umask=0o022)
    rows.begin(1, 1, 0)
    for n in range(number):
        rows.add(b'{"n":%d,"gap":0.13,"steps":%d}' % (n, n * 7))
    rows.flush()
    run = Run(1, 0, 0, 0, extents=rows.extents)
    plain = folder.path / "plain.jsonl"
    with RowReader(folder.path / "rows") as reader, plain.open("w") as out:
        out.writelines(pieces(reader.rows(run), "jsonl"))

    def ours() -> int:
        with RowReader(folder.path / "rows") as reader:
            return sum(1 for _ in reader.rows(run))

    def theirs() -> int:
        with plain.open() as lines:
            return sum(1 for _ in map(json.loads, lines))

    found = interleaved({"rows": _seconds(ours, number), "json": _seconds(theirs, number)})
    share = ratio(found["rows"], found["json"])
    reference = f"json.loads line by line {milliseconds(found['json'])}"
    what = f"reading {number:,} rows, checked"
    measured = milliseconds(found["rows"])
    figures.add(Figure(18, what, measured, reference, f"{share:.2f}", "≤ 1.5", True, share <= 1.5))


def _seconds(count: Callable[[], int], expected: int) -> Callable[[], float]:
    def measured() -> float:
        began = time.process_time()
        assert count() == expected
        return time.process_time() - began

    return measured


def test_memory_while_many_rows_are_printed(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 18."""
    many = MANY if full else MANY // 10
    peaks = {}
    for number in (100, many):
        place = folder.sub(str(number))
        place.write(
            f"def run(instance, save, state, record):\n    for n in range({number}):\n        record(n=n)\n", ["a"]
        )
        (place.path / "a").touch()
        place.run()
        assert len(list(_first(read(place.state_dir), 3))) == 3
        with (place.path / "printed").open("w") as out:
            ended = subprocess.run(
                [sys.executable, "-c", MEMORY], cwd=place.path, stdout=out, stderr=subprocess.PIPE, check=True
            )
        assert (place.path / "printed").read_bytes().count(b"\n") == number
        peaks[number] = int(ended.stderr) * 1024
    more = peaks[many] - peaks[100]
    figures.add(
        Figure(
            18,
            f"memory of `results`, {many:,} rows",
            megabytes(peaks[many]),
            f"100 rows {megabytes(peaks[100])}",
            f"{more / 1e6:+.1f} MB",
            "≤ +5 MB",
            True,
            more <= 5e6,
        )
    )


def _first(rows: Iterable[object], number: int) -> Iterable[object]:
    return (row for row, _ in zip(rows, range(number), strict=False))
