"""The table of results in each form, from the files alone, the same each time."""

from __future__ import annotations

import csv
import io
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB, where

from pyalma_tui import experiment
from pyalma_tui.cli.results import results as print_results
from pyalma_tui.errors import LoadError, StoreError, UsageError
from pyalma_tui.report.frames import kinds_of, pandas_frame, parquet, polars_frame
from pyalma_tui.report.results import columns_of, pieces
from pyalma_tui.results import read, results

ROWS: list[dict[str, Any]] = [
    {"instance": "a", "iteration": 0, "seed": 5, "n": 1, "text": 'a "b",\n|c|'},
    {"instance": "a", "iteration": 0, "seed": 5, "n": None, "gap": 0.5, "ok": True},
    {"instance": "b", "iteration": 0, "seed": 6, "gap": 2, "list": [1, {"x": "\x1b[1m"}], "ok": False},
]


def text(form: Any, rows: list[dict[str, Any]] = ROWS) -> str:
    return "".join(pieces(rows, form))


def test_columns_come_in_the_order_in_which_they_first_occur_behind_those_of_the_run() -> None:
    assert columns_of(ROWS) == ["instance", "iteration", "seed", "n", "text", "gap", "ok", "list"]
    assert columns_of([]) == ["instance", "iteration", "seed"]


def test_csv_has_a_cell_for_each_column_and_json_for_what_is_no_text_or_number() -> None:
    table = list(csv.DictReader(io.StringIO(text("csv"))))
    assert [row["text"] for row in table] == ['a "b",\n|c|', "", ""]
    assert [row["n"] for row in table] == ["1", "", ""]
    assert [row["gap"] for row in table] == ["", "0.5", "2"]
    assert [row["ok"] for row in table] == ["", "true", "false"]
    assert json.loads(table[2]["list"]) == ROWS[2]["list"]
    assert text("csv", []) == "instance,iteration,seed\n"


def test_json_and_json_lines_have_each_row_as_it_was_recorded() -> None:
    assert json.loads(text("json")) == ROWS
    assert [json.loads(line) for line in text("jsonl").splitlines()] == ROWS
    assert json.loads(text("json", [])) == []
    assert "\x1b" not in text("json")


def test_markdown_has_a_line_for_each_row() -> None:
    lines = text("md").splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert lines[2].startswith('| a | 0 | 5 | 1 | a "b",<br>\\|c\\| |')


def test_a_column_of_a_frame_has_one_type() -> None:
    kinds = kinds_of([*ROWS, {"text": 5, "n": 2**70}])
    assert kinds == {
        "instance": str, "iteration": int, "seed": int, "n": str, "text": str, "gap": float, "ok": bool, "list": str,
    }  # fmt: skip
    large: list[dict[str, Any]] = [{"a": 2**53 + 1, "b": 2**53 + 1}, {"a": 1, "b": 0.5}]
    assert polars_frame(large)["a", "b"].rows() == [(2**53 + 1, str(2**53 + 1)), (1, "0.5")]
    spelled: list[dict[str, Any]] = [{"instance": "\udcff.cnf", "é\udcff": {"a": "\ud800"}}]
    assert polars_frame(spelled).to_dicts() == pandas_frame(spelled).to_dict("records")
    assert polars_frame(spelled).to_dicts() == [
        {"instance": "\\udcff.cnf", "iteration": None, "seed": None, "é\\udcff": '{"a":"\\ud800"}'}
    ]
    frame = polars_frame(ROWS)
    assert frame["gap"].to_list() == [None, 0.5, 2.0]
    assert frame["n"].to_list() == [1, None, None]
    assert json.loads(frame["list"].to_list()[2]) == ROWS[2]["list"]
    assert polars_frame([]).shape == (0, 3)
    pandas = pandas_frame(ROWS)
    assert pandas["gap"].sum() == 2.5
    assert [str(kind) for kind in pandas.dtypes[:5]] == ["string", "Int64", "Int64", "Int64", "string"]
    assert pandas_frame([]).shape == (0, 3)


def test_a_parquet_file_is_the_same_each_time() -> None:
    import polars

    assert parquet(ROWS) == parquet(ROWS)
    assert polars.read_parquet(io.BytesIO(parquet(ROWS))).equals(polars_frame(ROWS))


@pytest.mark.parametrize(("name", "make"), [("polars", polars_frame), ("pandas", pandas_frame)])
def test_a_library_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[Any], Any]
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=rf"results: {name} is not installed\. `pip install"):
        make(ROWS)


