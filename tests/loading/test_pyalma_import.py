"""The runs of a plan: a pyalma that is stopped at every moment, and what is imported from it."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyalma_tui.loading.entries import Entry, number
from pyalma_tui.loading.plan_file import Assigned, PlanFile
from pyalma_tui.loading.pyalma_import import UNKNOWN_SEED, ImportedPlan, imported_from
from pyalma_tui.model import status as s
from pyalma_tui.model.plan import plan
from tests.loading.saying import message_for

SEED = 916539032
FILES = ["/d/a", "/d/b", "/d/c", "/d/b", "/d/e"]
ENTRIES = [Entry(file) for file in FILES]
BATCH = number(ENTRIES, Path("/d"))
ITERATIONS = 3


class Pyalma:
    """pyalma's dispatcher, which draws a seed for each dispatch: stopped after so many, with so many still running."""

    def __init__(self, dispatched: int, running: int) -> None:
        rng = random.Random(SEED)
        self.left = ITERATIONS - 1
        self.pending = list(ENTRIES)
        self.seeds: list[tuple[Entry, int]] = []
        for _ in range(dispatched):
            if not self.pending:
                self.left -= 1
                self.pending = list(ENTRIES)
            self.seeds.append((self.pending.pop(), rng.randint(0, sys.maxsize)))
        self.assigned = self.seeds[len(self.seeds) - running :] if running else []
        self.state: Any = json.loads(json.dumps(rng.getstate()))

    def plan(self, *, with_state: bool = True) -> PlanFile:
        version, words, gauss = self.state
        return PlanFile(
            iterations_left=self.left,
            pending=self.pending,
            assigned=[Assigned(entry, seed, b'"%d"' % i) for i, (entry, seed) in enumerate(self.assigned)],
            random_state=(version, tuple(words), gauss) if with_state else None,
        )


def taken(found: PlanFile, seed: int | None = SEED, batch: Sequence[Any] = BATCH) -> ImportedPlan:
    return imported_from(found, "x.plan", batch, ITERATIONS, seed, 42, 1000.0)


TABLE = {(run.instance, run.iteration): run.seed for run in plan(len(BATCH), ITERATIONS, SEED)}
STOPS = [(n, k) for n in range(1, len(FILES) * ITERATIONS + 1) for k in range(min(3, (n - 1) % len(FILES) + 1) + 1)]


@pytest.mark.parametrize(("dispatched", "running"), STOPS)
def test_wherever_pyalma_stopped_each_run_has_its_status_and_the_seed_it_would_have_had(
    dispatched: int, running: int
) -> None:
    result = taken(Pyalma(dispatched, running).plan())
    order = [(i, k) for k in range(ITERATIONS) for i in reversed(range(len(BATCH)))]
    words = {(run.instance, run.iteration): s.word(run.status) for run in result.runs}
    expected = ["done"] * (dispatched - running) + ["interrupted"] * running
    expected += ["pending"] * (len(order) - dispatched)
    assert [words[place] for place in order] == expected
    assert {(run.instance, run.iteration): run.seed for run in result.runs} == TABLE
    assert [run.id for run in result.runs] == list(range(1, len(result.runs) + 1))
    assert result.as_planned
    assert result.iteration == (dispatched - 1) // len(FILES)


def test_interrupted_runs_keep_their_recorded_seed_and_state() -> None:
    found = Pyalma(3, 2).plan()
    runs = [run for run in taken(found, seed=None).runs if isinstance(run.status, s.Interrupted)]
    states = {(BATCH[run.instance].file, run.seed): run.state for run in runs}
    assert states == {(each.entry.file, each.seed): each.state for each in found.assigned}
    assert all((run.attempt, run.saves, run.status.why) == (1, 1, "imported from x.plan") for run in runs)  # type: ignore[union-attr]


def test_without_the_experiments_seed_the_stream_goes_on_all_the_same() -> None:
    for run in taken(Pyalma(7, 1).plan(), seed=None).runs:
        known = TABLE[run.instance, run.iteration]
        assert run.seed == (UNKNOWN_SEED if isinstance(run.status, s.Done) else known)


def test_without_a_random_state_the_seed_gives_the_table_and_neither_a_new_stream() -> None:
    without = Pyalma(7, 1).plan(with_state=False)
    assert {(run.instance, run.iteration): run.seed for run in taken(without).runs} == TABLE
    pending = [run.seed for run in taken(without, seed=None).runs if run.status is s.PENDING]
    assert len(set(pending)) == len(pending) == 8
    assert pending == [run.seed for run in taken(without, seed=None).runs if run.status is s.PENDING]


def test_a_random_state_from_before_the_last_seeds_were_drawn_is_passed_over() -> None:
    late = Pyalma(8, 2)
    early = Pyalma(6, 0)
    found = msgspec.structs.replace(late.plan(), random_state=early.plan().random_state)
    assert {(run.instance, run.iteration): run.seed for run in taken(found).runs} == TABLE


def test_a_random_state_from_elsewhere_counts_and_is_told() -> None:
    version, words, gauss = json.loads(json.dumps(random.Random(99).getstate()))
    found = msgspec.structs.replace(Pyalma(7, 1).plan(), random_state=(version, tuple(words), gauss))
    result = taken(found)
    assert not result.as_planned
    rng = random.Random(99)
    drawn = [rng.randint(0, sys.maxsize) for _ in range(8)]
    order = sorted((run for run in result.runs if run.status is s.PENDING), key=lambda r: (r.iteration, -r.instance))
    assert [run.seed for run in order] == drawn


def test_a_moved_experiment_is_found_by_the_names_of_its_files() -> None:
    moved = number([Entry(file.replace("/d/", "/new/place/")) for file in FILES], Path("/new"))
    assert [s.word(run.status) for run in taken(Pyalma(7, 1).plan(), batch=moved).runs] == [
        s.word(run.status) for run in taken(Pyalma(7, 1).plan()).runs
    ]


def test_data_is_compared_by_value_and_a_path_is_an_object_without_data() -> None:
    batch = number([Entry("/a"), Entry("/b", b'{"n":1,"m":2}')], Path("/"))
    found = PlanFile(2, [Entry("/a", b"{}"), Entry("/b", b'{"m":2,"n":1}')], [], None)
    assert {s.word(run.status) for run in taken(found, batch=batch).runs} == {"pending"}


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (PlanFile(3, [], [], None), "$.iterations_left: 3 are left of 3 iterations"),
        (PlanFile(0, [Entry("/d/zz")], [], None), '$.pending[0]: "/d/zz": the batch has no such instance'),
        (PlanFile(0, [Entry("/d/b")] * 3, [], None), '$.pending[2]: "/d/b": it stands more often here than'),
        (
            PlanFile(0, [Entry("/d/a")], [Assigned(Entry("/d/a"), 1, None)], None),
            '$.assigned[0]: "/d/a": it stands more often here than in the batch, which has it 1 times',
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(found: PlanFile, why: str) -> None:
    assert message_for(lambda: taken(found)).startswith(f"cannot import the plan: x.plan: {why}")
