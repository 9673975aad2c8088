"""One order ahead: when it is given, and that nothing is decided about a run that may have begun."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyalma_tui.model import messages as m
from pyalma_tui.model.records import Returned
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.ahead import BRISK
from pyalma_tui.runner.instructions import Instruction
from pyalma_tui.runner.state import Leaving, Policy, Ready
from pyalma_tui.runner.workers.protocol import AgentGone, Said
from tests.runner.stage import Stage, at_work, given


def ahead(instructions: list[Instruction]) -> list[tuple[int, int]]:
    """Worker and run of what is laid ready."""
    return [(each.worker, each.order.run) for each in instructions if isinstance(each, i.GiveAhead)]


def recalled(instructions: list[Instruction]) -> list[tuple[int, int]]:
    """Worker and run of what is to come back."""
    return [(each.worker, each.run) for each in instructions if isinstance(each, i.Recall)]


def brisk(runs: int = 4, **how: object) -> Stage:
    """Worker 1 calls run 2 and has run 3 ahead: run 1 took no time."""
    stage = at_work(runs, workers=1, brisk=True, **how)
    told = stage.returns(1)
    assert (given(told), ahead(told)) == ([(1, 2)], [(1, 3)])
    stage.begins(1)
    return stage


def come_back(stage: Stage) -> list[Instruction]:
    return stage.tell(i.Recalled(1, 3, back=True))


def test_a_worker_goes_on_with_what_lies_ready() -> None:
    stage = brisk()
    told = stage.returns(1)
    assert stage.running(1).run == 3
    assert (given(told), ahead(told)) == ([], [(1, 4)])


def test_who_takes_long_has_nothing_ahead() -> None:
    stage = at_work(3, workers=1)
    told = stage.returns(1)
    assert (given(told), ahead(told)) == ([(1, 2)], [])


def test_a_worker_for_so_many_runs_has_no_more_ahead() -> None:
    stage = at_work(4, workers=1, brisk=True, policy=Policy(runs_per_worker=2))
    told = stage.returns(1)
    assert (given(told), ahead(told)) == ([(1, 2)], [])


def test_what_lies_ready_comes_back_when_the_run_before_it_lasts() -> None:
    stage = brisk()
    assert recalled(stage.passes(BRISK)) == [(1, 3)]
    told = come_back(stage)
    assert (given(told), ahead(told)) == ([], [])
    assert given(stage.returns(1)) == [(1, 3)]


def test_what_lies_ready_comes_back_for_a_worker_that_has_nothing_to_do() -> None:
    stage = Stage(4, workers=2, brisk=True)
    stage.passes(0)
    stage.come(1)
    stage.begins(1)
    stage.returns(1)
    stage.begins(1)
    stage.returns(1)  # calls 3, has 4 ahead
    assert recalled(stage.come(2)) == [(1, 4)]
    assert given(stage.tell(i.Recalled(1, 4, back=True))) == [(2, 4)]


@pytest.mark.parametrize(
    ("command", "waits"), [(c.Pause(True), True), (c.Interrupt((3,)), False), (c.Interrupt(), False), (c.Quit(), False)]
)
def test_a_command_waits_until_it_is_known_what_has_begun(command: c.Command, waits: bool) -> None:
    """Otherwise a run would be begun after a pause, or that somebody wants no more."""
    stage = brisk()
    told = stage.tell(command)
    assert recalled(told) == [(1, 3)]
    assert len(told) == 1
    told = come_back(stage)
    assert ahead(told) == []
    assert not stage.state.held
    assert stage.seat(1).ahead is None
    assert stage.state.queue.discard(3) == waits


def test_what_was_begun_before_an_interrupt_is_interrupted() -> None:
    stage = brisk()
    stage.tell(c.Interrupt())
    stage.record(Returned(2, 1, 0.0))
    stage.tell(Said(1, m.Ended(2, 1)))  # it has taken run 3
    told = stage.tell(i.Recalled(1, 3, back=False))
    assert i.Ask(1, m.InterruptAttempt(3, 1)) in told


@pytest.mark.parametrize(
    "ended", [m.Ended(2, 1, worn="has changed limits"), m.Ended(2, 1, m.Refused("full", own=True))]
)
def test_what_lies_ready_comes_back_from_a_worker_that_was_done_harm(ended: m.Ended) -> None:
    stage = brisk()
    stage.record(Returned(2, 1, 0.0))
    told = stage.tell(Said(1, ended))
    assert recalled(told) == [(1, 3)]
    assert given(told) == []
    assert isinstance(stage.seat(1).doing, Leaving if ended.worn else Ready)
    assert given(come_back(stage)) == ([] if ended.worn else [(1, 3)])


@pytest.mark.parametrize("die", [lambda stage: stage.dies(1), lambda stage: stage.tell(AgentGone("ends", 0))])
def test_what_lies_ready_waits_again_when_its_worker_is_gone(die: Callable[[Stage], object]) -> None:
    stage = brisk()
    die(stage)
    assert stage.state.queue.discard(3)
    assert stage.run(3).attempt == 0


def test_what_cannot_lie_ready_waits() -> None:
    stage = brisk()
    come_back(stage)  # what the agent says that could not lay it there
    assert ahead(stage.tell(i.Tick())) == []
    assert given(stage.returns(1)) == [(1, 3)]