MODULE = """
import json
from pyalma_tui import results

def run(instance, save, state, iteration, record):
    for n in range(3):
        record(n=n, square=n * n)
        save(n)

def done():
    json.dump(list(results("n>0")), open("table.json", "w"))
    results().to_polars().write_csv("table.csv")
"""


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> experiment.Dispatcher:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.py").write_text(MODULE)
    for name in "ab":
        (tmp_path / name).touch()
    return experiment.execute("m.py", instances=["a", "b"], iterations=2, seed=1)


def test_done_a_script_and_any_reader_find_the_same_rows(finished: experiment.Dispatcher, tmp_path: Path) -> None:
    found = list(finished.rows())
    assert [(row["instance"], row["iteration"], row["n"]) for row in found] == [
        (name, iteration, n) for name in "ab" for iteration in range(2) for n in range(3)
    ]
    seeds = {(run["instance"], run["iteration"]): run["seed"] for run in finished.results()}
    assert all(row["seed"] == seeds[row["instance"], row["iteration"]] for row in found)
    for place in ("m.alma", tmp_path / "m.alma", "m.py"):
        again = read(place)
        assert list(again) == found
        assert list(again) == found, "it can be gone through again"
    assert json.loads(Path("table.json").read_text()) == [row for row in found if row["n"]]
    assert len(Path("table.csv").read_text().splitlines()) == 13
    assert list(finished.rows("n=2 b")) == [row for row in found if row["n"] == 2 and row["instance"] == "b"]
    assert results.read("m.alma").to_polars()["square"].sum() == 4 * 5


def test_rows_name_their_hosts_where_these_are_several(finished: experiment.Dispatcher) -> None:
    here = socket.gethostname()
    assert "host" not in next(iter(finished.rows()))
    with TinyDB("m.alma/db.json") as database:
        database.table("runs").update({"host": "node2"}, where("iteration") == 1)
    assert [row["host"] for row in read("m.alma")] == 2 * (3 * [here] + 3 * ["node2"])
    assert list(next(iter(read("m.alma")))) == ["instance", "iteration", "seed", "host", "n", "square"]
    assert {row["iteration"] for row in read("m.alma", "host:node2")} == {1}


def test_a_state_directory_alone_is_enough_for_its_rows(
    finished: experiment.Dispatcher, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    print_results("m.py", None, None, None, None)
    told = capfdbinary.readouterr().out
    assert told.count(b"\n") == 13
    (tmp_path / "m.py").unlink()
    for name in ("m.alma", "m.alma/"):
        print_results(name, None, None, None, None)
        assert capfdbinary.readouterr().out == told
    (tmp_path / "other.alma").mkdir()
    with pytest.raises(LoadError, match=r"other\.alma: this is a state directory"):
        print_results("other.alma", None, None, None, None)


def test_a_batch_that_has_grown_gives_the_table_of_one_that_was_planned_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        (tmp_path / name).touch()
    (tmp_path / "m.py").write_text(MODULE)
    experiment.execute("m.py", instances=["a", "b"], no_done=True)
    grown = experiment.execute("m.py", instances=["a", "b", "c"], iterations=2, no_done=True)
    at_once = experiment.execute("m.py", instances=["a", "b", "c"], iterations=2, no_done=True, state="once.alma")

    def table(dispatcher: experiment.Dispatcher) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name != "seed"} for row in dispatcher.rows()]

    assert table(grown) == table(at_once)
    assert len(table(grown)) == 18


def test_what_is_not_there_is_refused_by_name(finished: experiment.Dispatcher, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"other\.alma: there is no such file"):
        read("other.alma")
    with pytest.raises(UsageError, match=r"^filter: n<: column 3: what is missing here"):
        read("m.alma", "n<")
    with pytest.raises(UsageError, match=r"^filter: n<: column 3: what is missing here"):
        finished.rows("n<")
    with pytest.raises(UsageError, match=r"^results\(\): this is not done\(\)"):
        results()
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="nothing is remembered"):
        list(read("empty"))


def test_rows_that_cannot_be_read_are_warned_of(finished: experiment.Dispatcher, tmp_path: Path) -> None:
    for file in (tmp_path / "m.alma" / "rows").iterdir():
        file.unlink()
    with pytest.warns(UserWarning, match="12 rows could not be read"):
        assert list(finished.rows()) == []
