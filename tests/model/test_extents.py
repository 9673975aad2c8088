"""What counts of a run, whatever records of it a power cut has taken."""

from __future__ import annotations

from msgspec import Raw

from pyalma_tui.model.experiment import Run, fold
from pyalma_tui.model.extents import BEFORE, LOST, Extent, counting, grown, rows_in
from pyalma_tui.model.records import Raised, Reset, Returned, Saved, Started
from pyalma_tui.model.status import Error

A, B, C = Extent("a", 1, 0, 10, 2), Extent("b", 2, 0, 10, 3), Extent("c", 3, 5, 9, 1)


def begun(attempt: int, rows: int) -> Extent:
    return Extent(BEFORE, attempt, 0, 0, rows)


def test_what_follows_in_the_same_file_is_one_extent() -> None:
    assert grown((A,), Extent("a", 1, 10, 15, 1)) == (Extent("a", 1, 0, 15, 3),)
    for other in (Extent("a", 1, 11, 15, 1), Extent("a", 2, 10, 15, 1), Extent("b", 1, 10, 15, 1)):
        assert grown((A,), other) == (A, other)


def test_a_later_attempt_adds_to_what_counted_when_it_began() -> None:
    assert counting((), 1, (A,)) == (A,)
    assert counting((A,), 2, (begun(2, 2), B)) == (A, B)
    assert counting((A, B), 2, (begun(2, 2), B)) == (A, B)
    assert counting((A, B), 3, (begun(3, 5),)) == (A, B)


def test_records_that_are_lost_in_between_show_as_rows_that_are_lost() -> None:
    assert counting((A,), 3, (begun(3, 5), C)) == (A, Extent(LOST, 2, 0, 0, 3), C)
    assert rows_in(counting((), 3, (begun(3, 5), C))) == 6


def test_a_reset_that_is_lost_takes_its_rows_all_the_same() -> None:
    assert counting((A,), 3, (C,)) == (C,)
    assert counting((A,), 3, ()) == ()


def test_rows_count_with_a_save_or_the_return_and_never_without() -> None:
    run = fold(Run(1, 0, 0, 0), Started(1, 1, 0, 1.0, "m", 7))
    run = fold(run, Saved(1, 1, 1, 5, Raw(b'"x"'), (A,)))
    assert run.extents == (A,)
    assert fold(run, Saved(1, 1, 1, 5, Raw(b'"late"'), ())).extents == (A,)
    run = fold(run, Raised(1, 1, 0.5, Error("no")))
    assert run.extents == (A,)
    run = fold(run, Started(1, 2, 0, 1.0, "m", 7))
    assert run.extents == (A,)
    run = fold(run, Returned(1, 2, 0.5, (begun(2, 2), B)))
    assert run.extents == (A, B)
    assert fold(run, Reset(1, 3, 1.0, 0)).extents == ()
