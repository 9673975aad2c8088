"""`.experiment` files in the real program: where its files are, workers, options."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.experiment import Experiment
from tests.experiments.test_order_and_seeds import NAMES, SEED, TELLING, formula, seen

AT_ONCE = """
def run(instance, save, state, worker_id):
    tell(worker_id)
    while len(set(open("told").read().split())) < {workers}:
        time.sleep(0.005)
"""


def write(experiment: Experiment, names: Sequence[str] = NAMES, module: str = TELLING, **keys: Any) -> None:
    """An experiment over these files, with these keys beside `load` and `batch`."""
    experiment.write(module, names)
    experiment.name = "m.experiment"
    experiment.module.write_text(json.dumps({"load": "./m.py", "batch": "./m.batch"} | keys))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_run_gets_the_seed_of_the_formula_whatever_the_number_of_workers(
    experiment: Experiment, workers: int
) -> None:
    write(experiment, workers=workers, iterations=3, seed=SEED)
    assert experiment.run().code == 0
    assert seen(experiment.told()) == formula(NAMES, 3)
    runs = experiment.status()["runs"]
    assert {(run["iteration"], run["instance"]): run["seed"] for run in runs} == formula(NAMES, 3)


@pytest.mark.parametrize(("value", "number"), [(1, 1), (3, 3), ("3", 3), ("all", None)])
def test_as_many_runs_at_once_as_the_file_says_workers(
    experiment: Experiment, value: int | str, number: int | None
) -> None:
    """With fewer they would wait for one another for ever, with more there would be other ids."""
    number = number or len(os.sched_getaffinity(0))
    names = [f"{n:03d}" for n in range(2 * number + 2)]
    write(experiment, names, AT_ONCE.format(workers=number), workers=value)
    assert experiment.run().code == 0
    assert set(experiment.told()) == {str(slot) for slot in range(number)}


def test_iterations_count_without_a_seed(experiment: Experiment) -> None:
    write(experiment, iterations=4)
    assert experiment.run().code == 0
    (meta,) = experiment.table("meta").values()
    assert seen(experiment.told()) == formula(NAMES, 4, meta["seed"])


def test_options_override_what_the_file_says(experiment: Experiment) -> None:
    write(experiment, workers=1, iterations=1, seed=1)
    for name in "xy":
        (experiment.folder / name).touch()
    (experiment.folder / "other.batch").write_text('{"instances": ["x", "y"]}')
    options = ("--iterations", "2", "--seed", str(SEED), "--batch", "other.batch")
    assert experiment.run(*options).code == 0
    assert seen(experiment.told()) == formula(["x", "y"], 2)


def test_an_option_overrides_the_number_of_workers(experiment: Experiment) -> None:
    write(experiment, ["a", "b", "c", "d"], AT_ONCE.format(workers=2), workers=1)
    assert experiment.run("--workers", "2").code == 0
    assert set(experiment.told()) == {"0", "1"}


def test_instances_after_the_experiment_override_its_batch(experiment: Experiment) -> None:
    write(experiment, seed=SEED)
    assert experiment.run("b", "d").code == 0
    assert seen(experiment.told()) == formula(["b", "d"], 1)


WHO = """
import os
def run(instance, save, state):
    with open("who", "a") as who:
        print(os.path.relpath(__file__), os.path.relpath(instance), file=who)
"""


def put(file: Path) -> None:
    """A module, or a batch of one file beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(WHO if file.suffix == ".py" else '{"instances": ["a"]}')
    (file.parent / "a").touch()


@pytest.mark.parametrize(
    ("files", "load", "batch", "told"),
    [
        (["sub/r.py", "r.py", "sub/r.batch", "r.batch"], "r.py", "r.batch", "sub/r.py sub/a"),
        (["r.py", "sub/r.batch"], "./r.py", "./r.batch", "r.py sub/a"),
        (["sub/r.py", "r.batch"], "./r.py", "./r.batch", "sub/r.py a"),
        (["r.py", "r.batch"], "r.py", "r.batch", "r.py a"),
        (["r.py", "else/r.batch"], "../r.py", "../else/r.batch", "r.py else/a"),
        (["sub/x/r.py", "x/r.py", "x/r.batch"], "x/r.py", "x/r.batch", "sub/x/r.py x/a"),
    ],
    ids=["both-in-both", "load-where-started", "batch-where-started", "both-where-started", "upwards", "in-a-folder"],
)
def test_files_are_looked_for_beside_the_experiment_then_where_it_was_started(
    experiment: Experiment, files: list[str], load: str, batch: str, told: str
) -> None:
    folder = experiment.folder
    for name in files:
        put(folder / name)
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / "x.experiment").write_text(json.dumps({"load": load, "batch": batch}))
    experiment.name = "sub/x.experiment"
    assert experiment.run().code == 0
    assert (folder / "who").read_text().splitlines() == [told]
    assert experiment.state_dir == folder / "sub" / "x.alma"
    assert experiment.state_dir.is_dir()
