"""Every legal and illegal transition of a run and of done(), and that folding twice is harmless."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pyalma_tui.errors import IllegalTransitionError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import EARLIER_LENGTH, Run, fold, fold_hook, lost_before, what_was
from pyalma_tui.model.records import (
    DoneRaised,
    DoneReturned,
    DoneStarted,
    Imported,
    Lost,
    Progressed,
    Raised,
    Reset,
    Restored,
    Returned,
    RunRecord,
    Saved,
    Started,
    Stopped,
    order,
)
from tests.model.histories import ERROR, histories

NEW = Run(id=7, instance=3, iteration=1, seed=99)


def started(attempt: int = 1) -> Started:
    return Started(7, attempt, 2, 100.0, "abc", 4711, "lab")


def saved(number: int, attempt: int = 1, text: bytes = b'"s"') -> Saved:
    return Saved(7, attempt, number, 1500, Raw(text))


def after(*records: RunRecord, run: Run = NEW) -> Run:
    for record in records:
        run = fold(run, record)
    return run


RUNNING = after(started(), saved(1))
RETURNED, RAISED = Returned(7, 1, 3.0), Raised(7, 1, 3.0, ERROR)
STOPPED, LOST = Stopped(7, 1, 3.0, 120.0, "interrupted"), Lost(7, 1, 3.0, 120.0, ERROR)


def test_a_start_makes_a_run_running_with_its_slot_and_time() -> None:
    run = fold(NEW, started())
    assert run.status == s.Running(attempt=1, slot=2, since=100.0, pid=4711)
    assert (run.attempt, run.module, run.state) == (1, "abc", None)


def test_what_an_attempt_has_imported_is_its_code_whenever_that_is_told_and_no_later_one_s() -> None:
    told = Imported(7, 1, "more")
    for ended in (RETURNED, RAISED, STOPPED, LOST):
        assert after(started(), told, ended) == after(started(), ended, told)
        assert after(started(), ended, told).module == "more"
    again = after(started(), RAISED, started(2))
    assert fold(again, told) == again
    reset = after(started(), RETURNED, Reset(7, 2, 9.0, 0))
    assert fold(reset, told) == reset
    assert fold(NEW, told) == NEW, "where the start is lost, nobody knows that it was called"


def test_where_and_when_the_last_attempt_began_is_known_after_it_ended_until_it_is_forgotten() -> None:
    ended = after(started(), saved(1), RAISED)
    assert (ended.began, ended.slot, ended.host) == (100.0, 2, "lab")
    again = fold(ended, Started(7, 2, 5, 300.0, "def", 4712, "cluster"))
    assert (again.began, again.slot, again.host) == (300.0, 5, "cluster")
    forgotten = fold(ended, Reset(7, 2, 400.0, 0))
    assert (forgotten.began, forgotten.slot, forgotten.host) == (None, None, "")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (s.Done(at=1.0, duration=1.0), "returned"),
        (s.Failed(s.Error("ValueError: no"), at=1.0), "ValueError: no"),
        (s.Interrupted("interrupted by SIGINT", at=1.0), "interrupted by SIGINT"),
        (s.Running(1, 0, 1.0), None),
        (s.PENDING, None),
    ],
)
def test_every_end_has_its_reason(status: s.Status, reason: str | None) -> None:
    assert s.reason(status) == reason


ENDS: dict[str, tuple[RunRecord, s.Status]] = {
    "returned": (RETURNED, s.Done(at=103.0, duration=3.0)),
    "raised": (RAISED, s.Failed(error=ERROR, at=103.0)),
    "stopped": (STOPPED, s.Interrupted(why="interrupted", at=120.0)),
    "lost": (LOST, s.Failed(error=ERROR, at=120.0)),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_tells_where_the_run_stands_and_keeps_its_state(end: str) -> None:
    record, status = ENDS[end]
    run = fold(RUNNING, record)
    assert run.status == status
    assert (run.state, run.saves, run.seconds) == (b'"s"', 1, 3.0)


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_only_the_first_end_of_an_attempt_counts(first: str, second: str) -> None:
    ended = fold(RUNNING, ENDS[first][0])
    assert fold(ended, ENDS[second][0]) is ended


@pytest.mark.parametrize("end", ["raised", "stopped", "lost"])
def test_a_run_that_did_not_return_is_started_again_with_its_state(end: str) -> None:
    run = after(ENDS[end][0], started(2), run=RUNNING)
    assert isinstance(run.status, s.Running)
    assert (run.attempt, run.last_save, run.state, run.saves) == (2, 0, b'"s"', 1)


@pytest.mark.parametrize("run", [RUNNING, fold(RUNNING, RETURNED)], ids=["running", "done"])
def test_a_start_of_a_run_that_is_running_or_done_is_illegal(run: Run) -> None:
    with pytest.raises(IllegalTransitionError, match="run 7: 'started' of attempt 2 while it is") as caught:
        fold(run, started(2))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "record",
    [
        saved(1, 3),
        Progressed(7, 3, 1.0, 2.0),
        Returned(7, 3, 1.0),
        Raised(7, 3, 1.0, ERROR),
        Stopped(7, 3, 1.0, 1.0, ""),
    ],
    ids=lambda record: type(record).__name__,
)
@pytest.mark.parametrize("run", [NEW, RUNNING, fold(RUNNING, RAISED)], ids=["pending", "running", "failed"])
def test_a_record_of_an_attempt_that_never_started_is_illegal(run: Run, record: RunRecord) -> None:
    with pytest.raises(IllegalTransitionError):
        fold(run, record)


def test_an_attempt_can_be_lost_before_its_start_could_be_recorded() -> None:
    run = fold(NEW, Lost(7, 1, None, 50.0, ERROR))
    assert (run.status, run.attempt) == (s.Failed(ERROR, 50.0), 1)
    assert fold(run, started(1)) is run
    for busy in (RUNNING, fold(RUNNING, RETURNED)):
        with pytest.raises(IllegalTransitionError):
            fold(busy, Lost(7, 2, None, 50.0, ERROR))


def test_a_reset_of_a_running_run_is_illegal() -> None:
    with pytest.raises(IllegalTransitionError, match="'reset'"):
        fold(RUNNING, Reset(7, 2, 1.0, 0))


@pytest.mark.parametrize("end", ENDS)
def test_a_reset_forgets_everything_but_who_the_run_is(end: str) -> None:
    run = after(ENDS[end][0], Reset(7, 2, 130.0, 0), run=RUNNING)
    assert run == msgspec.structs.replace(NEW, attempt=2)


@pytest.mark.parametrize("end", ENDS)
def test_a_reset_that_is_taken_back_leaves_what_there_was_and_a_later_attempt(end: str) -> None:
    ended = after(saved(2, text=b'"\xc3\xa9"'), ENDS[end][0], run=RUNNING)
    back = after(Reset(7, 2, 130.0, 0), Restored(7, 3, 131.0, what_was(ended)), run=ended)
    assert back == msgspec.structs.replace(ended, attempt=3, ran=1)
    assert back.called == 1
    again = after(Reset(7, 4, 132.0, 0), Restored(7, 5, 133.0, what_was(back)), run=back)
    assert again == msgspec.structs.replace(ended, attempt=5, ran=1)
    assert fold(again, Restored(7, 5, 133.0, what_was(back))) is again
    for late in (saved(9), RETURNED, RAISED, STOPPED, LOST, Reset(7, 4, 0.0, 0), Restored(7, 3, 1.0, what_was(ended))):
        assert fold(again, late) is again


def test_what_has_begun_since_it_was_reset_stays_whatever_is_taken_back() -> None:
    ended = fold(RUNNING, RAISED)
    late = Restored(7, 3, 131.0, what_was(ended))
    for began in (started(3), started(4)):
        begun = after(Reset(7, 2, 130.0, 0), began, run=ended)
        assert fold(begun, late) is begun
    with pytest.raises(IllegalTransitionError, match="'restored'"):
        fold(RUNNING, late)  # its end and its reset are lost
    assert after(*lost_before(RUNNING, late), late, run=RUNNING).status == ended.status


def test_records_of_earlier_attempts_change_nothing_after_a_reset() -> None:
    run = after(RAISED, Reset(7, 2, 130.0, 0), run=RUNNING)
    for late in (saved(9), RETURNED, RAISED, STOPPED, LOST, started(1), started(2), Reset(7, 2, 0.0, 0)):
        assert fold(run, late) is run


def test_of_saves_only_higher_numbers_count_and_tell_how_many_there_were() -> None:
    run = fold(RUNNING, saved(50, text=b'"fifty"'))
    assert (run.state, run.saves, run.last_save) == (b'"fifty"', 50, 50)
    assert run.saved_at == 101.5
    assert fold(run, saved(50, text=b'"again"')) is run
    assert fold(run, saved(49, text=b'"late"')) is run


def test_saves_are_counted_over_all_attempts() -> None:
    run = after(saved(4), RAISED, started(2), saved(2, 2), run=RUNNING)
    assert run.saves == 6


def test_the_two_states_before_are_kept_newest_first_and_cut() -> None:
    run = after(*[saved(n, text=b'"%s"' % (b"x" * 500 if n == 3 else b"%d" % n)) for n in (2, 3, 4)], run=RUNNING)
    assert run.earlier == (b'"' + b"x" * (EARLIER_LENGTH - 1), b'"2"')


def test_progress_is_shown_while_running_and_forgotten_at_the_next_start() -> None:
    run = fold(RUNNING, Progressed(7, 1, 3.0, 4.0))
    assert run.progress == (3.0, 4.0)
    assert after(RAISED, started(2), run=run).progress is None


def test_an_end_that_nobody_saw_counts_to_the_last_save() -> None:
    assert fold(RUNNING, Stopped(7, 1, None, 500.0, "")).seconds == 1.5
    assert after(started(), Stopped(7, 1, None, 500.0, "")).seconds == 0.0


def test_an_end_that_nobody_saw_does_not_count_a_save_of_an_earlier_attempt() -> None:
    again = after(RAISED, started(2), run=RUNNING)
    assert fold(again, Lost(7, 2, None, 500.0, ERROR)).seconds == 3.0


@given(histories(), st.data())
def test_folding_any_part_of_a_history_again_changes_nothing(records: list[RunRecord], data: st.DataObject) -> None:
    once = after(*records, run=Run(1, 0, 0, 0))
    again = records[: data.draw(st.integers(0, len(records)))]
    assert after(*again, run=once) == once


@given(histories(), st.data())
def test_shuffled_records_of_a_history_fold_to_the_same_when_sorted(
    records: list[RunRecord], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(records))
    run = Run(1, 0, 0, 0)
    assert after(*sorted(shuffled, key=order), run=run) == after(*records, run=run)


@given(histories(), st.data())
def test_whatever_records_are_lost_what_is_left_folds_with_what_must_have_been(
    records: list[RunRecord], data: st.DataObject
) -> None:
    left = [record for record in records if data.draw(st.booleans())]
    run = Run(1, 0, 0, 0)
    for record in left:
        try:
            run = fold(run, record)
        except IllegalTransitionError:
            run = after(*lost_before(run, record), record, run=run)
    kept = [record for record in left if not isinstance(record, Imported)]
    if kept:
        assert run.attempt == kept[-1].attempt
        whole = after(*records, run=Run(1, 0, 0, 0))
        if kept[-1] is [record for record in records if not isinstance(record, Imported)][-1]:
            assert s.word(run.status) == s.word(whole.status)


def test_a_start_right_after_done_cannot_be_made_up_for() -> None:
    done = fold(RUNNING, RETURNED)
    assert [fold(done, record) for record in lost_before(done, started(2))] == [done]  # no room for a reset
    with pytest.raises(IllegalTransitionError):
        fold(done, started(2))
    assert isinstance(after(*lost_before(done, started(3)), started(3), run=done).status, s.Running)


# --- done() ------------------------------------------------------------------------------------------------------

HOOK = s.DoneHook()
CALLED = fold_hook(HOOK, DoneStarted(1, 10.0))


def test_done_is_running_from_its_start_to_its_end() -> None:
    assert fold_hook(HOOK, DoneStarted(1, 10.0)) == s.DoneHook(s.HookRunning(10.0), calls=1)
    assert fold_hook(CALLED, DoneReturned(1, 12.0, 2.0)) == s.DoneHook(s.HookDone(12.0, 2.0), calls=1)
    assert fold_hook(CALLED, DoneRaised(1, 12.0, ERROR)) == s.DoneHook(s.HookFailed(ERROR, 12.0), calls=1)


def test_known_records_of_done_change_nothing() -> None:
    ended = fold_hook(CALLED, DoneReturned(1, 12.0, 2.0))
    for record in (DoneStarted(1, 10.0), DoneReturned(1, 12.0, 2.0), DoneRaised(1, 13.0, ERROR)):
        assert fold_hook(ended, record) is ended
    second = fold_hook(ended, DoneStarted(2, 20.0))
    assert fold_hook(second, DoneReturned(1, 12.0, 2.0)) is second


def test_a_cut_off_call_may_still_turn_out_to_have_returned() -> None:
    cut_off = msgspec.structs.replace(CALLED, status=s.HookCutOff(10.0))
    assert fold_hook(cut_off, DoneReturned(1, 12.0, 2.0)).status == s.HookDone(12.0, 2.0)


def test_a_call_whose_start_was_lost_is_not_called_again() -> None:
    assert fold_hook(HOOK, DoneReturned(1, 12.0, 2.0)) == s.DoneHook(s.HookDone(12.0, 2.0), calls=1)


@pytest.mark.parametrize("status", [s.HookDone(1.0, 1.0), s.HookFailed(ERROR, 1.0), s.HookCutOff(1.0)])
def test_a_reset_puts_another_completion_ahead(status: s.HookStatus) -> None:
    hook = s.DoneHook(status, calls=1)
    assert fold_hook(hook, Reset(7, 2, 1.0, calls=1)) == s.DoneHook(s.HookNotYet(), calls=1)
    assert fold_hook(hook, Reset(7, 2, 1.0, calls=0)) is hook  # done() was called after it


@pytest.mark.parametrize("end", [DoneReturned(1, 12.0, 2.0), DoneRaised(1, 12.0, ERROR)])
def test_a_reset_while_done_is_called_folds_the_same_live_and_after_reopening(end: DoneReturned | DoneRaised) -> None:
    reset = Reset(7, 2, 11.0, calls=1)
    live = fold_hook(fold_hook(CALLED, reset), end)
    reopened = fold_hook(fold_hook(CALLED, end), reset)
    assert live == reopened == s.DoneHook(s.HookNotYet(), calls=1)
