"""What is decided: which instructions follow from which events, without a process, a file or a clock."""

from __future__ import annotations

from signal import SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGTERM

import pytest

from pyalma_tui.errors import LoadError, ShortageError, StoreError
from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.completion import identity_of
from pyalma_tui.model.ending import SESSION_ENDED
from pyalma_tui.model.records import DoneRaised, DoneStarted, Lost, Raised, Reset, Returned, Stopped
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.deaths import AGENT_ENDED
from pyalma_tui.runner.instructions import Event
from pyalma_tui.runner.retries import CRASHES
from pyalma_tui.runner.state import Absent, Loading, Parting, Policy
from pyalma_tui.runner.steps import all_done
from pyalma_tui.runner.workers.protocol import AgentGone, Said
from pyalma_tui.store.ledger import Ledger
from tests.runner.stage import Stage, at_work, called, dismissed, given, hired, said, written

ERROR = s.Error("no such thing")
FULL = m.Refused("No space left on device", room=True)
READ_ONLY = m.Refused("Read-only file system")


# --- orders and workers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("runs", "workers", "wanted"), [(3, 2, 2), (2, 8, 2), (1, 1, 1)])
def test_workers_are_started_as_long_as_runs_wait_for_one(runs: int, workers: int, wanted: int) -> None:
    stage = Stage(runs, workers=workers)
    assert stage.passes(0) == [i.StartWorker(n + 1, n) for n in range(wanted)]
    assert not stage.passes(0.1)


def test_nothing_is_begun_before_run_ids_mean_something() -> None:
    stage = Stage()
    assert not stage.tell(i.Tick(planned=False))
    assert hired(stage.tell(i.Tick(planned=True))) == [(1, 0)]


def test_an_agent_is_started_where_there_is_none_and_workers_when_it_has_loaded() -> None:
    stage = Stage(2, workers=2, agent=False)
    assert stage.passes(0) == [i.StartAgent()]
    assert not stage.passes(5)
    assert hired(stage.tell(m.Loaded("", False, None))) == [(1, 0), (2, 1)]


def test_a_worker_that_serves_gets_the_next_run_in_order_of_dispatch() -> None:
    stage = Stage(3, workers=2)
    stage.passes(0)
    assert given(stage.come(2)) == [(2, 1)]
    assert given(stage.come(1)) == [(1, 2)]
    stage.begins(2)
    assert given(stage.returns(2)) == [(2, 3)]


def test_an_order_carries_the_state_the_attempt_and_the_limit() -> None:
    stage = at_work(timeout=30.0)
    stage.saves(1, b'{"x":1}')
    stage.tell(c.Interrupt((1,)))
    stage.stops(1)
    [order] = [each.order for each in stage.tell(c.Resume((1,))) if isinstance(each, i.Give)]
    assert isinstance(order, m.RunOrder)
    assert (order.run, order.attempt, bytes(order.state), order.timeout) == (1, 2, b'{"x":1}', 30.0)


def test_a_worker_without_work_lingers_then_is_let_go() -> None:
    stage = at_work()
    assert not dismissed(stage.returns(1))
    assert not stage.passes(1.9)
    assert stage.passes(0.1) == [i.Give(1, m.Exit())]
    assert not stage.leaves(1)
    assert not stage.state.seats


def test_a_worker_that_is_leaving_is_replaced_when_it_has_left() -> None:
    stage = at_work()
    stage.returns(1)
    stage.passes(2)
    assert not hired(stage.tell(c.Forget((1,))))
    assert hired(stage.leaves(1)) == [(2, 0)]


def test_what_a_leaving_worker_had_still_said_gives_it_nothing() -> None:
    stage = Stage(1)
    stage.passes(0)
    stage.tell(c.Interrupt())
    stage.tell(c.Resume())
    assert not stage.tell(Said(1, m.Serving()))


def test_workers_beyond_the_wanted_number_end_with_their_run() -> None:
    stage = at_work(4, workers=2)
    assert i.Remember({"workers": 1}) in stage.tell(c.SetWorkers(1))
    assert dismissed(stage.returns(2)) == [2]
    assert given(stage.returns(1)) == [(1, 3)]
    assert not hired(stage.leaves(2))


def test_more_workers_are_started_at_once_when_more_are_wanted() -> None:
    stage = at_work(4, workers=1)
    told = stage.tell(c.SetWorkers(3))
    assert said(told) == ["workers 1 → 3"]
    assert hired(told) == [(2, 1), (3, 2)]


@pytest.mark.parametrize("workers", [0, -1, 2])
def test_a_number_of_workers_that_is_none_or_no_other_changes_nothing(workers: int) -> None:
    assert not at_work(2).tell(c.SetWorkers(workers))


def test_workers_of_whom_there_is_no_process_yet_are_given_up_when_fewer_are_wanted() -> None:
    """A place for them may be hours away, in the queue of a scheduler."""
    stage = Stage(9, workers=4)
    stage.passes(0)
    stage.come(1)
    stage.tell(m.Born(2, 102))
    assert dismissed(stage.tell(c.SetWorkers(1))) == [4, 3], "the second one imports, and is here at once"
    assert not hired([*stage.leaves(4), *stage.leaves(3)])


