"""Which runs there are, in which order they are dispatched, and with which seeds: the same as pyalma's."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from pyalma_tui.errors import InputError
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance

MAX_RUNS = 10_000_000  # they take 2.5 GB; more are a slip, which would take all memory before it fails


def refuse_too_many(target: Path, instances: int, iterations: int) -> None:
    """Raise InputError for more runs than can be planned."""
    if instances * iterations > MAX_RUNS:
        raise InputError(
            f"cannot plan the runs: {target}: {instances:,} instances, {iterations:,} times each: these are more than "
            f"{MAX_RUNS:,} runs. Take fewer iterations or fewer instances"
        )


def plan(instances: int, iterations: int, seed: int) -> list[Run]:
    """All runs of a new experiment, ids from 1: iteration by iteration in batch order.

    Seeds are drawn from one stream in dispatch order, which is each iteration's batch from its end.
    """
    draw = random.Random(seed).randint
    highest = sys.maxsize
    runs = []
    for iteration in range(iterations):
        seeds = [draw(0, highest) for _ in range(instances)]
        seeds.reverse()
        first = iteration * instances + 1
        runs += [Run(first + i, i, iteration, seeds[i]) for i in range(instances)]
    return runs


class Grid(Sequence[Sequence[int]]):
    """The ids of each instance's runs by iteration, where the plan is as `plan` made it: computed, not stored."""

    def __init__(self, instances: int, runs: int) -> None:
        self._instances = instances
        self._runs = runs

    def __len__(self) -> int:
        return self._instances

    @overload
    def __getitem__(self, index: int) -> Sequence[int]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sequence[int]]: ...
    def __getitem__(self, index: int | slice) -> Sequence[int] | Sequence[Sequence[int]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._instances))]
        if not -self._instances <= index < self._instances:
            raise IndexError(index)
        return range(index % self._instances + 1, self._runs + 1, self._instances)


def runs_of(instances: int, runs: Sequence[Run]) -> Sequence[Sequence[int]]:
    """The ids of each instance's runs by iteration."""
    if instances and all(run.instance + run.iteration * instances == i for i, run in enumerate(runs)):
        return Grid(instances, len(runs))
    ids: list[list[int]] = [[] for _ in range(instances)]
    for run in sorted(runs, key=lambda run: run.iteration):
        ids[run.instance].append(run.id)
    return ids


def grown_seed(seed: int, instance: Instance, iteration: int) -> int:
    """The seed of a run that was added to a planned experiment: a hash, so that no earlier run's seed moves."""
    name = instance.name.encode("utf-8", "surrogatepass")
    text = b"\0".join([str(seed).encode(), name, instance.data or b"", b"%d,%d" % (instance.occurrence, iteration)])
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") & sys.maxsize


def grow(runs: Sequence[Run], instances: Sequence[Instance], iterations: int, seed: int) -> list[Run]:
    """The runs that an enlarged batch or iteration count adds, with ids after those that exist."""
    known = {(run.instance, run.iteration) for run in runs}
    added: list[Run] = []
    for iteration in range(iterations):
        for instance in instances:
            if instance.in_batch and (instance.id, iteration) not in known:
                run_seed = grown_seed(seed, instance, iteration)
                added.append(Run(len(runs) + len(added) + 1, instance.id, iteration, run_seed))
    return added


def dispatch_order(runs: Sequence[Run], batch: Sequence[int], iterations: int) -> Iterator[int]:
    """The ids of the planned runs as they are dispatched: per iteration the batch (ids of instances) from its end."""
    if len(runs) == len(batch) * iterations and all(map(int.__eq__, batch, range(len(batch)))):
        for iteration in range(iterations):
            yield from range((iteration + 1) * len(batch), iteration * len(batch), -1)
        return
    ids = {(run.instance, run.iteration): run.id for run in runs}
    for iteration in range(iterations):
        for instance in reversed(batch):
            yield ids[instance, iteration]
