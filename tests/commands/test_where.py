"""`status --where` and `export --where`: the runs that a filter means, and nothing of a filter that means nothing."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.catalogue.experiment import Experiment

MIXED = """
def run(instance, save, state, iteration):
    name = os.path.basename(instance)
    save({"gap": 0.25 * iteration, "of": name})
    if name == "bad" and iteration:
        raise ValueError(f"negative weight {iteration} on edge 7")
"""

ASKED = {
    "gap>=0.5": [("a", 2), ("bad", 2)],
    "status:failed": [("bad", 1), ("bad", 2)],
    "status:failed iteration:2": [("bad", 2)],
    "/weight [13] on/": [("bad", 1)],
    'name:a !"bad"': [("a", 0), ("a", 1), ("a", 2)],
    "nothing": [],
}


def test_one_filter_means_the_same_runs_for_status_json_and_export(experiment: Experiment) -> None:
    assert experiment.write(MIXED, ("a", "bad")).run("--iterations", "3").code == 1
    for text, expected in ASKED.items():
        told = experiment.says("status", experiment.name, "--json", "--where", text)
        facts = json.loads(told.out)
        assert (told.code, facts["counts"]["done"]) == (0, 4)
        runs = sorted((run["instance"].rpartition("/")[2], run["iteration"]) for run in facts["runs"])
        assert runs == expected, text
        exported = experiment.says("export", experiment.name, "--where", text)
        rows = csv.DictReader(io.StringIO(exported.out, newline=""))
        assert sorted((row["instance"].rpartition("/")[2], int(row["iteration"])) for row in rows) == expected
        shown = experiment.says("status", experiment.name, "--where", text)
        assert shown.code == 0
        assert f"{len(expected)} of 6 runs" in shown.out
        assert all(f"{name}#{iteration}" in shown.out for name, iteration in expected)


RECORDED = """
def run(instance, save, state, record):
    record(gap=0.5, tardiness=3)
    save({"gap": 0.5})
"""


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("export",), ("results",)], ids=" ".join)
def test_a_mistyped_field_is_refused_with_the_nearest_and_one_that_may_come_is_told(
    experiment: Experiment, words: tuple[str, ...]
) -> None:
    experiment.write(RECORDED).run()
    command, *options = words
    what = "row" if command == "results" else "run"
    asked = [command, experiment.name, *options, "--where"]
    mistyped = experiment.start(*asked, "!a !gapp<1").end()
    assert mistyped.refusal() == f"--where: !a !gapp<1: column 5: no {what} has gapp so far. Did you mean gap?"
    assert mistyped.out == ""
    mistyped = experiment.start(*asked, "tardyness<9").end()
    assert mistyped.refusal().endswith(f"no {what} has tardyness so far. Did you mean tardiness?")
    told = experiment.start(*asked, "zzz>1").end()
    assert told.code == 0
    assert told.err == f"pyalma-tui: warning: --where: zzz>1: column 1: no {what} has zzz so far\n"
    assert experiment.start(*asked, "gap<1 tardiness:3 status:done").end().err == ""


@pytest.mark.parametrize("command", ["status", "export"])
def test_rows_that_cannot_be_read_are_told_where_a_filter_needs_them(experiment: Experiment, command: str) -> None:
    experiment.write(RECORDED).run()
    (file,) = (experiment.state_dir / "rows").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"tardiness":3', b'"tardiness":4'))
    asked = [command, experiment.name, "--where"]
    told = experiment.says(*asked, "tardiness<9")
    assert told.code == 0
    assert told.err.endswith(f"warning: --where: not all rows could be read: {file}: a line is damaged\n")
    assert experiment.says(*asked, "gap<9").err == ""


@pytest.mark.parametrize("command", ["status", "export"])
def test_a_filter_that_cannot_be_understood_is_refused_with_its_place(experiment: Experiment, command: str) -> None:
    experiment.write(MIXED).run()
    line = experiment.start(command, experiment.name, "--where", "gap>=x").end().refusal()
    assert line == "--where: gap>=x: column 6: gap>= needs a number"


def test_python_tells_nobody_what_it_thinks_of_a_pattern(experiment: Experiment) -> None:
    assert experiment.write(MIXED, ("bad",)).run("--iterations", "2").code == 1
    told = experiment.start("status", experiment.name, "--where", "/[[w]eight 1/").end()
    assert (told.code, told.err) == (0, "")
    assert "1 of 2 runs" in told.out