def test_workers_of_whom_there_is_no_process_yet_are_given_up_when_no_run_is_left_for_them() -> None:
    stage = Stage(3, workers=3)
    stage.passes(0)
    assert not dismissed([*stage.come(1), *stage.begins(1)])
    assert dismissed(stage.returns(1)) == [3]
    stage.begins(1)
    stage.leaves(3)
    assert dismissed(stage.returns(1)) == [2]
    assert not hired(stage.leaves(2))


def test_never_more_runs_are_called_than_workers_are_wanted_once_those_beyond_have_ended() -> None:
    stage = at_work(6, workers=3)
    stage.tell(c.SetWorkers(1))
    assert dismissed(stage.returns(1)) == [1]
    assert not hired(stage.leaves(1)), "two still run where one is wanted"


@pytest.mark.parametrize(("limit", "replaced"), [(1, True), (2, False), (None, False)])
def test_a_worker_is_replaced_after_the_runs_that_one_worker_may_call(limit: int | None, replaced: bool) -> None:
    stage = at_work(2, workers=1, policy=Policy(runs_per_worker=limit))
    told = stage.returns(1)
    assert dismissed(told) == [1] * replaced
    assert given(told) == [(1, 2)] * (not replaced)


def test_a_worn_worker_is_replaced_and_that_is_told_once() -> None:
    stage = at_work(4, workers=2)
    told = [*stage.ends(1, worn="has closed it"), *stage.ends(2, worn="has closed it")]
    assert dismissed(told) == [1, 2]
    assert said(told) == ["i0 has closed it: its worker is replaced, as each is after such a run"]


def test_that_a_worker_is_replaced_is_no_news_where_each_calls_one_run() -> None:
    stage = at_work(2, workers=1, policy=Policy(runs_per_worker=1))
    told = stage.ends(1, worn="has closed it")
    assert dismissed(told) == [1]
    assert said(told) == []


@pytest.mark.parametrize("yes", [False, True])
def test_a_worker_that_is_stopped_is_told_of_only_while_it_calls_something(yes: bool) -> None:
    stage = at_work()
    assert len(said(stage.tell(m.Responds(1, yes)))) == 1
    stage.returns(1)
    assert not stage.tell(m.Responds(1, yes))
    assert stage.seat(1).responding is yes


# --- pause, next, reset, retry ----------------------------------------------------------------------------------------


def test_a_pause_lets_runs_end_and_begins_none_until_it_is_over() -> None:
    stage = at_work(2, workers=1)
    assert said(stage.tell(c.Pause(True))) == ["paused: no new runs are started"]
    assert not given(stage.returns(1))
    told = stage.tell(c.Pause(False))
    assert (said(told), given(told)) == (["no longer paused"], [(1, 2)])


def test_a_pause_outlasts_a_retry_but_not_that_everything_is_resumed() -> None:
    stage = at_work(1)
    stage.raises(1)
    stage.tell(c.Pause(True))
    assert not given(stage.tell(c.Retry()))
    assert given(stage.tell(c.Resume())) == [(1, 1)]


def test_what_is_next_goes_before_what_waits_in_its_own_order() -> None:
    stage = at_work(5, workers=1)
    assert said(stage.tell(c.Next((5, 4)))) == ["next: 2 runs (i4, i3)"]
    order = []
    for _ in range(4):
        order += [run for _, run in given(stage.returns(1))]
        stage.begins(1)
    assert order == [4, 5, 2, 3]


@pytest.mark.parametrize("command", [c.Next((1,)), c.Forget((1,)), c.Retry((1,)), c.Resume((1,))])
def test_nothing_is_done_with_a_run_that_runs(command: c.Command) -> None:
    assert not at_work().tell(command)


def test_a_reset_forgets_and_lets_the_run_begin_anew() -> None:
    stage = at_work()
    stage.saves(1)
    stage.returns(1)
    told = stage.tell(c.Forget((1,)))
    assert written(told) == [Reset(1, 2, stage.clock.at, 0)]
    [order] = [each.order for each in told if isinstance(each, i.Give)]
    assert isinstance(order, m.RunOrder)
    assert (order.attempt, bytes(order.state)) == (3, b'""')


def test_a_run_is_not_called_while_its_worker_has_not_said_that_it_is_over() -> None:
    stage = at_work(2)
    stage.record(Raised(1, 1, 1.0, ERROR))
    stage.returns(2)
    assert not given(stage.tell(c.Retry()))
    stage.ends(1)
    assert given(stage.tell(c.Retry())) == [(1, 1)]


# --- interrupts -------------------------------------------------------------------------------------------------------


def test_an_interrupt_of_all_asks_what_runs_and_begins_nothing_more() -> None:
    stage = at_work(3, workers=2)
    told = stage.tell(c.Interrupt())
    assert told == [
        i.Ask(1, m.InterruptAttempt(1, 1)),
        i.Ask(2, m.InterruptAttempt(2, 1)),
        i.Say("interrupting 2 runs (i0, i1)"),
    ]
    assert not given(stage.stops(1))
    assert stage.state.gate.halted


def test_an_interrupt_of_some_leaves_the_others_alone() -> None:
    stage = at_work(4, workers=2)
    told = stage.tell(c.Interrupt((2, 3)))
    assert told == [
        i.Say("1 run (i2) waits no more"),
        i.Ask(2, m.InterruptAttempt(2, 1)),
        i.Say("interrupting 1 run (i1)"),
    ]
    assert given(stage.stops(2)) == [(2, 4)]
    assert stage.word(2) == "interrupted"


