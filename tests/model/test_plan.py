"""Order and seeds are pyalma's, and growth moves none of them."""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import dispatch_order, grow, grown_seed, plan


def pyalma(instances: int, iterations: int, seed: int) -> list[tuple[int, int, int]]:
    """(iteration, instance, seed) in dispatch order: one stream, each iteration's batch from its end."""
    rng = random.Random(seed)
    return [
        (iteration, instance, rng.randint(0, sys.maxsize))
        for iteration in range(iterations)
        for instance in reversed(range(instances))
    ]


@given(st.integers(0, 9), st.integers(1, 5), st.integers())
def test_runs_are_dispatched_in_the_order_and_with_the_seeds_of_pyalma(n: int, iterations: int, seed: int) -> None:
    runs = list(plan(n, iterations, seed))
    dispatched = [runs[i - 1] for i in dispatch_order(runs, range(n), iterations)]
    assert [(run.iteration, run.instance, run.seed) for run in dispatched] == pyalma(n, iterations, seed)


def test_the_seeds_of_a_known_experiment_are_these() -> None:
    drawn = [run.seed for run in plan(3, 2, 916539032)]
    rng = random.Random(916539032)
    first = [rng.randint(0, sys.maxsize) for _ in range(3)]
    second = [rng.randint(0, sys.maxsize) for _ in range(3)]
    assert drawn == [*reversed(first), *reversed(second)]


def test_ids_count_from_one_iteration_by_iteration_in_batch_order() -> None:
    assert [(run.id, run.instance, run.iteration) for run in plan(2, 2, 0)] == [
        (1, 0, 0),
        (2, 1, 0),
        (3, 0, 1),
        (4, 1, 1),
    ]


def batch(*names: str) -> list[Instance]:
    return [Instance(i, name, f"/{name}") for i, name in enumerate(names)]


def test_growth_adds_what_is_missing_and_keeps_every_seed() -> None:
    runs = list(plan(2, 1, 5))
    added = grow(runs, batch("a", "b", "c"), 2, 5)
    assert [(run.id, run.instance, run.iteration) for run in added] == [(3, 2, 0), (4, 0, 1), (5, 1, 1), (6, 2, 1)]
    assert list(plan(2, 1, 5)) == runs
    assert grow([*runs, *added], batch("a", "b", "c"), 2, 5) == []


def test_growth_skips_instances_that_left_the_batch() -> None:
    gone = [Instance(0, "a", "/a", in_batch=False), Instance(1, "b", "/b")]
    assert [run.instance for run in grow([], gone, 1, 5)] == [1]


def test_a_grown_seed_depends_on_who_the_instance_is_and_not_on_its_place() -> None:
    seed = grown_seed(5, Instance(3, "a", "/a"), 1)
    assert seed == grown_seed(5, Instance(9, "a", "/elsewhere/a"), 1)
    assert 0 <= seed <= sys.maxsize
    others = [
        grown_seed(6, Instance(3, "a", "/a"), 1),
        grown_seed(5, Instance(3, "b", "/a"), 1),
        grown_seed(5, Instance(3, "a", "/a"), 2),
        grown_seed(5, Instance(3, "a", "/a", b"{}"), 1),
        grown_seed(5, Instance(3, "a", "/a", occurrence=2), 1),
    ]
    assert len({seed, *others}) == 6


def test_a_name_that_is_not_utf8_has_a_grown_seed() -> None:
    assert grown_seed(5, Instance(0, "caf\udce9", "/caf\udce9"), 0) >= 0


@pytest.mark.parametrize("today", [[0, 1, 2], [2, 0, 1], [1], []])
def test_todays_batch_is_dispatched_from_its_end_wherever_its_runs_are(today: list[int]) -> None:
    runs = list(plan(2, 1, 5))
    runs += grow(runs, batch("a", "b", "c"), 2, 5)
    dispatched = [runs[i - 1] for i in dispatch_order(runs, today, 2)]
    assert [(r.iteration, r.instance) for r in dispatched] == [(k, i) for k in (0, 1) for i in reversed(today)]
