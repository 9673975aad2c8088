"""The table that is left in the scrollback."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from pyalma_tui.model import status as s
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import Raised, Started
from pyalma_tui.report.run_table import print_runs
from pyalma_tui.report.summary import ROWS, print_summary
from pyalma_tui.store.ledger import Ledger


def test_of_many_instances_those_that_failed_come_before_those_that_only_wait() -> None:
    count = 3 * ROWS
    instances = [Instance(i, f"{i:03}.cnf", f"/{i:03}.cnf") for i in range(count)]
    ledger = Ledger(instances, plan(count, 1, 5), s.DoneHook())
    for run in (count, count - 1):
        ledger.apply(Started(run, 1, 0, 5.0, "", 7))
        ledger.apply(Raised(run, 1, 0.04, s.Error("ValueError: no")))
    text = io.StringIO()
    runs, rows = list(ledger.runs), list(ledger.rows)
    console = Console(file=text, width=80)
    print_summary(console, instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, ledger.hook)
    lines = text.getvalue().splitlines()
    assert lines[0].split() == ["instance", "status", "time", "last", "saved", "state"]
    assert lines[1].split() == ["✗", f"{count - 2:03}.cnf", "failed", "40", "ms", "ValueError:", "no"]
    assert lines[2].split()[1] == f"{count - 1:03}.cnf"
    assert lines[3].split() == ["○", "000.cnf", "pending"]
    assert f"{count - ROWS} more instances not done" in lines[ROWS + 1]


def summary(console: Console, ledger: Ledger) -> None:
    runs, rows = list(ledger.runs), list(ledger.rows)
    print_summary(console, ledger.instances, runs, rows, ledger.runs_of, ledger.counts, ledger.aside, ledger.hook)


def single(console: Console, ledger: Ledger) -> None:
    print_runs(console, ledger.instances, ledger.runs_of, list(ledger.runs), len(ledger.runs))


@pytest.mark.parametrize("show", [summary, single])
def test_instances_that_differ_at_the_end_of_long_names_are_told_apart(show: Callable[..., None]) -> None:
    instances = [Instance(i, f"{'graphs/random/' * 9}{i:03}.cnf", "") for i in range(3)]
    text = io.StringIO()
    show(Console(file=text, width=80), Ledger(instances, plan(3, 2, 5), s.DoneHook()))
    lines = text.getvalue().splitlines()
    for name in ("000.cnf", "001.cnf", "002.cnf") if show is summary else ("000.cnf#0", "002.cnf#1"):
        found = [line.split() for line in lines if f"{name} " in line]
        assert [(glyph, word) for glyph, _, word, *_ in found] == [("○", "pending")], "and nothing else gives way"
