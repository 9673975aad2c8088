"""The runs of an unfinished pyalma experiment: which are done, interrupted and pending, with which seeds.

The seeds of runs that are still to be started go on with pyalma's own stream: `rand_state` is where it stood, and each
run draws one number from it in dispatch order, which is each iteration's batch from its end. pyalma draws a run's seed
when it hands it to a worker; if the next numbers of the stream are the seeds of runs that are with a worker already,
the state was written down before these were drawn, and they are passed over. Without `rand_state` the table of the
experiment's seed counts, without a seed a new stream.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import msgspec

from pyalma_tui.errors import InputError
from pyalma_tui.loading.entries import Entry
from pyalma_tui.loading.json_file import quoted
from pyalma_tui.loading.plan_file import Assigned, PlanFile
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan

UNKNOWN_SEED = 0  # of runs that ended before, where nobody wrote down what they were drawn from
Key = tuple[str, bytes]


class ImportedPlan(msgspec.Struct, frozen=True):
    """The runs, the iteration that pyalma was in (0-based), and whether the seeds are those that the seed gives."""

    runs: list[Run]
    iteration: int
    as_planned: bool


def imported_from(
    found: PlanFile, shown: str, batch: Sequence[Instance], iterations: int, seed: int | None, drawn: int, at: float
) -> ImportedPlan:
    """The runs of a plan; `shown` names it in messages, `drawn` seeds a new stream, `at` is when pyalma was stopped.

    Raises InputError where plan, batch and number of iterations do not fit together.
    """
    current = iterations - found.iterations_left - 1
    if current < 0:
        raise InputError(
            f"cannot import the plan: {shown}: $.iterations_left: {found.iterations_left} are left of {iterations} "
            f'iterations. Correct "iterations" in the experiment'
        )
    pending, assigned = _places(found, shown, batch)
    table = {(r.instance, r.iteration): r.seed for r in plan(len(batch), iterations, seed)} if seed is not None else {}
    draw = _stream(found, drawn, [a.seed for a in assigned.values()])
    seeds: dict[tuple[int, int], int] = {}
    for iteration in range(current, iterations):
        for instance in reversed(range(len(batch))):
            if iteration > current or instance in pending:
                seeds[instance, iteration] = draw() if found.random_state or not table else table[instance, iteration]
    runs: list[Run] = []
    for iteration in range(iterations):
        for instance in range(len(batch)):
            number = len(runs) + 1
            known = assigned.get(instance) if iteration == current else None
            if known is not None:
                its_seed = known.seed if known.seed is not None else table.get((instance, iteration), UNKNOWN_SEED)
                runs.append(_interrupted(Run(number, instance, iteration, its_seed), known.state, shown, at))
            elif (instance, iteration) in seeds:
                runs.append(Run(number, instance, iteration, seeds[instance, iteration]))
            else:
                its_seed = table.get((instance, iteration), UNKNOWN_SEED)
                runs.append(Run(number, instance, iteration, its_seed, s.Done(at, 0.0), attempt=1))
    as_planned = all(seeds[key] == table.get(key) for key in seeds) if table else True
    return ImportedPlan(runs, current, as_planned)


def _interrupted(run: Run, state: bytes | None, shown: str, at: float) -> Run:
    status = s.Interrupted(f"imported from {shown}", at)
    if state is None:
        return msgspec.structs.replace(run, status=status, attempt=1)
    return msgspec.structs.replace(run, status=status, attempt=1, last_save=1, state=state, saves=1, saved_at=at)


def _stream(found: PlanFile, drawn: int, seeds: Sequence[int | None]) -> Callable[[], int]:
    rng = random.Random(drawn)
    if found.random_state is not None:
        rng.setstate(found.random_state)
        rng = _behind(rng, {each for each in seeds if each is not None})
    return lambda: rng.randint(0, sys.maxsize)


def _behind(rng: random.Random, seeds: set[int]) -> random.Random:
    """The stream behind the last of these numbers among the next ones, where it stands if none of them comes."""
    ahead = random.Random()
    ahead.setstate(rng.getstate())
    for _ in range(len(seeds)):
        if ahead.randint(0, sys.maxsize) in seeds:
            rng.setstate(ahead.getstate())
    return rng


# --- which instance of the batch is meant ------------------------------------------------------------------------


def _places(found: PlanFile, shown: str, batch: Sequence[Instance]) -> tuple[set[int], dict[int, Assigned]]:
    """The instances that are pending, and those that a worker had.

    Equal instances are dispatched from the end: the first of them are pending, the next ones are with workers, of
    which the one that was handed out last comes first.
    """
    of = _Finder(shown, batch)
    pending = {of.next(entry, f"$.pending[{i}]") for i, entry in enumerate(found.pending)}
    latest_first = reversed(list(enumerate(found.assigned)))
    assigned = {of.next(each.entry, f"$.assigned[{i}]"): each for i, each in latest_first}
    return pending, assigned


class _Finder:
    """Finds instances of the batch by what they are; equal ones one after the other.

    A file that is not in the batch by its path, because the experiment was moved, is found by its name if only one
    instance has that.
    """

    def __init__(self, shown: str, batch: Sequence[Instance]) -> None:
        self._shown = shown
        self._places: dict[Key, list[int]] = defaultdict(list)
        self._by_name: dict[Key, list[Key]] = defaultdict(list)
        for place, instance in enumerate(batch):
            key = _key(instance.file, instance.data)
            if key not in self._places:
                self._by_name[_named(key)].append(key)
            self._places[key].append(place)
        self._taken: Counter[Key] = Counter()

    def next(self, entry: Entry, place: str) -> int:
        """The next one that is this; raises InputError if the batch has none, or no more of it."""
        key = _key(entry.file, entry.data)
        if key not in self._places:
            moved = self._by_name.get(_named(key), [])
            if len(moved) != 1:
                raise self._error(entry, place, "the batch has no such instance")
            key = moved[0]
        places, taken = self._places[key], self._taken[key]
        if taken == len(places):
            raise self._error(entry, place, f"it stands more often here than in the batch, which has it {taken} times")
        self._taken[key] += 1
        return places[taken]

    def _error(self, entry: Entry, place: str, why: str) -> InputError:
        name = entry.file or (entry.data or b"").decode("utf-8", "replace")
        return InputError(
            f"cannot import the plan: {self._shown}: {place}: {quoted(name)}: {why}. "
            f"Put the batch back as it was when pyalma ran"
        )


def _key(file: str, data: bytes | None) -> Key:
    """What an instance is, whatever the order of its data's keys; an object without data is the same as its path."""
    if data in (None, b"{}"):
        return file, b""
    return file, _sorted(jsontext.decode(data or b"null"))


def _sorted(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:  # a lone surrogate: the order of its keys has to be the same
        return jsontext.encode(value)


def _named(key: Key) -> Key:
    return key[0].rpartition("/")[2], key[1]