@pytest.mark.parametrize("command", [c.Interrupt(), c.Interrupt((1,)), c.Quit()])
def test_who_interrupts_again_kills_at_once(command: c.Command) -> None:
    stage = at_work()
    stage.tell(command)
    assert stage.tell(command)[:2] == [i.SendSignal(1, SIGKILL, group=True), i.Say("killing 1 run (i0)")]
    stage.dies(1)
    assert s.reason(stage.run().status) == "killed at once: it was asked for again"


def test_an_interrupt_of_one_and_then_of_all_still_leaves_it_its_grace() -> None:
    stage = at_work(2)
    stage.tell(c.Interrupt((1,)))
    assert i.Ask(2, m.InterruptAttempt(2, 1)) in (told := stage.tell(c.Interrupt()))
    assert not [each for each in told if isinstance(each, i.SendSignal)]


def test_what_nothing_asked_to_stop_goes_on_after_an_interrupt_of_all_is_taken_back() -> None:
    stage = at_work(2, workers=1)
    stage.tell(c.Interrupt())
    assert said(stage.tell(c.Resume())) == ["starting 1 run (i1)"]
    assert given(stage.stops(1)) == [(1, 2)]


def test_workers_that_come_are_let_go_by_an_interrupt_of_all() -> None:
    stage = Stage(2, workers=2)
    stage.passes(0)
    told = stage.tell(c.Interrupt())
    assert dismissed(told) == [1, 2]
    assert [each for each in told if isinstance(each, i.SendSignal)] == [
        i.SendSignal(1, SIGINT),
        i.SendSignal(2, SIGINT),
    ]
    assert said(told) == ["interrupted: nothing new is started"]


def test_one_that_does_not_stop_gets_each_step_when_it_is_due_and_the_last_again_and_again() -> None:
    stage = at_work()
    stage.tell(c.Interrupt())
    steps = []
    for seconds in (9.9, 0.1, 4.9, 0.1, 1.9, 0.1, 4.9, 0.1, 5.0):
        told = stage.passes(seconds)
        steps.append([(each.signal, each.group) for each in told if isinstance(each, i.SendSignal)])
        asked = [each.request for each in told if isinstance(each, i.Ask)]
        assert asked == [m.Signalled(1, 1)] * (steps[-1] in ([(SIGINT, False)], [(SIGTERM, True)]))
    assert steps == [[], [(SIGINT, False)], [], [(SIGTERM, True)], [], [(SIGKILL, True)], [], *[[(SIGKILL, True)]] * 2]


def test_an_agent_that_kills_nobody_is_killed_itself_when_the_session_ends() -> None:
    stage = at_work()
    stage.tell(c.Quit())
    stage.tell(c.Quit())
    assert stage.passes(5) == [i.SendSignal(1, SIGKILL, group=True), i.EndAgent(kill=True)]


def test_that_an_agent_ends_which_was_killed_as_all_is_to_end_is_no_news_and_another_one_can_be_started() -> None:
    """With places that are lost, it ends when their leases do, long after."""
    stage = at_work()
    stage.begins(1)
    stage.tell(c.Interrupt())
    stage.tell(c.Interrupt())
    assert i.EndAgent(kill=True) in stage.passes(5)
    assert not hired(stage.tell(c.Resume())), "by one that ends"
    assert not said(stage.tell(AgentGone("has ended", 0)))
    assert i.StartAgent() in stage.tell(c.Resume())


@pytest.mark.parametrize("served", [True, False])
def test_an_agent_that_does_not_tell_that_a_leaving_worker_is_gone_is_killed_when_the_session_ends(
    served: bool,
) -> None:
    stage = at_work() if served else Stage()
    stage.passes(0)
    if served:
        stage.returns(1)
    stage.tell(c.Quit())
    stage.passes(2)
    told = [*stage.passes(5), *stage.passes(5)]
    assert i.EndAgent(kill=True) in told
    stage.tell(AgentGone("is killed by SIGKILL", -9))
    assert not stage.state.seats
    assert stage.state.agent == Absent()


def test_a_run_that_was_asked_to_stop_before_it_began_does_not_begin_by_itself() -> None:
    stage = Stage(1)
    stage.passes(0)
    stage.come(1)
    stage.tell(c.Interrupt((1,)))
    stage.tell(c.Interrupt((1,)))
    assert not hired(stage.dies(1))
    assert stage.word() == "pending"
    assert hired(stage.tell(c.Resume((1,)))) == [(2, 0)]


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_run_is_asked_to_stop_when_its_time_is_over_and_fails() -> None:
    stage = at_work(timeout=30.0)
    assert not stage.passes(29.9)
    assert stage.passes(0.1) == [i.Ask(1, m.InterruptAttempt(1, 1, 30.0))]
    stage.passes(10)
    stage.dies(1, -SIGINT)
    assert stage.word() == "failed"
    assert str(s.reason(stage.run().status)).startswith("timed out")


def test_one_that_returns_on_the_way_after_it_was_asked_is_ready_again() -> None:
    stage = at_work(2, workers=1, timeout=30.0)
    stage.passes(30)
    assert given(stage.returns(1)) == [(1, 2)]
    assert not [each for each in stage.passes(20) if isinstance(each, i.SendSignal)]


