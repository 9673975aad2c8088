"""`pyalma-tui export`."""

from __future__ import annotations

import csv
import io
import json

from tests.catalogue.experiment import Experiment

MIXED = """
def run(instance, save, state):
    save({"of": os.path.basename(instance)})
    if instance.endswith("bad"):
        raise ValueError("it | is\\nbad")
"""


def test_every_run_is_a_row_failures_too(experiment: Experiment) -> None:
    assert experiment.write(MIXED, ("a", "bad")).run("--iterations", "2", "--seed", "1").code == 1
    result = experiment.says("export", experiment.name)
    assert (result.code, result.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(result.out, newline="")))
    facts = experiment.status()["runs"]
    for row, fact in zip(rows, facts, strict=True):
        for key in ("id", "instance", "iteration", "status", "seed", "attempts", "saves", "log"):
            assert row[key] == str(fact[key])
        assert json.loads(row["state"]) == fact["state"]
    assert {row["error"] for row in rows} == {"", "ValueError: it | is"}
    assert all(row["module"] and row["ended"] for row in rows)


def test_the_name_of_the_file_tells_the_format(experiment: Experiment) -> None:
    experiment.write(MIXED).run()
    for name, start in (("r.json", "[{"), ("r.md", "| id |"), ("r", "id,")):
        result = experiment.says("export", experiment.name, "--output", name)
        assert (result.code, result.out) == (0, "")
        assert result.last_line() == f"wrote 1 run to {name}"
        assert (experiment.folder / name).read_text().startswith(start)


def test_what_cannot_be_written_is_said_in_a_line(experiment: Experiment) -> None:
    experiment.write(MIXED).run()
    line = experiment.says("export", experiment.name, "--output", "no/r.csv").refusal()
    assert line == "--output: no/r.csv: No such file or directory. Nothing was changed; name another file"
