"""A worker that is gone with its place: nobody is to blame, and what it called goes on elsewhere."""

from __future__ import annotations

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.retries import CRASHES
from pyalma_tui.runner.workers.protocol import Remarked, Taken
from tests.runner.stage import Stage

WHY = "host lost: node1"


def at_work(runs: int = 1) -> Stage:
    stage = Stage(runs)
    stage.passes(0)
    stage.come(1)
    stage.begins(1)
    return stage


def test_its_run_is_interrupted_and_goes_on_with_what_it_had_saved_however_often() -> None:
    stage = at_work()
    for worker in range(1, 8):  # more than the crashes after which a run is given up
        stage.saves(worker)
        told = stage.tell(Taken(worker, WHY))
        stopped = stage.state.ledger.run(1).status
        assert isinstance(stopped, s.Interrupted)
        assert stopped.why == WHY
        assert any(isinstance(each, i.StartWorker) for each in told)
        [order] = [each.order for each in stage.come(worker + 1) if isinstance(each, i.Give)]
        assert isinstance(order, m.RunOrder)
        assert order.attempt == worker + 1
        stage.begins(worker + 1)


def test_what_ends_the_agent_of_one_place_after_another_fails_as_it_would_here() -> None:
    stage = at_work()
    for worker in range(1, CRASHES + 1):
        assert isinstance(stage.state.ledger.run(1).status, s.Running)
        stage.tell(Taken(worker, WHY, fell=True))
        if worker < CRASHES:
            stage.come(worker + 1)
            stage.begins(worker + 1)
    failed = stage.state.ledger.run(1).status
    assert isinstance(failed, s.Failed)
    assert failed.error.message == f"{WHY}; {CRASHES} workers were lost under this run"
    assert not len(stage.state.queue)


def test_a_run_that_had_not_begun_waits_again_in_the_same_attempt() -> None:
    stage = Stage(1)
    stage.passes(0)
    stage.come(1)
    stage.tell(Taken(1, WHY))
    assert stage.state.ledger.run(1).attempt == 0
    assert any(isinstance(each, i.Give) for each in stage.come(2))


def test_a_run_that_was_asked_to_stop_stays_interrupted() -> None:
    stage = at_work()
    stage.tell(c.Interrupt((1,)))
    stage.tell(Taken(1, WHY))
    assert isinstance(stage.state.ledger.run(1).status, s.Interrupted)
    assert not len(stage.state.queue)


def test_what_a_place_has_to_tell_is_said() -> None:
    assert i.Say("node1 has come") in Stage(1).tell(Remarked("node1 has come"))