def test_new_limits_count_for_what_runs() -> None:
    stage = at_work(retries=1)
    assert stage.tell(c.SetLimits(c.Limits(5.0, 2))) == [
        i.Say("timeout none → 5 s"),
        i.Ask(1, m.Timeout(1, 1, 5.0)),
        i.Say("retries 1 → 2"),
        i.Remember({"timeout": 5.0, "retries": 2}),
    ]
    assert stage.passes(5) == [i.Ask(1, m.InterruptAttempt(1, 1, 5.0))]


def test_a_limit_that_is_taken_away_stops_nothing_any_more() -> None:
    stage = at_work(timeout=5.0)
    stage.tell(c.SetLimits(c.Limits(None, 0)))
    assert not stage.passes(100)


def test_a_wish_does_not_hurry_what_was_asked_for_its_timeout_but_an_interrupt_of_all_again_does() -> None:
    stage = at_work(timeout=5.0)
    stage.passes(5)
    assert said(stage.tell(c.Interrupt((1,)))) == ["interrupting 1 run (i0)"]
    stage.tell(c.Interrupt())
    assert i.SendSignal(1, SIGKILL, group=True) in stage.tell(c.Interrupt())


# --- retries ----------------------------------------------------------------------------------------------------------


def test_a_failed_run_is_tried_again_after_a_wait_that_doubles() -> None:
    stage = at_work(retries=3)
    for worker, wait in enumerate((1.0, 2.0, 4.0), 1):
        stage.dies(worker, -SIGSEGV)
        assert not stage.passes(wait - 0.1)
        assert hired(stage.passes(0.1)) == [(worker + 1, 0)]
        stage.come(worker + 1)
        stage.begins(worker + 1)
    stage.dies(4, -SIGSEGV)
    assert not stage.passes(60)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_run_fails_for_good_after_so_many_tries(retries: int) -> None:
    stage = at_work(retries=retries)
    for _ in range(retries):
        stage.raises(stage.state.hired)
        stage.passes(60)
        stage.leaves(stage.state.hired)
        stage.come(stage.state.hired)
        stage.begins(stage.state.hired)
    stage.raises(stage.state.hired)
    assert not stage.state.retries
    assert (stage.word(), stage.run().attempt) == ("failed", 1 + retries)


def test_what_ends_one_worker_after_another_is_not_tried_again_by_itself() -> None:
    stage = at_work(retries=100)
    told = []
    for _ in range(CRASHES):
        told = stage.dies(stage.state.hired, -SIGSEGV)
        assert not hired(told)
        stage.passes(60)
        if stage.state.seats:
            stage.come(stage.state.hired)
            stage.begins(stage.state.hired)
    assert said(told) == [f"i0 is not tried again by itself: it ended {CRASHES} workers"]
    assert not stage.state.seats
    assert hired(stage.tell(c.Retry()))


def test_a_run_before_whose_start_workers_die_fails_after_some() -> None:
    stage = Stage()
    stage.passes(0)
    for number in range(1, CRASHES):
        stage.come(number)
        assert hired(stage.dies(number, -SIGSEGV)) == [(number + 1, 0)]
    stage.come(CRASHES)
    told = stage.dies(CRASHES, -SIGSEGV)
    assert [type(record).__name__ for record in written(told)] == ["Started", "Lost"]
    assert stage.word() == "failed"


def test_nothing_is_tried_again_by_itself_after_an_interrupt_of_all() -> None:
    stage = at_work(retries=3)
    stage.raises(1)
    stage.tell(c.Interrupt())
    assert not [*given(stage.passes(60)), *hired(stage.leaves(1))]


# --- deaths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "word", "why"),
    [
        (0, "failed", "the process exited with code 0 instead of returning from run()"),
        (3, "failed", "the process exited with code 3 instead of returning from run()"),
        (m.CUT_OFF, "failed", "run() closed descriptors that its worker needs: how it ended could not be recorded"),
        (-SIGSEGV, "failed", "killed by SIGSEGV"),
        (-SIGKILL, "failed", "killed by SIGKILL, not by pyalma-tui: usually out of memory"),
        (-SIGTERM, "interrupted", "its worker was ended by SIGTERM"),
        (-SIGHUP, "interrupted", "its worker was ended by SIGHUP"),
    ],
)
def test_what_becomes_of_a_run_whose_worker_dies(code: int, word: str, why: str) -> None:
    stage = at_work(2, workers=1)
    assert hired(stage.dies(1, code)) == [(2, 0)]
    assert (stage.word(), s.reason(stage.run().status)) == (word, why)
    assert given(stage.come(2)) == [(2, 2)]


@pytest.mark.parametrize(("record", "word"), [(Returned(1, 1, 1.0), "done"), (Raised(1, 1, 1.0, ERROR), "failed")])
def test_a_worker_that_dies_after_its_run_has_ended_takes_nothing_back(record: Returned | Raised, word: str) -> None:
    stage = at_work()
    stage.record(record)  # it dies before it can say that it is ready again
    assert not written(stage.dies(1))
    assert stage.word() == word


@pytest.mark.parametrize(
    ("code", "seconds", "told"),
    [
        (0, 0.0, ""),
        (7, 0.0, "worker 101 exited with code 7 while it ended"),
        (-SIGKILL, 2.0, "worker 101 did not end within 2 s and was killed"),
        (-SIGINT, 1.5, "worker 101 was still at its end after 1.5 s and was interrupted"),
        (-SIGSEGV, 0.0, "worker 101 was killed by SIGSEGV while it ended"),
    ],
)
def test_how_a_worker_left_is_told_if_something_may_be_lost(code: int, seconds: float, told: str) -> None:
    stage = at_work()
    stage.returns(1)
    stage.passes(2)
    stage.passes(seconds)
    assert [each.partition(":")[0] for each in said(stage.dies(1, code))] == [told] * bool(told)


