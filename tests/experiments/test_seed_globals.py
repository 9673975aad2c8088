"""Modules that draw from the generators of a whole process: what they draw is that of the run's seed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy
import pytest

import pyalma_tui.experiment as experiment
from pyalma_tui.errors import InputError
from tests.experiments.folder import Folder

DRAWING = """
import random
import numpy
random.random()
def run(instance, save, state):
    save([random.random(), float(numpy.random.rand())])
"""


def drawn(file: Path, **options: Any) -> dict[tuple[str, int], Any]:
    """What each run has drawn."""
    results = experiment.execute(file, **options).results()
    assert {run["status"] for run in results} == {"done"}
    return {(run["instance"], run["seed"]): run["state"] for run in results}


@pytest.mark.parametrize("workers", [1, 3])
def test_each_run_draws_what_its_seed_gives_whatever_ran_before_it(folder: Folder, workers: int) -> None:
    folder.module(DRAWING)
    found = drawn(folder.experiment(["a", "b", "c"], seed=4, seed_globals=True), workers=workers)
    for (_, seed), state in found.items():
        legacy = numpy.random.RandomState(seed % 2**32)
        assert state == [random.Random(seed).random(), float(legacy.rand())]


def test_without_it_the_import_decides_and_the_choice_stays_until_told_otherwise(folder: Folder) -> None:
    folder.module("import random\nrandom.seed(5)\n" + DRAWING)
    file = folder.experiment(["a"], seed=4)
    ((_, plain),) = drawn(file, state="plain").items()
    ((_, seed),) = drawn(file, state="seeded", seed_globals=True)
    folder.experiment(["a", "b"], seed=4)
    again = drawn(file, state="seeded")
    assert all(state[0] == random.Random(number).random() for (_, number), state in again.items())
    folder.experiment(["a", "b", "c"], seed=4)
    last = drawn(file, state="seeded", seed_globals=False)
    assert (
        next(state for (name, _), state in last.items() if name == "c")[0] == plain[0] != random.Random(seed).random()
    )


def test_numpy_that_a_run_imports_is_seeded_as_it_comes_and_so_is_what_done_draws(folder: Folder) -> None:
    folder.module(
        """
        import random
        def run(instance, save, state):
            early = random.random()
            from numpy.random import rand
            import numpy.random as generator
            save([early, float(rand()), generator.__spec__.name])
        def done():
            import numpy
            tell(random.random(), float(numpy.random.rand()))
        """
    )
    found = drawn(folder.experiment(["a", "b", "c"], seed=4, seed_globals=True), workers=2)
    assert len(found) == 3
    for (_, seed), state in found.items():
        legacy = numpy.random.RandomState(seed % 2**32)
        assert state == [random.Random(seed).random(), float(legacy.rand()), "numpy.random"]
    assert folder.told() == [f"{random.Random(4).random()} {float(numpy.random.RandomState(4).rand())}"]


def test_what_is_neither_true_nor_false_is_refused(folder: Folder) -> None:
    folder.module(DRAWING)
    with pytest.raises(InputError, match=r"\$\.seed_globals: true or false was expected, found the text"):
        experiment.load(folder.experiment(["a"], seed_globals="yes"))
