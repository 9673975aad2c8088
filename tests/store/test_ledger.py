"""The ledger adds up: rows and counts are those of the runs, however the records came."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pyalma_tui.errors import IllegalTransitionError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import (
    DoneReturned,
    DoneStarted,
    Note,
    Record,
    Reset,
    Returned,
    RunRecord,
    Saved,
    Started,
)
from pyalma_tui.store.ledger import NOTES, Ledger
from tests.model.histories import histories
from tests.store.stores import instances


def ledger(count: int = 2, iterations: int = 1) -> Ledger:
    return Ledger(instances(count), plan(count, iterations, 5), s.DoneHook())


def started(run: int, attempt: int = 1) -> Started:
    return Started(run, attempt, 0, 5.0, "", 0)


def tally_of(runs: list[Run]) -> dict[str, int]:
    return {word: sum(s.word(run.status) == word for run in runs) for word in s.WORDS}


def check_sums(book: Ledger) -> None:
    runs = list(book.runs)
    assert msgspec.structs.asdict(book.counts) == tally_of(runs)
    for instance, row in zip(book.instances, book.rows, strict=True):
        mine = [run for run in runs if run.instance == instance.id]
        assert msgspec.structs.asdict(row.tally) == tally_of(mine)
        assert row.latest in [run.id for run in mine]
        assert list(book.runs_of[instance.id]) == [run.id for run in sorted(mine, key=lambda run: run.iteration)]


@given(histories(run=1), histories(run=2), histories(run=3), st.randoms(use_true_random=False))
def test_rows_and_counts_always_add_up(
    one: list[RunRecord], two: list[RunRecord], three: list[RunRecord], random: object
) -> None:
    book = ledger(2, 2)
    pending = [list(one), list(two), list(three)]
    while any(pending):
        book.apply(random.choice([rest for rest in pending if rest]).pop(0))  # type: ignore[attr-defined]
    check_sums(book)
    again = Ledger(book.instances, list(book.runs), book.hook)
    check_sums(again)
    assert again.counts == book.counts
    assert again.saved_at == book.saved_at or book.saved_at is not None


@given(histories(run=1), histories(run=2), st.data())
def test_the_records_of_many_files_give_the_same_in_any_order(
    one: list[RunRecord], two: list[RunRecord], data: st.DataObject
) -> None:
    live, reopened = ledger(), ledger()
    for record in [*one, *two]:
        live.apply(record)
    reopened.apply_all(data.draw(st.permutations([*one, *two])))
    assert list(reopened.runs) == list(live.runs)
    check_sums(reopened)


def test_a_run_that_is_done_without_an_attempt_is_counted_as_done() -> None:
    """An imported experiment knows no attempts."""
    runs = [msgspec.structs.replace(run, status=s.Done(1.0, 1.0)) for run in plan(2, 1, 5)]
    book = Ledger(instances(2), runs, s.DoneHook())
    assert book.counts.done == 2
    check_sums(book)


def test_runs_of_a_grown_experiment_are_listed_by_iteration() -> None:
    runs = [*plan(2, 1, 5), Run(3, 2, 0, 0), Run(4, 0, 1, 0), Run(5, 1, 1, 0)]
    book = Ledger(instances(3), runs, s.DoneHook())
    assert [list(ids) for ids in book.runs_of] == [[1, 4], [2, 5], [3]]
    check_sums(book)


def test_no_instances_give_no_rows() -> None:
    book = Ledger([], [], s.DoneHook())
    assert (len(book.rows), book.counts.total) == (0, 0)


def test_applying_tells_the_run_after_the_record_and_none_where_nothing_changed() -> None:
    book = ledger()
    run = book.apply(started(1))
    assert run is not None
    assert isinstance(run.status, s.Running)
    assert run is book.run(1)
    assert book.apply(started(1)) is None
    assert book.apply(Note(1.0, "x")) is None
    assert book.apply(DoneStarted(1, 1.0)) is None


@pytest.mark.parametrize("run", [0, -1, 3])
def test_a_run_that_does_not_exist_is_an_index_error(run: int) -> None:
    with pytest.raises(IndexError):
        ledger().apply(started(run))


def test_an_illegal_record_changes_nothing() -> None:
    book = ledger()
    book.apply(started(1))
    before = (list(book.runs), list(book.rows), book.counts)
    with pytest.raises(IllegalTransitionError):
        book.apply(started(1, 2))
    assert (list(book.runs), list(book.rows), book.counts) == before


def test_only_the_last_notes_are_kept() -> None:
    book = ledger()
    for number in range(NOTES + 10):
        book.apply(Note(float(number), "x"))
    assert [note.at for note in book.notes] == [float(n) for n in range(10, NOTES + 10)]


def test_a_known_reset_does_not_touch_done_again() -> None:
    book = ledger(1)
    records: list[Record] = [started(1), Returned(1, 1, 0.5), Reset(1, 2, 9.0, calls=0), started(1, 3)]
    book.apply_all(records)
    book.hook = s.DoneHook(s.HookDone(9.0, 1.0), calls=0)
    book.apply_all(records)
    assert isinstance(book.hook.status, s.HookDone)


def test_done_after_a_reset_is_found_done_in_whatever_order_it_is_read() -> None:
    book = ledger(1)
    book.apply_all(
        [
            DoneReturned(2, 30.0, 1.0),
            Reset(1, 2, 9.0, calls=1),
            DoneStarted(2, 29.0),
            DoneReturned(1, 8.0, 1.0),
            DoneStarted(1, 7.0),
        ]
    )
    assert book.hook == s.DoneHook(s.HookDone(30.0, 1.0), calls=2)


def test_the_time_of_the_last_save_only_grows() -> None:
    book = ledger()
    book.apply(Started(1, 1, 0, 100.0, "", 0))
    book.apply(Started(2, 1, 0, 50.0, "", 0))
    book.apply(Saved(1, 1, 1, 1000, Raw(b"1")))
    book.apply(Saved(2, 1, 1, 1000, Raw(b"1")))
    assert book.saved_at == 101.0