def test_a_worker_that_does_not_leave_is_interrupted_and_then_killed_each_once() -> None:
    stage = at_work()
    stage.returns(1)
    stage.passes(2)
    steps = [stage.passes(seconds) for seconds in (1.4, 0.1, 0.4, 0.1, 10.0)]
    assert steps == [[], [i.SendSignal(1, SIGINT)], [], [i.SendSignal(1, SIGKILL, group=True)], []]


@pytest.mark.parametrize("code", [1, -SIGSEGV])
def test_workers_that_die_while_they_come_are_tried_again_with_growing_waits_then_no_more(code: int) -> None:
    stage = Stage()
    stage.passes(0)
    assert not hired(stage.dies(1, code))
    assert hired(stage.passes(0.5)) == [(2, 0)]
    assert not hired(stage.dies(2, code))
    assert not hired(stage.passes(0.9))
    assert hired(stage.passes(0.1)) == [(3, 0)]
    assert len(said(stage.dies(3, code))) == 1
    assert isinstance(stage.state.gate.blocked, LoadError)
    assert not hired(stage.passes(100))
    assert hired(stage.tell(c.Resume())) == [(4, 0)]


def test_others_go_on_where_some_do_not_come() -> None:
    stage = Stage(4, workers=2)
    stage.passes(0)
    stage.come(1)
    stage.begins(1)
    for number in (2, 3, 4):
        told = stage.tell(Said(number, m.LoadFailed(ERROR)))
        stage.dies(number, 1)
        stage.passes(60)
    assert said(told)[-1].startswith("no more workers can be started")
    assert given(stage.returns(1))
    assert stage.state.gate.is_open


# --- the agent --------------------------------------------------------------------------------------------------------

KILLED = AgentGone("is killed by SIGKILL", -9)


def test_runs_whose_agent_is_lost_are_interrupted_and_go_on_in_another() -> None:
    stage = at_work(3, workers=2)
    stage.saves(1)
    told = stage.tell(KILLED)
    assert [type(record) for record in written(told)] == [Stopped, Stopped]
    assert told[-1] == i.StartAgent()
    assert not stage.state.seats
    assert hired(stage.tell(m.Loaded("", False, None))) == [(3, 0), (4, 1)]
    assert given(stage.come(3, 4)) == [(3, 1), (4, 2)]


def test_a_run_that_was_asked_to_stop_is_only_stopped_by_the_loss_of_its_agent() -> None:
    stage = at_work()
    stage.tell(c.Interrupt((1,)))
    told = stage.tell(KILLED)
    assert i.StartAgent() not in told
    assert stage.word() == "interrupted"


@pytest.mark.parametrize("record", [Raised(1, 1, 1.0, ERROR), Returned(1, 1, 1.0)])
def test_a_run_that_had_ended_when_its_agent_was_lost_is_not_called_again(record: Raised | Returned) -> None:
    stage = at_work(2, workers=2)
    stage.record(record)
    assert [type(each) for each in written(stage.tell(KILLED))] == [Stopped], "of the other one"
    stage.tell(m.Loaded("", False, None))
    assert given(stage.come(3)) == [(3, 2)]
    assert not hired(stage.passes(0.1))


def test_a_run_that_ends_one_agent_after_another_has_failed() -> None:
    stage = at_work()
    for _ in range(CRASHES - 1):
        assert stage.tell(KILLED)[-1] == i.StartAgent()
        stage.tell(m.Loaded("", False, None))
        stage.come(stage.state.hired)
        stage.begins(stage.state.hired)
    told = stage.tell(KILLED)
    assert i.StartAgent() not in told
    (lost,) = written(told)
    assert isinstance(lost, Lost)
    assert lost.error.message == f"{AGENT_ENDED}; {CRASHES} workers were lost under this run"
    assert stage.word() == "failed"
    assert i.StartAgent() in stage.tell(c.Retry())


def test_what_was_lost_with_its_agent_waits_for_a_wish_where_all_was_interrupted() -> None:
    stage = at_work()
    stage.tell(c.Interrupt())
    assert i.StartAgent() not in stage.tell(KILLED)


def test_the_loss_of_the_agent_is_no_fault_of_done() -> None:
    stage = calling_done()
    told = stage.tell(KILLED)
    assert not written(told)
    assert isinstance(stage.state.ledger.hook.status, s.HookCutOff)


def test_workers_that_come_when_their_agent_is_lost_are_one_failure_not_many() -> None:
    stage = Stage(4, workers=4)
    stage.passes(0)
    assert not stage.state.gate.blocked
    stage.tell(KILLED)
    assert stage.state.gate.is_open
    stage.passes(0.5)
    assert len(hired(stage.tell(m.Loaded("", False, None)))) == 4


def test_an_agent_that_ends_again_and_again_before_a_worker_serves_is_not_started_for_ever() -> None:
    stage = Stage(2, workers=2)
    stage.passes(0)
    for _ in range(2):
        stage.tell(KILLED)
        assert stage.passes(60) == [i.StartAgent()]
        assert len(hired(stage.tell(m.Loaded("", False, None)))) == 2
    stage.tell(KILLED)
    assert stage.state.gate.blocked
    assert not stage.passes(60)


