"""Today's batch laid over what is remembered, and instances that are taken out."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Raw

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import anew
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import Raised, Returned, Saved, Started, Stopped
from pyalma_tui.model.view import Tally
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.planning import Growth, merge, new_ledger, plan_start, without
from pyalma_tui.store.schema import Meta
from tests.store.stores import instances, write_store

ERROR = s.Error("no such file")


def started(run: int, attempt: int = 1) -> Started:
    return Started(run, attempt, 0, 5.0, "hash", 77)


def saved(run: int, number: int, attempt: int = 1) -> Saved:
    return Saved(run, attempt, number, 10, Raw(b'"%d"' % number))


def test_b24_what_left_the_batch_is_kept_if_it_has_a_result_and_forgotten_if_not() -> None:
    ledger = new_ledger(instances(4), 1, 5)
    ledger.apply_all([started(1), saved(1, 1), Stopped(1, 1, 1.0, 2.0, "interrupted"), started(2), Returned(2, 1, 0.5)])
    ledger.apply_all([started(3), Raised(3, 1, 1.0, ERROR)])
    seeds = [run.seed for run in ledger.runs]
    merged, order, growth = merge(ledger, [Instance(0, "new", "/new")], 1, 5)
    assert order == [4]
    assert growth.text == (
        "1 new instance, 2 not in the batch any more, 2 forgotten (not in it any more, nothing done or saved), "
        "1 new run"
    )
    assert [run.seed for run in merged.runs][:4] == seeds
    assert merged.run(1).state == b'"1"'
    assert [(i.in_batch, i.removed) for i in merged.instances[:4]] == [(False, False)] * 2 + [(False, True)] * 2
    assert (merged.counts, merged.aside) == (Tally(pending=1), Tally(interrupted=1, done=1))
    assert (merged.run(3), merged.run(4)) == (anew(ledger.run(3), 1), ledger.run(4)), "nothing of an error is left"


def test_what_was_forgotten_comes_back_as_new_with_its_id_and_seed() -> None:
    ledger = new_ledger(instances(3), 1, 5)
    ledger.apply_all([started(1), Raised(1, 1, 1.0, ERROR), started(3), Returned(3, 1, 0.5)])
    merged, _, _ = merge(ledger, instances()[1:], 1, 5)
    merged.apply_all([started(1, 2), saved(1, 1, 2)])
    assert merged.run(1) == anew(ledger.run(1), 1), "nobody runs what is not there"
    assert (merged.counts, merged.aside) == (Tally(pending=1, done=1), Tally())
    back, order, growth = merge(merged, instances(3), 1, 5)
    assert growth.text == "1 new instance, 1 new run"
    assert (list(order), [run.id for run in back.runs]) == ([0, 1, 2], [1, 2, 3])
    assert [run.seed for run in back.runs] == [run.seed for run in ledger.runs]
    assert back.counts == Tally(pending=2, done=1)
    assert back.apply(started(1, 1)) is None, "its first attempt is fenced off"
    again, _, growth = merge(back, instances(3), 1, 5)
    assert (again is back, growth) == (True, Growth())


def test_what_was_taken_out_is_remembered_as_that(tmp_path: Path) -> None:
    ledger = new_ledger(instances(2), 2, 5)
    ledger.apply_all([started(1), saved(1, 1), Returned(1, 1, 0.5), started(3), Raised(3, 1, 1.0, ERROR)])
    left = without(ledger, [0])
    write_store(tmp_path, ledger=left)
    store = read_store(tmp_path)
    assert store is not None
    assert list(store.ledger.runs) == list(left.runs)
    assert list(store.ledger.instances) == list(left.instances)
    assert (store.ledger.counts, store.ledger.aside) == (Tally(pending=2), Tally())
    runs = json.loads((tmp_path / "db.json").read_text())["runs"]
    assert [(run["status"], run["state"]) for run in runs.values()] == [("removed", None), ("pending", None)] * 2


def test_a_changed_title_is_shown_and_nothing_else_changes() -> None:
    ledger = new_ledger(instances(1), 1, 5)
    merged, _, growth = merge(ledger, [Instance(0, "i0", "/i0", title="the first")], 1, 5)
    assert (merged.instances[0].label, merged.instances[0].id, growth) == ("the first", 0, Growth())


def test_a_grown_experiment_is_dispatched_iteration_by_iteration_too(tmp_path: Path) -> None:
    write_store(tmp_path, ledger=new_ledger(instances(2), 2, 5), meta=Meta(session=1, serial=1, iterations=2, seed=5))
    store = read_store(tmp_path)
    planned = plan_start(store, instances(3), None, None, tmp_path / "m.py", has_done=False)
    found = [(run.iteration, run.instance) for run in map(planned.ledger.run, planned.order)]
    assert found == [(0, 2), (0, 1), (0, 0), (1, 2), (1, 1), (1, 0)]
