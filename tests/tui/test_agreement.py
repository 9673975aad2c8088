"""What is told of a run is the same wherever it is told: its time, its iteration, its error before its state."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import Raised, Record, Returned, Saved, Started, Stopped
from pyalma_tui.report.export import pieces
from pyalma_tui.report.facts import facts_of, status_facts, status_pieces
from pyalma_tui.report.plain import FallibleStream, line_printer
from pyalma_tui.report.summary import print_summary
from pyalma_tui.runner.snapshot import Slot, Snapshot
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.schema import run_document, run_of
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW

INSTANCES = [Instance(0, "a.cnf", "/a.cnf"), Instance(1, "b.cnf", "/b.cnf")]
INTERRUPTED: list[Record] = [  # an attempt of which nobody saw the end: it counts to its last save
    Started(1, 1, 0, NOW - 900, "", 7),
    Saved(1, 1, 1, 50_000, msgspec.Raw(b'"7"')),
    Stopped(1, 1, None, NOW - 700, "its session ended"),
]
RESUMED: list[Record] = [*INTERRUPTED, Started(1, 2, 0, NOW - 9, "", 7)]
DONE: list[Record] = [*RESUMED, Returned(1, 2, 2.5)]
FAILED: list[Record] = [*RESUMED, Raised(1, 2, 2.5, s.Error("ValueError: no"))]


def ledger_of(records: Sequence[Record], iterations: int = 1) -> Ledger:
    ledger = Ledger(INSTANCES, plan(len(INSTANCES), iterations, 5), s.DoneHook())
    ledger.apply_all(records)
    return ledger


def reopened(ledger: Ledger) -> Ledger:
    """The same after db.json was written and read."""
    runs: list[Run] = []
    for run in ledger.runs:
        text = msgspec.json.encode(run_document(run, INSTANCES[run.instance]))
        runs.append(run_of(run.id, msgspec.json.decode(text, type=type(run_document(run, INSTANCES[0])))))
    return Ledger(INSTANCES, runs, ledger.hook)


def snapshot(ledger: Ledger) -> Snapshot:
    busy = [run for run in ledger.runs if isinstance(run.status, s.Running)]
    return Snapshot(
        at=NOW,
        title="x",
        phase="busy" if busy else "idle",
        instances=ledger.instances,
        runs=ledger.runs.freeze(),
        rows=ledger.rows.freeze(),
        runs_of=ledger.runs_of,
        counts=ledger.counts,
        slots=tuple(Slot(0, 7, "running", NOW - 9, run.id) for run in busy),
    )


def summary(ledger: Ledger, now: float | None) -> str:
    console = Console(file=io.StringIO(), width=100)
    runs, rows = list(ledger.runs), list(ledger.rows)
    print_summary(console, INSTANCES, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, ledger.hook, now)
    assert isinstance(console.file, io.StringIO)
    return next(line for line in console.file.getvalue().splitlines() if "a.cnf" in line)


@pytest.mark.parametrize("again", [False, True], ids=["live", "reopened"])
@pytest.mark.parametrize(
    ("records", "seconds", "text"),
    [(INTERRUPTED, 50.0, "0:50"), (RESUMED, 59.0, "0:59"), (DONE, 52.5, "0:52"), (FAILED, 52.5, "0:52")],
    ids=["interrupted", "resumed", "done", "failed"],
)
async def test_h113_a_time_is_that_of_all_attempts_everywhere(
    records: Sequence[Record], seconds: float, text: str, again: bool
) -> None:
    ledger = reopened(ledger_of(records)) if again else ledger_of(records)
    facts = status_facts(Path(), Path(), None, ledger.counts, ledger.aside, ledger.hook, ())
    printed = "".join(status_pieces(facts, facts_of(INSTANCES, ledger.runs, NOW)))
    assert json.loads(printed)["runs"][0]["seconds"] == seconds
    assert json.loads("".join(pieces(facts_of(INSTANCES, ledger.runs, NOW), "json")))[0]["seconds"] == seconds
    assert text in summary(ledger, NOW)
    async with opened(snapshot(ledger), size=(140, 30)) as t:
        await t.press("o")  # by name
        row = next(line for line in t.lines() if re.search(r"[●✓✗‖] a.cnf", line))
        assert text in row.split("││")[0]
        await t.sees(f", {text}" if ledger.counts.running else f" after {text}")


def test_h113_of_a_run_that_nobody_runs_any_more_only_what_is_known_counts() -> None:
    ledger = ledger_of(RESUMED)
    assert "0:50" in summary(ledger, None)


async def test_h114_iterations_count_from_0_everywhere_and_an_error_comes_before_the_state_of_a_later_one() -> None:
    failed: list[Record] = [Started(1, 1, 0, NOW - 30, "", 7), Raised(1, 1, 2.5, s.Error("ValueError: no"))]
    later: list[Record] = [
        Started(3, 1, 0, NOW - 20, "", 7),
        Saved(3, 1, 1, 10, msgspec.Raw(b'"fine"')),
        Returned(3, 1, 0.5),
    ]
    ledger = ledger_of([*failed, *later], iterations=3)
    now = snapshot(ledger)
    assert "#0 ValueError: no" in summary(ledger, None)
    assert "3.0 s" in summary(ledger, None)  # of both
    stream = io.StringIO()
    output = FallibleStream(stream)
    line_printer(output)((later[-1], ledger.run(3)), now)
    output.flush()
    assert stream.getvalue().split(maxsplit=1)[1] == "a.cnf#1  done in 0.5 s  state fine\n"
    async with opened(now, size=(180, 30)) as t:
        row = next(line for line in t.lines() if re.search(r"[●✓✗‖] a.cnf", line))
        assert "1/3" in row
        assert "3.0 s" in row.split("││")[0]
        await t.sees("#0 ValueError: no", "a.cnf · #0")
        await t.press("right_square_bracket")
        await t.sees("a.cnf · #1", "after 0.5 s")