@pytest.mark.parametrize("event", [KILLED, m.LoadFailed(ERROR)])
def test_an_agent_that_does_not_load_is_tried_three_times(event: Event) -> None:
    stage = Stage(agent=False)
    for _ in range(3):
        assert stage.passes(60) == [i.StartAgent()]
        stage.tell(event)
        if event is not KILLED:
            assert isinstance(stage.state.agent, Parting)
            assert not stage.passes(0.1)
            stage.tell(KILLED)
    assert stage.state.gate.blocked
    assert not stage.passes(60)


def test_an_agent_that_is_short_of_something_is_tried_again_until_it_goes_and_that_is_told_once() -> None:
    stage = Stage(agent=False)
    stage.state.came = True
    told = []
    for _ in range(5):
        assert i.StartAgent() in stage.passes(60)
        told += stage.tell(i.NoAgent("no process", later=True))
    assert len(said(told)) == 1
    assert stage.state.gate.is_open
    stage.passes(60)
    assert hired(stage.tell(m.Loaded("", False, None)))


def test_an_agent_that_can_never_be_started_blocks() -> None:
    stage = Stage(agent=False)
    stage.passes(0)
    assert said(stage.tell(i.NoAgent("no such file", later=False))) == ["no worker can be started: no such file"]
    assert isinstance(stage.state.gate.blocked, ShortageError)


def test_an_agent_that_does_not_end_after_it_failed_is_killed() -> None:
    stage = Stage(agent=False)
    stage.passes(0)
    stage.tell(m.LoadFailed(ERROR))
    assert not stage.passes(1.9)
    assert stage.passes(0.1) == [i.EndAgent(kill=True)]


def test_each_worker_imports_by_itself_is_told_with_its_reason() -> None:
    stage = Stage(agent=False)
    stage.passes(0)
    assert said(stage.tell(m.Loaded("", False, None, "threads run"))) == [
        "each worker imports the module by itself: threads run"
    ]


# --- workers that are not born ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [m.NotBorn(1, "no process", later=True), Said(1, m.TryLater("no process"))])
def test_where_not_even_the_first_worker_can_be_born_nothing_is_waited_for(refused: Event) -> None:
    stage = Stage()
    stage.passes(0)
    assert "no worker can be started: no process" in said(stage.tell(refused))
    assert isinstance(stage.state.gate.blocked, ShortageError)


def test_a_worker_that_cannot_be_born_now_is_tried_again_later() -> None:
    stage = Stage()
    stage.state.came = True
    stage.passes(0)
    assert len(said(stage.tell(m.NotBorn(1, "no process", later=True)))) == 1
    assert not hired(stage.passes(0.4))
    assert hired(stage.passes(0.1)) == [(2, 0)]


def test_a_separate_worker_that_is_short_of_something_leaves_and_is_tried_again() -> None:
    stage = Stage()
    stage.state.came = True
    stage.passes(0)
    assert stage.tell(Said(1, m.TryLater("no thread")))[:2] == [i.Give(1, m.Exit()), i.SendSignal(1, SIGINT)]
    stage.dies(1, 1)
    assert hired(stage.passes(0.5)) == [(2, 0)]


def test_no_worker_that_can_ever_be_born_blocks() -> None:
    stage = Stage()
    stage.passes(0)
    stage.tell(m.NotBorn(1, "too many files", later=False))
    assert stage.state.gate.blocked


def test_those_that_are_there_go_on_where_no_more_can_be_born_whichever_slots_they_have() -> None:
    stage = at_work(9, workers=3)
    stage.dies(1, -SIGTERM)
    assert len(said(stage.tell(m.NotBorn(4, "too many files", later=False)))) == 1
    for worker in (2, 3):
        told = stage.returns(worker)
        assert len(given(told)) == 1
        assert not dismissed(told)
        assert not hired(told)


def test_a_worker_that_leaves_is_none_that_goes_on() -> None:
    stage = at_work(1, workers=2)
    stage.returns(1)
    stage.passes(2)
    stage.tell(c.Forget((1,)))
    stage.tell(m.NotBorn(2, "too many files", later=False))
    assert stage.state.gate.blocked


# --- a disk that refuses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [FULL, READ_ONLY])
def test_nothing_more_is_begun_where_the_disk_refuses(refused: m.Refused) -> None:
    stage = at_work(2, workers=1)
    told = stage.ends(1, m.Refused(refused.why, refused.room, Stopped(1, 1, 1.0, 5.0, "not saved")))
    assert i.NotSaved(refused.why) in told
    assert not given(told)
    assert isinstance(stage.state.gate.blocked, StoreError)
    assert written(told) == [Stopped(1, 1, 1.0, 5.0, "not saved")]


def test_what_a_full_disk_has_interrupted_goes_on_when_there_is_room() -> None:
    stage = at_work(2, workers=1)
    stage.ends(1, m.Refused("full", room=True, end=Stopped(1, 1, 1.0, 5.0, "full")))
    assert not given(stage.passes(1.9))
    assert "there is room" not in str(stage.passes(0.1, stored=False))
    stage.leaves(1)
    told = stage.passes(0.1)
    assert said(told) == ["there is room on the disk again: what it has interrupted goes on"]
    assert given(stage.come(2)) == [(2, 1)]


