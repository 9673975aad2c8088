"""`pyalma-tui export --format ro-crate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.experiment import Experiment

CHECKER = Path(__file__).with_name("crate_checker.py")
VALIDATOR = Path(sys.prefix) / "roc-validator"  # a folder of its own: it wants another Rich than we
WITHOUT = f"roc-validator is not installed: pip install --target {VALIDATOR} 'roc-validator>=0.13,<0.14' rocrate"
KNOWN = {  # what the profile recommends and nobody can tell: where code and people are to be found
    "The Application SHOULD have a url",
    "The SoftwareApplication id SHOULD be an absolute URI",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
    "The author SHOULD have an organizational affiliation.",
    "The author SHOULD have a Contextual Entity which specifies the organizational `affiliation`.",
}
LATIN = os.fsdecode(b"bad \xfc")
MIXED = """
from helpers import work
def run(instance, save, state, iteration, record):
    print("of", instance)
    record(n=1, text="a, \\"b\\"")
    save(work(instance))
    if isinstance(instance, str) and "bad" in instance:
        raise ValueError(f"it | is\\n{instance}")
"""


def checked(crate: Path) -> dict[str, Any]:
    """What the validator finds."""
    if not VALIDATOR.is_dir():
        assert "CI" not in os.environ, WITHOUT
        pytest.skip(WITHOUT)
    done = subprocess.run(
        [sys.executable, "-P", str(CHECKER), str(crate)],
        env={**os.environ, "PYTHONPATH": str(VALIDATOR)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def mixed(experiment: Experiment) -> Experiment:
    """Done and failed runs of files whose names need quoting, or are no UTF-8, and of an object."""
    (experiment.folder / "helpers.py").write_text("def work(instance):\n    return {'of': str(instance)[-5:]}\n")
    experiment.write(MIXED, ("a b#1.cnf", "bad", "ä", LATIN))
    batch = {"instances": ["a b#1.cnf", "bad", {"data": {"n": 8}, "name": "eight"}, "ä", LATIN]}
    experiment.module.with_suffix(".batch").write_text(json.dumps(batch))
    assert experiment.run("--iterations", "2").code == 1
    return experiment


def spelled(text: str | None) -> str | None:
    """The text as UTF-8 can carry it."""
    return text and text.encode("utf-8", "backslashreplace").decode()


def entities(crate: Path) -> dict[str, dict[str, Any]]:
    """The entities by their names."""
    return {each["@id"]: each for each in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}


def test_a_crate_is_valid_and_tells_of_each_run_what_ran_on_what_when_by_whom_and_how_it_ended(
    experiment: Experiment,
) -> None:
    mixed(experiment)
    result = experiment.says("export", experiment.name, "--format", "ro-crate", "--output", "out", "--logs")
    assert (result.code, result.out, result.last_line()) == (0, "", "wrote 10 runs to out")
    crate = experiment.folder / "out"
    found = checked(crate)
    assert (found["skipped"], {message for _, _, message in found["issues"]} - KNOWN) == (0, set())
    assert found["checks"] > 90

    known = entities(crate)
    runs = {run["id"]: run for run in experiment.status()["runs"]}
    actions = [each for each in known.values() if each["@type"] == "CreateAction"]
    assert len(actions) == 10
    for action in actions:
        run = runs[int(action["@id"].removeprefix("#run-"))]
        failed = run["status"] == "failed"
        assert action["name"] == f"run of {spelled(run['instance'])}#{run['iteration']}"
        assert action["actionStatus"].endswith("FailedActionStatus" if failed else "CompletedActionStatus")
        assert action.get("error") == spelled(run["error"])
        instance, seed = (known[each["@id"]] for each in action["object"])
        assert (instance["name"], seed["value"]) == (spelled(run["instance"]), str(run["seed"]))
        state = known[action["result"][0]["@id"]]
        assert json.loads(state["value"]) == run["state"]
        assert known[action["agent"]["@id"]]["@type"] == "Person"
        code = known[action["instrument"]["@id"]]
        assert code["version"] == run["module"]
        log = known[action["subjectOf"]["@id"]]
        assert (crate / log["@id"]).read_text().startswith("of")
    texts = {known[each["@id"]]["name"]: (crate / each["@id"]).read_text() for each in code["hasPart"]}
    assert texts["m.py"] == experiment.module.read_text()
    assert set(texts) == {"m.py", "helpers.py", "telling.py"}
    assert len(json.loads((crate / "runs.json").read_text())) == 10
    assert known["results.csv"]["encodingFormat"] == "text/csv"
    assert {"@id": "results.csv"} in action["result"]
    assert (crate / "results.csv").read_text() == spelled(experiment.says("results", experiment.name).out)
    assert [each["name"] for each in json.loads((crate / "batch.json").read_text())][2] == "eight"


def test_an_archive_holds_the_same_and_one_without_its_instruments_is_found_invalid(experiment: Experiment) -> None:
    mixed(experiment)
    assert experiment.says("export", experiment.name, "--format", "ro-crate", "--output", "o.zip").code == 0
    with zipfile.ZipFile(experiment.folder / "o.zip") as archive:
        archive.extractall(experiment.folder / "o")
        assert not any(name.startswith("logs/") for name in archive.namelist())
    crate = experiment.folder / "o"
    metadata = json.loads((crate / "ro-crate-metadata.json").read_text())
    for each in metadata["@graph"]:
        each.pop("instrument", None)
    (crate / "ro-crate-metadata.json").write_text(json.dumps(metadata))
    required = {message for severity, _, message in checked(crate)["issues"] if severity == "REQUIRED"}
    assert required == {"The Action MUST have an instrument property that references the executed tool"}


def test_what_cannot_be_written_leaves_nothing_behind(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n").run()
    (experiment.folder / "there").mkdir()
    (experiment.folder / "there" / "mine").write_text("mine")

    def export(*more: str) -> str:
        return experiment.says("export", experiment.name, "--format", "ro-crate", *more).refusal()

    before = set(os.listdir(experiment.folder))
    assert "--output names a new folder" in export()
    assert export("--output", "there") == "--output: there: it is there already. Nothing was changed; name a new one"
    line = export("--output", "no/out")
    assert line == "--output: no/out: No such file or directory. Nothing was changed; name another place"
    left = {name for name in set(os.listdir(experiment.folder)) - before if not name.startswith(("out-", "err-"))}
    assert left == set()
    line = experiment.says("export", experiment.name, "--logs").refusal()
    assert line == "--logs: only a crate holds them: give --format ro-crate. Nothing was written"


def test_without_rocrate_it_says_what_to_install(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n").run()
    hidden = experiment.folder / "hidden"
    hidden.mkdir()
    (hidden / "rocrate.py").write_text("raise ImportError('hidden')\n")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    line = experiment.start("export", experiment.name, "--format", "ro-crate", "--output", "out").end().refusal()
    assert line == "export: rocrate is not installed: `pip install 'pyalma-tui[crate]'`. Nothing was written"
    assert not (experiment.folder / "out").exists()
