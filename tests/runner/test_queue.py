"""Runs wait in dispatch order, whether the order is a list of ids or only their range."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.runner.queue import Queue

RUNS = 9


@given(st.data(), st.booleans())
def test_a_range_is_queued_as_the_list_of_it(data: st.DataObject, everything: bool) -> None:
    ranged, listed = range(RUNS, 0, -1), array("q", range(RUNS, 0, -1))
    one, two = Queue(ranged), Queue(listed)
    if everything:
        assert one.add(ranged) == two.add(list(listed)) == RUNS
    runs = st.integers(1, RUNS)
    for _ in range(data.draw(st.integers(0, 25))):
        match data.draw(st.sampled_from(["add", "first", "discard", "pop", "clear"])):
            case "add":
                some = data.draw(st.lists(runs, max_size=3, unique=True))
                assert one.add(some) == two.add(some)
            case "first":
                some = data.draw(st.lists(runs, max_size=3, unique=True))
                one.put_first(some)
                two.put_first(some)
            case "discard":
                run = data.draw(runs)
                assert one.discard(run) == two.discard(run)
            case "pop":
                barred = data.draw(st.sets(runs, max_size=3))
                assert one.pop(barred) == two.pop(barred)
            case "clear" if data.draw(st.booleans()):
                one.clear()
                two.clear()
                assert one.add(ranged) == two.add(list(listed)) == RUNS
        assert len(one) == len(two)
    assert [one.pop() for _ in range(RUNS + 1)] == [two.pop() for _ in range(RUNS + 1)]
