"""Order and seeds are pyalma's: which run gets which seed, in which order, in which slot."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from typing import Any

import pytest

import pyalma_tui.experiment as experiment
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import grown_seed
from tests.catalogue.experiment import until
from tests.experiments.folder import Folder

SEED = 916539032
NAMES = ["a", "b", "c", "d", "e"]
TELLING = """
def run(instance, save, state, *, iteration, seed):
    tell(iteration, os.path.basename(instance), seed)
"""

Table = dict[tuple[int, str], int]


def formula(names: Sequence[str], iterations: int, seed: int = SEED) -> Table:
    """One stream, of which each run draws a number in dispatch order: each iteration's batch from its end."""
    rng = random.Random(seed)
    seed_of = {}
    for iteration in range(iterations):
        for name in reversed(names):
            seed_of[iteration, name] = rng.randint(0, sys.maxsize)
    return seed_of


def seen(lines: Sequence[str]) -> Table:
    """What the runs were handed; each must have run once."""
    table: Table = {}
    for iteration, name, seed in map(str.split, lines):
        assert (int(iteration), name) not in table
        table[int(iteration), name] = int(seed)
    return table


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_run_gets_the_seed_of_the_formula_whatever_the_number_of_workers(folder: Folder, workers: int) -> None:
    folder.module(TELLING)
    file = folder.experiment(NAMES, workers=workers, iterations=3, seed=SEED)
    results = experiment.execute(file).results()
    assert seen(folder.told()) == formula(NAMES, 3)
    assert {(r["iteration"], r["instance"]): r["seed"] for r in results} == formula(NAMES, 3)


@pytest.mark.parametrize("seed", [0, -7, 2**70])
def test_any_whole_number_is_a_seed(folder: Folder, seed: int) -> None:
    folder.module(TELLING)
    experiment.execute(folder.experiment(NAMES, seed=seed))
    assert seen(folder.told()) == formula(NAMES, 1, seed)


def test_one_worker_goes_through_each_iteration_from_the_end_of_the_batch(folder: Folder) -> None:
    folder.module(TELLING)
    experiment.execute(folder.experiment(NAMES, iterations=2, seed=SEED))
    assert [tuple(line.split()[:2]) for line in folder.told()] == [(k, name) for k in "01" for name in "edcba"]


def test_iterations_are_counted_without_a_seed_too_and_the_drawn_one_is_kept(folder: Folder) -> None:
    folder.module(TELLING)
    file = folder.experiment(NAMES, iterations=2)
    results = experiment.execute(file).results()
    table = seen(folder.told())
    assert len(table) == len(set(table.values())) == 10
    meta = json.loads((folder.path / "m.alma" / "db.json").read_text())["meta"]["1"]
    assert table == formula(NAMES, 2, meta["seed"])
    assert {r["status"] for r in results} == {"done"}


def test_the_next_iteration_starts_while_the_last_runs_of_the_one_before_are_busy(folder: Folder) -> None:
    folder.module(
        """
        def run(instance, save, state, iteration):
            name = os.path.basename(instance)
            if (iteration, name) == (0, "a"):
                wait_for("second iteration")
            tell(iteration, name)
            if iteration == 1:
                open("second iteration", "w").close()
        """
    )
    dispatcher = experiment.load(folder.experiment(["a", "b"], workers=2, iterations=2))
    dispatcher.start()
    dispatcher.join(60)
    assert not dispatcher.is_alive()
    assert sorted(folder.told()) == ["0 a", "0 b", "1 a", "1 b"]
    assert folder.told().index("0 a") > 1


def test_a_restart_and_a_retry_hand_in_the_same_seed(folder: Folder) -> None:
    folder.module(
        TELLING
        + """
    if state == "":
        save("once")
        raise ValueError("again, please")
"""
    )
    file = folder.experiment(NAMES, seed=SEED)
    experiment.execute(file)
    first = seen(folder.take_told())
    experiment.execute(file, retry_failed=True, workers=3)
    assert first == seen(folder.told()) == formula(NAMES, 1)


def test_what_grows_gets_seeds_of_its_own_and_leaves_the_earlier_ones(folder: Folder) -> None:
    folder.module(TELLING)
    experiment.execute(folder.experiment(["a", "b"], seed=SEED))
    assert seen(folder.take_told()) == formula(["a", "b"], 1)
    grown = ["new", "a", "b"]
    results = experiment.execute(folder.experiment(grown, iterations=2, seed=SEED)).results()
    expected = {
        (iteration, name): grown_seed(SEED, Instance(0, name, ""), iteration)
        for iteration in range(2)
        for name in grown
        if (iteration, name) not in formula(["a", "b"], 1)
    }
    lines = folder.told()
    assert seen(lines) == expected
    assert [tuple(line.split()[:2]) for line in lines] == [("0", "new"), ("1", "b"), ("1", "a"), ("1", "new")]
    table = {(r["iteration"], r["instance"]): r["seed"] for r in results}
    assert table == expected | formula(["a", "b"], 1)


def test_worker_ids_are_dense_and_no_two_live_calls_share_one(folder: Folder) -> None:
    folder.module(
        """
        import fcntl
        def run(instance, save, state, worker_id):
            with open(f"slot{worker_id}", "w") as slot:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                tell(worker_id)
                if os.path.basename(instance) in ("0", "1", "2", "3", "4"):
                    wait_for("all")
        """
    )
    names = [str(n) for n in range(15)][::-1]
    dispatcher = experiment.load(folder.experiment(names, workers=5))
    dispatcher.start()
    until(lambda: len(folder.told()) >= 5, lambda: f"five calls at a time, only {folder.told()}")
    assert sorted(folder.told()) == list("01234")
    assert dispatcher.num_active_workers() == 5
    folder.allow("all")
    dispatcher.join()
    assert {r["status"] for r in dispatcher.results()} == {"done"}
    assert set(folder.told()) == set("01234")


def test_an_object_is_a_dict_and_a_string_a_path(folder: Folder) -> None:
    folder.module(
        """
        import json
        def run(instance, save, state, **more):
            assert set(more) == {"worker_id", "iteration", "seed", "progress", "record"}
            tell(json.dumps([instance, more["seed"]]))
        """
    )
    instances: list[Any] = [
        "a",
        {"file": "b", "data": {"n": 8, "deep": [1, None]}},
        {"data": {"phi": 1.5}},
        {"file": "c"},
    ]
    experiment.execute(folder.experiment(instances, seed=SEED))
    found = [json.loads(line) for line in folder.told()]
    rng = random.Random(SEED)
    seeds = [rng.randint(0, sys.maxsize) for _ in instances]
    assert found == [
        [{"file": str(folder.path / "c"), "data": {}, "id": 3, "seed": seeds[0]}, seeds[0]],
        [{"file": "", "data": {"phi": 1.5}, "id": 2, "seed": seeds[1]}, seeds[1]],
        [{"file": str(folder.path / "b"), "data": {"n": 8, "deep": [1, None]}, "id": 1, "seed": seeds[2]}, seeds[2]],
        [str(folder.path / "a"), seeds[3]],
    ]


def test_workers_may_be_digits_or_all_and_an_option_overrides_them(folder: Folder) -> None:
    folder.module("def run(instance, save, state, worker_id):\n    tell(worker_id)\n")
    for number, workers in enumerate(("2", "all")):
        experiment.execute(folder.experiment(["a"], name=f"x{number}", workers=workers))
    assert folder.take_told() == ["0", "0"]
    experiment.execute(folder.experiment(["a", "b"], workers=2), workers=1)
    assert folder.told() == ["0", "0"]
