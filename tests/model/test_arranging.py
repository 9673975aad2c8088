"""The table of rows as it is wanted: filtered, sorted, grouped, and given up."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from pyalma_tui.model import arranging
from pyalma_tui.model.arranging import Arranged, GivenUpError, TooManyGroupsError, WantedTable, arranged
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.query import compile as filtered
from pyalma_tui.model.row_fields import RecordedRow, kind_of_rows
from pyalma_tui.model.run_fields import kind_of_runs

TABLE: list[dict[str, Any]] = [
    {"instance": "a", "iteration": 0, "seed": 2**60 + 1, "n": 8, "gap": 0.5},
    {"instance": "a", "iteration": 1, "seed": 2**60, "n": 16, "gap": 0.25, "how": "exact"},
    {"instance": "b", "iteration": 0, "seed": 5, "n": 8, "gap": None},
    {"instance": "b", "iteration": 1, "seed": 6, "n": "8", "gap": "none"},
    {"instance": "c", "iteration": 0, "seed": 7, "gap": 2, "ok": True},
]


RUN = Run(1, 0, 0, 1)
KIND = kind_of_rows(kind_of_runs([Instance(0, "only", "")]))


def arrange(wanted: WantedTable, table: list[dict[str, Any]] = TABLE) -> Arranged:
    rows = ((RUN, row) for row in table)
    return arranged(enumerate(rows), wanted, KIND, lambda looked_at: True)


def order(**wanted: Any) -> list[int]:
    found = arrange(WantedTable(**wanted)).order
    assert found is not None
    return list(found)


def test_numbers_come_before_texts_and_what_has_no_value_stays_last() -> None:
    assert order(sort="gap") == [1, 0, 4, 3, 2]
    assert order(sort="gap", descending=True) == [3, 4, 0, 1, 2]
    assert order(sort="n") == [0, 2, 1, 3, 4]
    assert order(sort="n", descending=True) == [3, 1, 0, 2, 4], "equal ones stay as they stand in the table"
    assert order(sort="seed") == [2, 3, 4, 1, 0], "large whole numbers are compared exactly"


def test_a_filter_means_rows_by_their_fields_and_only_their_columns_are_told() -> None:
    found = arrange(WantedTable(filtered("gap<1 instance:a")))
    assert list(found.order or ()) == [0, 1]
    assert found.columns == ("instance", "iteration", "seed", "n", "gap", "how")
    assert found.numeric == ("iteration", "seed", "n", "gap")
    assert order(query=filtered("n:8"), sort="gap") == [0, 3, 2]


def test_groups_have_the_statistics_of_a_column_and_keep_a_text_from_a_number() -> None:
    groups = arrange(WantedTable(group="n", value="gap")).groups
    assert groups is not None
    assert [row["n"] for row in groups] == [8, 16, "8", None]
    assert groups[0] == {"n": 8, "gap n": 1, "mean": 0.5, "sd": None, "min": 0.5, "median": 0.5, "max": 0.5}
    assert groups[2]["gap n"] == 0
    values = [0.5, 0.25, 2.0]
    (one,) = arrange(WantedTable(filtered("gap>0"), group="none", value="gap")).groups or ()
    assert one["mean"] == pytest.approx(statistics.fmean(values))
    assert one["sd"] == pytest.approx(statistics.stdev(values))
    assert (one["n"], one["min"], one["median"], one["max"]) == (3, 0.25, 0.5, 2.0)
    rows = arrange(WantedTable(group="instance")).groups or ()
    assert [(row["instance"], row["n"]) for row in rows] == [("a", 2), ("b", 2), ("c", 1)]
    assert {row["mean"] for row in rows} == {None}


def test_groups_are_sorted_by_any_of_their_columns() -> None:
    wanted = WantedTable(group="instance", value="gap", sort="mean", descending=True)
    assert [row["instance"] for row in arrange(wanted).groups or ()] == ["c", "a", "b"]


def test_so_many_groups_that_they_tell_nothing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arranging, "MOST_GROUPS", 2)
    with pytest.raises(TooManyGroupsError):
        arrange(WantedTable(group="seed"))


def test_it_ends_soon_after_nobody_wants_it_any_more() -> None:
    given = 0

    def rows() -> Iterator[tuple[int, RecordedRow]]:
        nonlocal given
        for given in range(10_000):
            yield given, (RUN, {"n": given})

    told: list[int] = []

    def goes_on(looked_at: int) -> bool:
        told.append(looked_at)
        return looked_at < 3_000

    with pytest.raises(GivenUpError):
        arranged(rows(), WantedTable(sort="n"), KIND, goes_on)
    assert told == [0, 1_000, 2_000, 3_000]
    assert given == 3_000