def test_a_disk_that_is_not_full_is_not_waited_for() -> None:
    stage = at_work()
    stage.ends(1, READ_ONLY)
    assert not said(stage.passes(100))
    assert stage.state.gate.blocked


def test_a_refusal_that_is_the_run_s_own_doing_stops_nobody_else() -> None:
    stage = at_work(2, workers=1)
    told = stage.ends(1, m.Refused("limit", end=Raised(1, 1, 1.0, ERROR), own=True))
    assert given(told) == [(1, 2)]
    assert stage.word() == "failed"


@pytest.mark.parametrize("command", [c.Interrupt(), c.Interrupt((1, 2))])
def test_what_was_interrupted_by_a_wish_does_not_go_on_when_there_is_room(command: c.Command) -> None:
    stage = at_work(2)
    stage.tell(command)
    for worker in (1, 2):
        stage.ends(worker, m.Refused("full", room=True, end=Stopped(worker, 1, 1.0, 5.0, "full")))
    told = stage.passes(2)
    assert not given(told)
    assert not stage.state.queue


def test_a_worker_that_cannot_open_its_journal_blocks_until_there_is_room() -> None:
    stage = Stage()
    stage.passes(0)
    assert dismissed(stage.tell(Said(1, m.ServeFailed(ERROR, room=True)))) == [1]
    stage.dies(1, 1)
    assert hired(stage.passes(2)) == [(2, 0)]


@pytest.mark.parametrize("command", [c.Resume(), c.Retry(), c.Next((2,))])
def test_whoever_wants_something_to_run_opens_what_was_blocked(command: c.Command) -> None:
    stage = at_work(2, workers=1)
    stage.ends(1, READ_ONLY)
    stage.tell(command)
    assert stage.state.gate.is_open


# --- done() -----------------------------------------------------------------------------------------------------------


def calling_done() -> Stage:
    """All runs are done, and worker 2 calls done()."""
    stage = at_work(has_done=True)
    stage.returns(1)
    stage.leaves(1)
    stage.come(2)
    return stage


def test_done_is_called_in_a_fresh_worker_after_all_that_were_used_have_left() -> None:
    stage = at_work(2, has_done=True)
    assert not dismissed(stage.returns(1))
    assert dismissed(stage.returns(2)) == [1, 2]
    assert not hired(stage.leaves(1))
    assert hired(stage.leaves(2)) == [(3, 0)]
    told = stage.come(3)
    assert told[0] == i.WriteDurably(DoneStarted(1, stage.clock.at, identity_of([stage.run(1), stage.run(2)]))), (
        "the record is on the disk before the order"
    )
    assert told[1:] == [i.Give(3, m.DoneOrder(1))]


def test_done_waits_for_what_workers_have_left_behind() -> None:
    stage = at_work(has_done=True)
    stage.returns(1)
    stage.dies(1, 0, left=True)
    assert not hired(stage.passes(10))
    assert hired(stage.tell(m.Cleared(1))) == [(2, 0)]


@pytest.mark.parametrize("how", ["failed", "no done()", "--no-done", "paused"])
def test_done_is_not_called(how: str) -> None:
    stage = at_work(has_done=how != "no done()", policy=Policy(no_done=how == "--no-done"))
    if how == "paused":
        stage.tell(c.Pause(True))
    stage.raises(1) if how == "failed" else stage.returns(1)
    stage.passes(2)
    stage.leaves(1)
    assert not hired(stage.passes(60))


def test_done_is_called_once() -> None:
    stage = calling_done()
    assert dismissed(stage.returns_from_done(2)) == [2]
    assert not [*hired(stage.leaves(2)), *hired(stage.passes(60))]


def test_done_is_called_again_when_it_is_asked_for_in_another_worker() -> None:
    stage = calling_done()
    stage.returns_from_done(2)
    assert said(stage.tell(c.RerunDone())) == ["done() is called again"]
    assert hired(stage.leaves(2)) == [(3, 0)]
    assert called(stage.come(3)) == [(3, 2)]
    stage.returns_from_done(3)
    assert not hired(stage.leaves(3)), "it was asked for once"


@pytest.mark.parametrize(
    ("has_done", "returned", "answer"),
    [
        (False, True, "the module has no done()"),
        (True, False, "done() is called when all runs are done; some are not"),
    ],
)
def test_done_cannot_be_asked_for(has_done: bool, returned: bool, answer: str) -> None:
    stage = at_work(has_done=has_done)
    if returned:
        stage.returns(1)
    assert said(stage.tell(c.RerunDone())) == [answer]


def test_done_is_called_for_new_results_after_a_reset() -> None:
    stage = calling_done()
    stage.returns_from_done(2)
    first = stage.state.ledger.hook.identity
    stage.tell(c.Forget((1,)))
    stage.leaves(2)
    assert given(stage.come(3)) == [(3, 1)]
    stage.begins(3)
    stage.returns(3)
    stage.leaves(3)
    assert called(stage.come(4)) == [(4, 2)]
    assert stage.state.ledger.hook.identity != first


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (1, "the process exited with code 1 instead of returning from done()"),
        (-SIGSEGV, "killed by SIGSEGV"),
    ],
)
def test_a_done_whose_worker_dies_has_failed_and_is_not_called_again(code: int, why: str) -> None:
    stage = calling_done()
    assert written(stage.dies(2, code)) == [DoneRaised(1, stage.clock.at, s.Error(why))]
    assert not hired(stage.passes(60))


