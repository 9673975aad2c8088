"""`pyalma-tui doctor`: a line for everything, and the code of the worst."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from pyalma_tui.cli.doctor import fits
from pyalma_tui.loading.source import drawn
from pyalma_tui.loading.target import Target
from pyalma_tui.runner.checkup import look_at_disk, look_at_store
from pyalma_tui.store.lock import Lock
from tests.catalogue.experiment import PATIENCE, Experiment, Result
from tests.prepared import PROGRAM

GOOD = """
def run(instance, save, state, *, seed):
    save("1")
    tell("in")
    if os.path.basename(instance) == "waits":
        wait_for("go")

def done():
    pass
"""


def doctor(experiment: Experiment, *arguments: str) -> Result:
    return experiment.start("doctor", *arguments).end()


def lines(result: Result, mark: str) -> dict[str, str]:
    """Topic → what is said of it, of the lines with this mark; the last one of each topic."""
    found = [re.match(rf"{mark} (\w+) +(.*)", line) for line in result.out.splitlines()]
    return {match[1]: match[2] for match in found if match}


def test_without_a_target_it_looks_at_the_machine(experiment: Experiment) -> None:
    result = doctor(experiment)
    assert (result.code, result.err) == (0, "")
    assert {"python", "libraries", "disk"} <= lines(result, "✓").keys()
    assert "textual 8" in lines(result, "✓")["libraries"]
    assert "no terminal" in lines(result, "·")["terminal"]


@pytest.mark.parametrize(
    ("text", "told"),
    [("theme = 'nort'", "theme nort: there is no such theme"), ("them = 1", "there is no them. Did you mean theme?")],
)
def test_mistakes_in_the_preferences_are_those_that_a_start_tells(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(experiment.folder))
    (experiment.folder / "pyalma-tui").mkdir()
    (experiment.folder / "pyalma-tui" / "preferences.toml").write_text(text)
    assert told in lines(doctor(experiment), "·")["screen"]


def test_a_finished_experiment_is_fine(experiment: Experiment) -> None:
    assert experiment.write(GOOD, ("a", "b")).run().code == 0
    before = sorted(experiment.state_dir.rglob("*"))
    result = doctor(experiment, experiment.name)
    assert (result.code, result.err, lines(result, "✗")) == (0, "", {})
    fine = lines(result, "✓")
    assert fine["runs"] == "2 done"
    assert fine["lock"] == "free"
    assert fine["run"] == "run(instance, save, state, *, seed)"
    assert fine["instances"] == "2, of which a is the first"
    assert "schema 1, session 1" in fine["store"]
    assert fine["backup"].endswith(".bak") or "readable" in fine["backup"]
    assert "module" in fine
    assert "disk" in fine
    assert sorted(experiment.state_dir.rglob("*")) == before


def test_before_the_first_start_nothing_is_made(experiment: Experiment) -> None:
    experiment.write(GOOD + "print('x' * 5000)\n", ("a",))
    result = doctor(experiment, experiment.name)
    assert result.code == 0
    assert "not there yet" in lines(result, "✓")["store"]
    assert lines(result, "✓")["module"].endswith("prints 5.0 kB")
    assert not experiment.state_dir.exists()


def test_a_running_one_says_who_runs_it_and_is_not_loaded_again(experiment: Experiment) -> None:
    running = experiment.write(GOOD, ("waits",)).go()
    experiment.hears("in")
    result = doctor(experiment, experiment.name)
    assert result.code == 0
    assert f"in use by process {running.process.pid}" in lines(result, "✓")["lock"]
    assert lines(result, "✓")["module"].endswith("not loaded, since it is running")
    experiment.allow("go")
    assert running.end().code == 0


Fault = Callable[[Experiment], object]
FAULTS: dict[str, tuple[Fault, int, str, str]] = {
    "store-empty": (lambda e: (e.state_dir / "db.json").write_bytes(b""), 3, "store", "the file is empty"),
    "store-newer": (
        lambda e: (e.state_dir / "db.json").write_text('{"meta": {"1": {"schema": 99}}}'),
        3,
        "store",
        "it has schema 99",
    ),
    "journal-damaged": (
        lambda e: (e.state_dir / "journal" / "000009-w0001-0001.jsonl").write_bytes(b"00000000\t[]\n"),
        3,
        "journal",
        "1 damaged or torn line skipped",
    ),
    "module-syntax": (lambda e: e.module.write_text("def run(:\n"), 2, "module", "SyntaxError"),
    "module-exits": (lambda e: e.module.write_text("import os; os._exit(3)\n"), 2, "module", "exits with code 3"),
    "no-run": (lambda e: e.module.write_text("def rnu(a, b, c): pass\n"), 2, "module", "Rename rnu to run?"),
    "no-module": (lambda e: e.module.unlink(), 2, "target", "there is no such file"),
    "batch": (lambda e: e.module.with_suffix(".batch").write_text("{"), 2, "instances", "ends before its JSON does"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_not_fine_is_told_with_the_code_of_a_start(experiment: Experiment, name: str) -> None:
    fault, code, topic, why = FAULTS[name]
    experiment.write(GOOD, ("a",)).run()
    fault(experiment)
    result = doctor(experiment, experiment.name)
    assert (result.code, result.err) == (code, "")
    assert why in lines(result, "✗")[topic]


def test_a_missing_instance_and_an_unknown_key_are_worth_knowing(experiment: Experiment) -> None:
    experiment.write(GOOD, ("a",))
    experiment.module.with_suffix(".batch").write_text('{"instances": ["a", "gone"], "instnaces": []}')
    result = doctor(experiment, experiment.name)
    assert result.code == 0
    assert "1 file does not exist" in result.out
    assert 'Did you mean "instances"?' in result.out


def test_at_a_terminal_it_tells_its_size_and_colours(experiment: Experiment) -> None:
    shown = pexpect.run(
        f"{PROGRAM} doctor",
        cwd=str(experiment.folder),
        env=experiment.environment(TERM="xterm-256color", COLORTERM=""),
        timeout=PATIENCE,
        encoding="utf-8",
        dimensions=(40, 120),
    )
    assert "✓ terminal   120 × 40, TERM xterm-256color, 256 colours" in shown


def test_a_worker_that_outlives_its_killed_session_is_told(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    target = Target(tmp_path / "m.py", tmp_path / "m.py")
    with Lock(tmp_path, 1.0):
        (tmp_path / "lock").write_text(f'{{"pid": {gone.pid}, "since": 1.0}}')
        (finding,) = [each for each in look_at_store(target, tmp_path) if each.topic == "lock"]
    assert finding.code == 4
    assert f"held by a worker of process {gone.pid}, which is gone" in finding.fact


@pytest.mark.parametrize(
    ("version", "requirement", "fitting"),
    [
        ("8.2.8", "textual<9,>=8.2", True),
        ("8.1", "textual<9,>=8.2", False),
        ("9.0.0rc1", "textual<9,>=8.2", False),
        ("0.22.0", "msgspec<0.23,>=0.20", True),
        ("7", "psutil", True),
    ],
)
def test_versions_are_compared_by_number(version: str, requirement: str, fitting: bool) -> None:
    assert fits(version, requirement) is fitting


def test_an_unwritable_place_is_told_before_a_start(experiment: Experiment, tmp_path: Path) -> None:
    (finding,) = list(look_at_disk(tmp_path / "deep" / "down.alma"))
    assert finding.fact.startswith(f"{tmp_path}: ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import random\nrandom.choice('ab')", "random.choice() in line 3"),
        ("from random import choice as pick\nif 0:\n    pick('ab')", "random.choice() in line 4"),
        ("import numpy as np\ndef draw():\n    return np.random.rand(3)", "numpy.random.rand() in line 4"),
        ("from numpy import random\ndef draw():\n    random.shuffle([])", "numpy.random.shuffle() in line 4"),
        ("import random\nrandom.seed(4)\nrandom.choice('ab')", "random.choice() in line 4"),
        ("import random\ndef run():\n    random.seed(4)\n    random.choice('ab')", None),
        ("import random\nx = random.Random(3)\nx.choice('ab')", None),
        ("import numpy as np\ndef draw():\n    np.random.default_rng(3).random()", None),
        ("random = dict\nrandom(a=1)", None),
    ],
)
def test_what_draws_the_same_numbers_in_every_worker_is_told(tmp_path: Path, code: str, said: str | None) -> None:
    module = tmp_path / "m.py"
    module.write_text(f"import os\n{code}\n")
    found = drawn(module)
    assert said == (f"{found[0]} in line {found[1]}" if found else None)


def test_a_module_that_draws_from_the_global_state_is_told_what_to_do(experiment: Experiment) -> None:
    experiment.write("import random\n\ndef run(instance, save, state):\n    save(random.random())\n", ("a",))
    result = doctor(experiment, experiment.name)
    assert result.code == 0
    told = lines(result, "·")["random"]
    assert told.startswith("random.random() in line")
    assert "random.Random(seed)" in told
    assert "--seed-globals" in told
    experiment.run("--seed-globals")
    told = lines(doctor(experiment, experiment.name), "✓")["random"]
    assert told.endswith("draws from what is seeded before each call from the run's seed")
