"""The listing that is kept up to date gives what `select` gives from scratch."""

from __future__ import annotations

import random

import msgspec
import pytest

from pyalma_tui.model.view import SORT_KEYS, Listing, Query, select
from tests.tui.fake_conductor import Experiment


@pytest.mark.parametrize("sort", SORT_KEYS)
@pytest.mark.parametrize("text", ["", "7", "status:failed", "state:4", "status:done 3", "nothing"])
@pytest.mark.parametrize("descending", [False, True])
def test_it_equals_select_after_every_change(sort: str, text: str, descending: bool) -> None:
    draw = random.Random(f"{sort}{text}{descending}")
    made = Experiment([f"i{draw.randrange(400)}.cnf" for _ in range(700)], iterations=2)
    listing, query = Listing(), Query(text, sort, descending)  # type: ignore[arg-type]
    for _ in range(25):
        for _ in range(draw.randrange(4)):
            change = draw.choice([made.pending, made.running, made.done, made.failed, made.interrupted])
            change(draw.randrange(1, 1401))
        now = made.snapshot()
        found = listing.update(query, now.instances, now.rows, now.runs)
        assert list(found) == list(select(query, now.instances, now.rows, now.runs))


def test_an_order_that_did_not_change_is_the_same_object() -> None:
    made = Experiment([f"{n}.cnf" for n in range(600)])
    listing, query = Listing(), Query(sort="status")
    now = made.snapshot()
    first = listing.update(query, now.instances, now.rows, now.runs)
    made.running(300)
    now = made.snapshot()
    second = listing.update(query, now.instances, now.rows, now.runs)
    made.running(300, state=b'"1"')
    now = made.snapshot()
    assert second is not first
    assert listing.update(query, now.instances, now.rows, now.runs) is second


def test_another_query_or_batch_starts_anew() -> None:
    made = Experiment(["b.cnf", "a.cnf"])
    listing = Listing()
    now = made.snapshot()
    assert list(listing.update(Query(), now.instances, now.rows, now.runs)) == [0, 1]
    assert list(listing.update(Query(sort="name"), now.instances, now.rows, now.runs)) == [1, 0]
    assert list(listing.update(Query("b"), now.instances, now.rows, now.runs)) == [0]
    more = Experiment(["b.cnf", "a.cnf", "bb.cnf"]).snapshot()
    assert list(listing.update(Query("b"), more.instances, more.rows, more.runs)) == [0, 2]


@pytest.mark.parametrize("sort", SORT_KEYS)
@pytest.mark.parametrize("text", ["", "x"])
def test_what_was_removed_is_not_listed_and_titles_are_found(sort: str, text: str) -> None:
    made = Experiment(["ax", "bx", "cx"])
    made.instances = [
        msgspec.structs.replace(i, in_batch=i.id > 0, removed=i.id == 0, title="first" if i.id == 1 else "")
        for i in made.instances
    ]
    listing, query, now = Listing(), Query(text, sort), made.snapshot()  # type: ignore[arg-type]
    found = listing.update(query, now.instances, now.rows, now.runs)
    assert list(found) == list(select(query, now.instances, now.rows, now.runs))
    assert (set(found), listing.total) == ({1, 2}, 2)
    assert list(listing.update(Query("first"), now.instances, now.rows, now.runs)) == [1]
