"""Which runs there are, in which order they are dispatched, and with which seeds: the same as pyalma's."""

from __future__ import annotations

import hashlib
import random
import sys
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import overload

from pyalma_tui.errors import InputError
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.vector import Frozen

MAX_RUNS = 10_000_000  # done, they take 2.5 GB; more are a slip, which would take all memory before it fails
DRAWN = 1 << 16  # numbers at a time


def refuse_too_many(target: Path, instances: int, iterations: int) -> None:
    """Raise InputError for more runs than can be planned."""
    if instances * iterations > MAX_RUNS:
        raise InputError(
            f"cannot plan the runs: {target}: {instances:,} instances, {iterations:,} times each: these are more than "
            f"{MAX_RUNS:,} runs. Take fewer iterations or fewer instances"
        )


class Plan(Sequence[Run]):
    """All runs of a new experiment, ids from 1: iteration by iteration in batch order; made when they are asked for.

    Seeds are drawn from one stream in dispatch order, which is each iteration's batch from its end.
    """

    __slots__ = ("_seeds", "instances", "iterations")

    def __init__(self, instances: int, iterations: int, seed: int) -> None:
        self.instances = instances
        self.iterations = iterations
        self._seeds = _seeds(instances * iterations, seed)

    def __len__(self) -> int:
        return len(self._seeds)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self._seeds))[index]
        iteration, instance = divmod(index, self.instances)
        return Run(index + 1, instance, iteration, self._seeds[(iteration + 1) * self.instances - 1 - instance])

    def columns(self, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Id, instance, iteration and seed of the runs between two positions from 0, without making them."""
        while start < stop:
            iteration, first = divmod(start, self.instances)
            end = (iteration + 1) * self.instances - first
            seeds = self._seeds[end - min(stop - start, self.instances - first) : end]
            for position, seed in enumerate(reversed(seeds)):
                yield start + position + 1, first + position, iteration, seed
            start += len(seeds)


def _seeds(wanted: int, seed: int) -> array[int]:
    """So many numbers as `Random(seed).randint(0, sys.maxsize)` gives one by one.

    That draws 64 bits, and again where the highest is set; here they are drawn by the thousand.
    """
    bits = random.Random(seed).getrandbits
    found = array("Q")
    while (left := wanted - len(found)) > 0:
        some = min(2 * left + 64, DRAWN)
        drawn = array("Q", bits(64 * some).to_bytes(8 * some, "little"))
        if sys.byteorder == "big":
            drawn.byteswap()
        found.extend([number for number in drawn if number <= sys.maxsize])
    return found[:wanted]


def plan(instances: int, iterations: int, seed: int) -> Frozen[Run]:
    """All runs of a new experiment."""
    return Frozen.over(Plan(instances, iterations, seed))


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


def dispatch_order(
    runs: Sequence[Run], batch: Sequence[int], iterations: int, *, as_planned: bool = False
) -> Sequence[int]:
    """The ids of the planned runs as they are dispatched: per iteration the batch (ids of instances) from its end.

    `as_planned` tells that all runs are where `Plan` has them.
    """
    size = len(batch)
    if as_planned and len(runs) == size * iterations and (batch == range(size) or list(batch) == list(range(size))):
        if iterations == 1:
            return range(size, 0, -1)
        parts = (range((iteration + 1) * size, iteration * size, -1) for iteration in range(iterations))
        return array("q", chain.from_iterable(parts))
    ids = {(run.instance, run.iteration): run.id for run in runs}
    return array("q", [ids[instance, iteration] for iteration in range(iterations) for instance in reversed(batch)])
