"""The object of `status --json`: printed piece by piece, it is one object."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.view import Tally
from pyalma_tui.report.facts import TOLD, RunFacts, facts_of, run_facts, status_facts, status_pieces
from pyalma_tui.store.layout import log_of

FACTS = status_facts(Path("/m.py"), Path("/m.alma"), 7, Tally(done=2), Tally(), s.DoneHook(), ("--depth", "3"))
INSTANCES = [Instance(0, "a\udcff", "/a"), Instance(1, "b", "/b")]


def runs(count: int) -> Iterator[RunFacts]:
    """Facts of so many runs, one of which has a name that UTF-8 cannot carry."""
    return facts_of(INSTANCES, (Run(i + 1, int(i != TOLD), i, i) for i in range(count)))


@pytest.mark.parametrize("count", [0, 1, TOLD, TOLD + 1, 3 * TOLD + 7])
def test_the_pieces_are_one_object_with_every_run_once(count: int) -> None:
    told = json.loads("".join(status_pieces(FACTS, runs(count))))
    assert list(told)[-1] == "runs"
    assert (told["schema"], told["busy_pid"], told["counts"]["done"], told["args"]) == (1, 7, 2, ["--depth", "3"])
    assert [(run["id"], run["iteration"]) for run in told["runs"]] == [(i + 1, i) for i in range(count)]
    assert [run["instance"] for run in told["runs"]].count("a\udcff") == int(count > TOLD)


def test_of_the_runs_only_those_of_a_piece_are_held() -> None:
    asked = []
    printed = status_pieces(FACTS, (asked.append(facts.id) or facts for facts in runs(10 * TOLD)))  # type: ignore[func-returns-value]
    opening, first = next(printed), next(printed)
    assert opening.endswith('"runs":[')
    assert json.loads(f"[{first}]")[-1]["id"] == len(asked) == TOLD


def test_what_a_run_has_that_was_never_called_is_told_as_of_one_that_was_reset() -> None:
    """Of the first nothing is worked out, of the other everything."""
    new = run_facts(Run(5, 1, 2, 77), INSTANCES[1])
    again = run_facts(Run(5, 1, 2, 77, attempt=3), INSTANCES[1])
    assert (again.attempts, again.log) == (3, log_of(5, 3))
    assert msgspec.structs.replace(again, attempts=0, log=None) == new


@pytest.mark.parametrize(
    "known",
    [
        Run(5, 1, 2, 77, s.Done(at=1.5, duration=0.5)),
        Run(5, 1, 2, 77, state=b"7", saves=1),
        Run(5, 1, 2, 77, seconds=0.25, began=1.0, slot=0, host="h", module="abc"),
    ],
)
def test_what_is_known_of_a_run_without_an_attempt_is_told(known: Run) -> None:
    """As somebody may have written it into `db.json`."""
    told = run_facts(known, INSTANCES[1])
    assert (told.status, told.ended is not None) == (s.word(known.status), isinstance(known.status, s.Done))
    assert (bytes(told.state), told.saves) == (known.state or b"null", known.saves)
    assert (told.seconds, told.started is not None, told.worker) == (known.seconds, known.began is not None, known.slot)
    assert (told.host or "", told.module or "") == (known.host, known.module)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"])
def test_times_are_those_of_the_standard_library(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the hours of a year in which the clocks are put back, and a moment before a second."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()

    @given(st.floats(0, 4e9) | st.integers(0, 4 * 10**9).map(lambda at: at - 4e-7) | st.floats(1.6983e9, 1.6994e9))
    def check(at: float) -> None:
        told = run_facts(Run(1, 0, 0, 0, status=s.Interrupted("why", at), began=at), INSTANCES[1])
        expected = datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")
        assert (told.started, told.ended) == (expected, expected)

    try:
        from pyalma_tui.report import facts

        facts._second.cache_clear()
        check()
    finally:
        facts._second.cache_clear()
        monkeypatch.undo()
        time.tzset()
