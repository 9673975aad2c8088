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


@pytest.mark.parametrize("command", ["status", "export"])
def test_a_filter_that_cannot_be_understood_is_refused_with_its_place(experiment: Experiment, command: str) -> None:
    experiment.write(MIXED).run()
    line = experiment.start(command, experiment.name, "--where", "gap>=x").end().refusal()
    assert line == "--where: gap>=x: column 6: gap>= needs a number"