def test_a_done_that_was_stopped_is_cut_off() -> None:
    stage = calling_done()
    assert stage.tell(c.Interrupt())[0] == i.Ask(2, m.InterruptAttempt(0, 1))
    assert said(stage.dies(2, -SIGKILL))[0].startswith("done() was cut off (it was stopped)")
    assert isinstance(stage.state.ledger.hook.status, s.HookCutOff)


def test_a_done_whose_end_was_refused_is_cut_off() -> None:
    stage = calling_done()
    told = stage.tell(Said(2, m.DoneEnded(1, unsaved="disk full")))
    assert said(told)[0].startswith("done() was cut off (disk full)")
    assert dismissed(told) == [2]


# --- the end ----------------------------------------------------------------------------------------------------------


def test_whoever_quits_stops_all_and_the_agent_ends_with_the_last_worker() -> None:
    stage = at_work(3, workers=2)
    stage.returns(2)
    told = stage.tell(c.Quit())
    assert told[:2] == [i.Ask(1, m.InterruptAttempt(1, 1)), i.Ask(2, m.InterruptAttempt(3, 1))]
    assert dismissed(stage.stops(1)) == [1]
    assert not stage.leaves(1)
    stage.begins(2)
    stage.stops(2)
    assert stage.leaves(2) == [i.EndAgent()]
    assert not stage.passes(5.9)
    assert not stage.tell(AgentGone("exits with code 0", 0))
    assert stage.state.agent == Absent()


def test_an_agent_that_does_not_end_in_time_is_killed() -> None:
    stage = Stage()
    assert stage.tell(c.Quit()) == [i.EndAgent()]
    assert not stage.passes(5.9)
    assert stage.passes(0.1) == [i.EndAgent(kill=True)]
    assert stage.passes(6) == [i.EndAgent(kill=True)]


def test_an_agent_that_still_imports_is_killed_by_a_quit() -> None:
    stage = Stage(agent=False)
    stage.passes(0)
    assert stage.state.agent == Loading()
    assert stage.tell(c.Quit()) == [i.EndAgent(kill=True)]


def test_an_agent_that_is_lost_while_all_ends_takes_what_ran_with_it() -> None:
    stage = at_work()
    stage.tell(c.Quit())
    told = stage.tell(KILLED)
    assert [type(record) for record in written(told)] == [Stopped]
    assert stage.state.agent == Absent()
    assert not stage.passes(60)


@pytest.mark.parametrize("event", [KILLED, m.Gone(1, -9)])
@pytest.mark.parametrize("asked", [True, False])
def test_runs_say_so_where_the_session_itself_has_failed(event: Event, asked: bool) -> None:
    stage = at_work()
    if asked:
        stage.tell(c.Interrupt())
    stage.state.failed = stage.state.closing = True
    stage.tell(event)
    assert (stage.word(), s.reason(stage.run().status)) == ("interrupted", SESSION_ENDED)


@pytest.mark.parametrize("event", [KILLED, m.Gone(2, -9)])
def test_a_done_is_cut_off_where_the_session_itself_has_failed(event: Event) -> None:
    stage = calling_done()
    stage.state.failed = stage.state.closing = True
    assert not written(stage.tell(event))
    assert isinstance(stage.state.ledger.hook.status, s.HookCutOff)


def test_nothing_is_begun_once_somebody_has_quit() -> None:
    stage = at_work(3, workers=1, retries=2)
    stage.tell(c.Quit())
    stage.stops(1)
    for command in (c.Resume(), c.Retry(), c.Next((3,)), c.SetWorkers(4), c.Pause(False)):
        assert not [*given(told := stage.tell(command)), *hired(told)]


@pytest.mark.parametrize("event", [m.LoadFailed(ERROR), m.TryLater("no thread")])
def test_what_does_not_load_while_all_ends_is_nothing_to_tell(event: Event) -> None:
    stage = Stage(agent=False)
    stage.passes(0)
    stage.tell(c.Quit())
    assert not said(stage.tell(event))
    assert stage.state.gate.halted


def test_nothing_is_expected_of_a_worker_that_is_not_known() -> None:
    stage = at_work()
    seats = dict(stage.state.seats)
    for event in (Said(9, m.Serving()), m.Gone(9, 0), m.Born(9, 1), m.Responds(9, False), m.Cleared(9)):
        assert not stage.tell(event)
    assert stage.state.seats == seats


def test_what_was_left_behind_is_told() -> None:
    assert said(Stage().tell(m.LeftBehind(1, 101))) == ["worker 101 left processes behind; they were killed"]


def test_a_message_names_three_of_many_runs() -> None:
    stage = Stage(5)
    assert said(stage.tell(c.Next((5, 4, 3, 2)))) == ["next: 4 runs (i4, i3, i2, …)"]


def test_whether_all_is_done_no_run_is_asked_for_when_the_counts_tell_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner decides it at each look: asked one by one, 100,000 runs of which one failed took half a second."""
    stage = at_work(3)
    for worker in (1, 2):
        stage.returns(worker)
    stage.raises(3)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "run", None)
        assert not all_done(stage.state)
        stage.state.order = [1, 2]  # fewer iterations than there were: the failed one is none of today's
        assert all_done(stage.state)
        stage.state.order = [1, 3]
        assert not all_done(stage.state)
