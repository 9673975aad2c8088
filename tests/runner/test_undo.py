"""What a person did is taken back, the newest step first, as far as its runs have not begun since."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given as generated
from hypothesis import settings
from hypothesis import strategies as st

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.completion import identity_of
from pyalma_tui.model.records import DoneReturned, Raised, Restored
from pyalma_tui.model.status import Error
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.dispatch import done_is_due
from pyalma_tui.runner.instructions import Instruction
from tests.runner.stage import Stage

ERROR = Error("ValueError: no")


def said(told: Iterable[Instruction]) -> list[str]:
    return [each.text for each in told if isinstance(each, i.Say)]


def restored(told: Iterable[Instruction]) -> list[int]:
    return [each.record.run for each in told if isinstance(each, i.Write) and isinstance(each.record, Restored)]


def given(told: Iterable[Instruction]) -> list[int]:
    return [each.order.run for each in told if isinstance(each, i.Give) and isinstance(each.order, m.RunOrder)]


def ended(*ends: str) -> Stage:
    """A stage on which each run has been called and has ended like this, paused."""
    stage = Stage(len(ends), workers=1)
    stage.tell(i.Tick(planned=True))
    stage.come(1)
    for number, end in enumerate(ends, start=1):
        stage.begins(1)
        stage.saves(1, b'"state of %d"' % number)
        if end == "failed":
            stage.record(Raised(number, 1, 2.0, ERROR))
            stage.ends(1)
        else:
            stage.returns(1)
    return stage


def test_what_was_forgotten_is_what_it_was_and_waits_no_more() -> None:
    stage = ended("done", "failed")
    stage.tell(c.Pause(True))
    before = [stage.run(1), stage.run(2)]
    stage.tell(c.Forget((1, 2)))
    assert [stage.word(n) for n in (1, 2)] == ["pending", "pending"]
    told = stage.tell(c.Undo())
    assert said(told) == ["undone: forget of 2 runs (i0, i1)"]
    assert restored(told) == [1, 2]
    for old in before:
        now = stage.run(old.id)
        assert (now.status, now.state, now.saves, now.seconds) == (old.status, old.state, old.saves, old.seconds)
        assert (now.called, now.attempt) == (1, 3), "the attempt that ran is known, and late writers are fenced off"
    assert not given(stage.tell(c.Pause(False)))
    assert said(stage.tell(c.Undo()))[0].startswith("nothing to undo")


def test_a_failure_that_is_there_again_is_no_new_one() -> None:
    stage = ended("failed")
    stage.tell(c.Pause(True), c.SetLimits(c.Limits(None, 3)), c.Forget((1,)), c.Undo(), c.Pause(False))
    assert not stage.state.retries
    assert not given(stage.passes(3600.0))


def test_what_waited_before_it_was_forgotten_waits_again() -> None:
    stage = ended("failed")
    stage.tell(c.Pause(True), c.Retry((1,)), c.Forget((1,)), c.Undo())
    assert stage.word(1) == "failed"
    assert 1 in stage.state.queue
    assert said(stage.tell(c.Undo())) == ["undone: retry of 1 run (i0)"]
    assert 1 not in stage.state.queue


def test_of_what_has_begun_since_nothing_is_taken_back_and_that_is_told() -> None:
    stage = ended("done", "done")
    told = stage.tell(c.Forget((1, 2)))  # the worker begins one of them at once
    [begun] = given(told)
    told = stage.tell(c.Undo())
    [other] = {1, 2} - {begun}
    assert restored(told) == [other]
    assert said(told) == [f"undone: forget of 1 run (i{other - 1}); 1 run has begun since"]
    assert stage.word(begun) == "pending"
    stage.begins(1)
    assert stage.word(begun) == "running"
    stage.returns(1)
    stage.tell(c.Forget((1,)))
    stage.begins(1)
    told = stage.tell(c.Undo())
    assert not restored(told)
    assert said(told) == ["forget cannot be undone: 1 run (i0) has begun since, or been changed otherwise"]


def test_a_retry_is_taken_back_for_those_that_wait_still() -> None:
    stage = ended("failed", "failed", "failed")
    [begun] = given(stage.tell(c.Retry()))
    told = stage.tell(c.Undo())
    assert begun == 1
    assert said(told) == ["undone: retry of 2 runs (i1, i2); 1 run has begun since"]
    assert len(stage.state.queue) == 0


def test_what_was_first_is_so_again() -> None:
    stage = ended("done", "failed", "failed")
    stage.tell(c.Pause(True), c.Retry((2,)), c.Next((2,)), c.Next((3,)))
    assert list(stage.state.queue.first) == [3, 2]
    assert said(stage.tell(c.Undo())) == ["undone: run next of 1 run (i2)"]
    assert list(stage.state.queue.first) == [2]
    assert 3 not in stage.state.queue
    stage.tell(c.Undo())
    assert not stage.state.queue.first
    assert 2 in stage.state.queue
    assert said(stage.tell(c.Undo())) == ["undone: retry of 1 run (i1)"]


def test_what_was_removed_is_called_no_more_and_is_what_it_was_when_it_is_put_back() -> None:
    stage = ended("done", "failed", "failed")
    stage.tell(c.Pause(True), c.Retry((2,)))
    before = [stage.run(1), stage.run(2)]
    told = stage.tell(c.Remove((0, 1)))
    assert i.Replan() in told
    assert said(told) == ["removed 2 instances (i0, i1); u puts them back while this session lasts"]
    assert (stage.state.ledger.counts.total, stage.state.order) == (1, [3])
    assert [each.removed for each in stage.state.ledger.instances] == [True, True, False]
    stage.tell(c.Retry(), c.Resume((1, 2)), c.Next((1, 2)), c.Forget((1, 2)))
    assert list(stage.state.queue.first) == []
    assert [run in stage.state.queue for run in (1, 2, 3)] == [False, False, True]
    stage.tell(c.Undo())  # the retry of 3
    told = stage.tell(c.Undo())
    assert i.Replan() in told
    assert said(told) == ["undone: removal of 2 instances (i0, i1)"]
    assert [stage.run(1), stage.run(2)] == before
    assert stage.state.order == [1, 2, 3]
    assert [run in stage.state.queue for run in (1, 2, 3)] == [False, True, False]
    assert not stage.state.ledger.forgotten


def test_what_was_forgotten_before_it_was_removed_is_what_it_was_after_both_are_undone() -> None:
    stage = ended("done")
    before = stage.run(1)
    stage.tell(c.Pause(True), c.Forget((1,)), c.Remove((0,)), c.Undo())
    assert stage.word(1) == "pending"
    stage.tell(c.Undo())
    assert (stage.run(1).status, stage.run(1).state) == (before.status, before.state)


def test_what_runs_is_not_removed_nor_what_was_marked_with_it() -> None:
    stage = Stage(2)
    stage.tell(i.Tick(planned=True))
    stage.come(1)
    stage.begins(1)
    [told] = said(stage.tell(c.Remove((0, 1))))
    assert told == "nothing removed: 1 run (i0) is running; interrupt first"
    assert stage.state.ledger.counts.total == 2


@pytest.mark.parametrize("again", [True, False])
def test_the_last_that_is_not_done_is_removed_and_done_is_called_once_for_each_set_of_results(again: bool) -> None:
    stage = ended("done", "failed")
    stage.state.has_done, stage.state.ledger.hook = True, s.DoneHook()
    stage.tell(c.Remove((1,)))
    assert done_is_due(stage.state)
    one = identity_of([stage.run(1)])
    stage.state.ledger.hook = s.DoneHook(s.HookDone(9.0, 1.0), calls=1, identity=one)
    stage.tell(c.Undo())
    assert isinstance(stage.state.ledger.hook.status, s.HookNotYet)
    if again:
        stage.tell(c.Remove((1,)))
        hook = stage.state.ledger.hook
        assert hook.status == s.HookDone(9.0, 1.0), "it was called for these"


@pytest.mark.parametrize("undone", [True, False])
def test_a_completion_is_ahead_after_a_reset_unless_that_is_taken_back(undone: bool) -> None:
    stage = ended("done", "done")
    identity = identity_of([stage.run(1), stage.run(2)])
    hook = stage.state.ledger.hook = s.DoneHook(s.HookDone(9.0, 1.0), calls=1, identity=identity)
    stage.state.has_done = True
    stage.tell(c.Pause(True), c.Forget((1,)))
    assert isinstance(stage.state.ledger.hook.status, s.HookNotYet)
    if undone:
        stage.tell(c.Undo())
        assert stage.state.ledger.hook.status == hook.status
    assert done_is_due(stage.state) is False
    stage.tell(c.Pause(False), *([] if undone else [c.Resume()]))
    if not undone:
        stage.begins(1)
        stage.returns(1)
    assert done_is_due(stage.state) is not undone


def test_a_reset_while_done_is_called_puts_none_ahead_if_it_is_taken_back() -> None:
    stage = ended("done")
    identity = identity_of([stage.run(1)])
    stage.state.ledger.hook = s.DoneHook(s.HookRunning(9.0), calls=1, identity=identity)
    stage.tell(c.Pause(True), c.Forget((1,)), c.Undo())
    stage.record(DoneReturned(1, 9.0, 1.0))
    assert isinstance(stage.state.ledger.hook.status, s.HookDone)


@settings(max_examples=150)
@generated(st.lists(st.sampled_from(["x1", "x2", "x12", "u", "begin", "return", "fail"]), max_size=14))
def test_any_sequence_of_resets_undos_and_starts_is_legal_and_never_loses_what_ran(steps: list[str]) -> None:
    stage = ended("done", "failed")
    for step in steps:
        match step:
            case "u":
                waiting = {n: stage.state.ledger.forgotten.get(n) for n in (1, 2)}
                for number in restored(stage.tell(c.Undo())):
                    was = waiting[number]
                    assert was is not None
                    assert stage.run(number).status == was.status
                    assert stage.run(number).state == was.state
            case "begin" if any(seat.run and stage.word(seat.run) != "running" for seat in stage.state.seats.values()):
                stage.begins(1)
            case "return" | "fail" if any(
                seat.run and stage.word(seat.run) == "running" for seat in stage.state.seats.values()
            ):
                run = stage.running(1)
                if step == "fail":
                    stage.record(Raised(run.run, run.attempt, 1.0, ERROR))
                    stage.ends(1)
                else:
                    stage.returns(1)
            case "x1" | "x2" | "x12":
                stage.tell(c.Forget(tuple(int(n) for n in step[1:])))
            case _:
                pass
        for number in stage.state.ledger.forgotten:
            assert stage.word(number) == "pending"
