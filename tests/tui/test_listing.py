"""The listing that is kept up to date gives what `select` gives from scratch."""

from __future__ import annotations

import random

import msgspec
import pytest

from pyalma_tui.model import query as q
from pyalma_tui.model import status as s
from pyalma_tui.model.listing import SORT_KEYS, Listing, Source, WantedList, select
from pyalma_tui.runner.snapshot import Snapshot
from tests.tui.fake_conductor import NOW, Experiment

TEXTS = (
    "",
    "7",
    "status:failed",
    "state:4",
    "status:done 3",
    "!status:done /i3/",
    "iteration:1 state<9",
    "ValueError",
    "time>50s",
    "nothing",
)


def source(shown: Snapshot, now: float = NOW) -> Source:
    busy = frozenset(run.id for run in shown.runs if isinstance(run.status, s.Running))
    return Source(shown.instances, shown.rows, shown.runs, shown.runs_of, now, busy)


@pytest.mark.parametrize("sort", SORT_KEYS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("descending", [False, True])
def test_it_equals_select_after_every_change(sort: str, text: str, descending: bool) -> None:
    draw = random.Random(f"{sort}{text}{descending}")
    made = Experiment([f"i{draw.randrange(400)}.cnf" for _ in range(700)], iterations=2)
    listing, wanted = Listing(), WantedList(q.compile(text), sort, descending)  # type: ignore[arg-type]
    for step in range(25):
        for _ in range(draw.randrange(4)):
            change = draw.choice([made.pending, made.running, made.done, made.failed, made.interrupted])
            change(draw.randrange(1, 1401))
        now = source(made.snapshot(), now=NOW + 3 * step)
        assert list(listing.update(wanted, now)) == list(select(wanted, now))


def test_an_order_that_did_not_change_is_the_same_object() -> None:
    made = Experiment([f"{n}.cnf" for n in range(600)])
    listing, wanted = Listing(), WantedList(sort="status")
    first = listing.update(wanted, source(made.snapshot()))
    made.running(300)
    second = listing.update(wanted, source(made.snapshot()))
    made.running(300, state=b'"1"')
    assert second is not first
    assert listing.update(wanted, source(made.snapshot())) is second


def test_another_query_or_batch_starts_anew() -> None:
    made = Experiment(["b.cnf", "a.cnf"])
    listing, now, b = Listing(), source(made.snapshot()), WantedList(q.compile("b"))
    assert list(listing.update(WantedList(), now)) == [0, 1]
    assert list(listing.update(WantedList(sort="name"), now)) == [1, 0]
    assert list(listing.update(b, now)) == [0]
    more = source(Experiment(["b.cnf", "a.cnf", "bb.cnf"]).snapshot())
    assert list(listing.update(b, more)) == [0, 2]


def test_one_run_of_an_instance_has_to_match_all_of_a_query() -> None:
    made = Experiment(["a", "b"], iterations=3)
    made.failed(1)  # a#0
    made.done(3)  # a#1
    made.done(2)  # b#0
    made.failed(4)  # b#1
    now = source(made.snapshot())
    for text, found in {
        "status:failed iteration:1": [1],
        "status:failed": [0, 1],
        "status:done iteration<1": [1],
        "iteration:2": [0, 1],
    }.items():
        assert list(Listing().update(WantedList(q.compile(text)), now)) == found


@pytest.mark.parametrize("sort", SORT_KEYS)
@pytest.mark.parametrize("text", ["", "x"])
def test_what_was_removed_is_not_listed_and_titles_are_found(sort: str, text: str) -> None:
    made = Experiment(["ax", "bx", "cx"])
    made.instances = [
        msgspec.structs.replace(i, in_batch=i.id > 0, removed=i.id == 0, title="first" if i.id == 1 else "")
        for i in made.instances
    ]
    listing, wanted, now = Listing(), WantedList(q.compile(text), sort), source(made.snapshot())  # type: ignore[arg-type]
    found = listing.update(wanted, now)
    assert list(found) == list(select(wanted, now))
    assert (set(found), listing.total) == ({1, 2}, 2)
    assert list(listing.update(WantedList(q.compile("first")), now)) == [1]
