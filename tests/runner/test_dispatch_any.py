"""Whatever happens in whatever order: no run is called twice at a time, done() once for the same results, all ends.

The test plays the agent and its workers. They do what real ones may do, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGKILL
from typing import Literal, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.records import (
    DoneRaised,
    DoneReturned,
    DoneStarted,
    HookRecord,
    Raised,
    Returned,
    RunRecord,
    Started,
    Stopped,
)
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Event, Instruction
from pyalma_tui.runner.state import Absent, Loading, Policy
from pyalma_tui.runner.steps import all_done
from pyalma_tui.runner.workers.protocol import AgentGone, NotRenewed, Renewed, Said
from tests.runner.stage import Stage

RUNS = 5  # at the most
STEPS = 400  # more than any end may take

Place = Literal["started", "coming", "ready", "ordered", "calling", "ended"]
T = TypeVar("T")

some = st.integers(0, 11)  # which of those that can
runs = st.lists(st.integers(1, RUNS), min_size=1, max_size=3, unique=True).map(tuple)
seconds = st.sampled_from([0.1, 0.6, 1.6, 2.1, 5.1, 10.1, 70.0])
refusals = st.builds(m.Refused, st.just("full"), room=st.booleans(), own=st.booleans())


@dataclass
class Puppet:
    """A worker that lives: where it stands, what it was given, and what was asked of it."""

    number: int
    slot: int
    place: Place = "started"
    order: m.RunOrder | m.DoneOrder | None = None
    ahead: m.RunOrder | None = None  # what lies ready for it
    unheard: m.Ended | None = None  # what it has said, and nobody has heard yet: it has taken what lay ready
    served: int = 0
    generation: int = 0  # of the code that it has
    asked: bool = False  # to stop
    leaving: bool = False
    killed: bool = False


class World(RuleBasedStateMachine):
    """An agent, its workers, and somebody at the keyboard."""

    @initialize(
        count=st.integers(1, RUNS),
        workers=st.integers(1, 3),
        retries=st.integers(0, 2),
        has_done=st.booleans(),
        agent=st.booleans(),
        timeout=st.sampled_from([None, None, 3.0]),
        most=st.sampled_from([None, None, 1, 2]),
        well=st.booleans(),
    )
    def begin(
        self,
        count: int,
        workers: int,
        retries: int,
        has_done: bool,
        agent: bool,
        timeout: float | None,
        most: int | None,
        well: bool,
    ) -> None:
        self.stage = Stage(
            count,
            workers=workers,
            retries=retries,
            has_done=has_done,
            agent=agent,
            timeout=timeout,
            policy=Policy(runs_per_worker=most),
        )
        self.count, self.well = count, well
        self.agent: Literal["absent", "loading", "present"] = "present" if agent else "absent"
        self.ending = self.killed = False  # the agent
        self.puppets: dict[int, Puppet] = {}
        self.left: set[int] = set()  # workers that are gone, but not all that they have started
        self.called_for: set[frozenset[tuple[int, int]]] = set()  # the results that done() was called for
        self.again = False  # somebody wants done() again
        self.quit = False
        self.renewing = False
        self.generation = 0
        self.tell(i.Tick())

    # --- the runner's side -------------------------------------------------------------------------------------------

    def tell(self, *events: Event) -> None:
        for event in events:
            for instruction in self.stage.tell(event):
                self.obey(instruction)

    def obey(self, instruction: Instruction) -> None:
        match instruction:
            case i.StartAgent():
                assert self.agent == "absent", "there is one agent"
                self.agent, self.ending, self.killed = "loading", False, False
            case i.RenewAgent():
                assert not self.quit
                self.renewing = True
            case i.EndAgent(kill):
                assert self.agent != "absent", "there is one that can end"
                self.renewing = False
                self.ending, self.killed = True, self.killed or kill
            case i.StartWorker(worker, slot):
                assert self.agent == "present", "only an agent that has loaded starts workers"
                assert worker not in self.puppets
                assert slot not in [puppet.slot for puppet in self.puppets.values()], "a slot has one worker"
                self.puppets[worker] = Puppet(worker, slot, generation=self.generation)
            case i.Give(worker, order):
                self.take(self.puppets[worker], order)
            case i.GiveAhead(worker, order):
                self.lay_ready(self.puppets[worker], order)
            case i.Recall(worker, run):
                self.take_back(self.puppets.get(worker), worker, run)
            case i.Ask(worker, request):
                self.puppets[worker].asked |= isinstance(request, m.InterruptAttempt)
            case i.SendSignal(worker, number):
                self.puppets[worker].killed |= number == SIGKILL
            case i.Say("done() is called again"):
                self.again = True
            case i.WriteDurably(DoneStarted()):
                results = self.results()
                assert len(results) == self.count - len(self.stage.state.out), "done() is called when all runs are done"
                assert self.again or results not in self.called_for, "done() is called once for the same results"
                self.called_for.add(results)
                self.again = False

    def lay_ready(self, puppet: Puppet, order: m.RunOrder) -> None:
        assert puppet.ahead is None, "one order lies ready"
        assert puppet.order is not None, "only who does something else has an order ahead"
        assert not puppet.leaving
        assert not self.quit
        assert puppet.generation == self.generation, "what is begun has the newest code"
        assert order.run not in self.busy(), "no two workers have the same run"
        assert not isinstance(self.stage.run(order.run).status, s.Done | s.Running)
        puppet.ahead = order

    def take_back(self, puppet: Puppet | None, worker: int, run: int) -> None:
        """The runner does so; what it hears then comes before."""
        back = puppet is not None and puppet.ahead is not None and puppet.ahead.run == run
        if puppet is not None and back:
            puppet.ahead = None
        elif puppet is not None:
            self.hear(puppet)
        self.tell(i.Recalled(worker, run, back))

    def hear(self, *puppets: Puppet) -> None:
        for puppet in puppets:
            if (unheard := puppet.unheard) is not None:
                puppet.unheard = None
                self.tell(Said(puppet.number, unheard))

    def busy(self, *but: Puppet) -> list[int]:
        """The runs that workers were given."""
        others = [each for each in self.puppets.values() if each not in but]
        mine = [order for each in others for order in (each.order, each.ahead) if isinstance(order, m.RunOrder)]
        return [order.run for order in mine]

    def take(self, puppet: Puppet, order: m.Order) -> None:
        if isinstance(order, m.Exit):
            assert puppet.place in ("started", "coming", "ready", "ended"), "nobody is let go who calls something"
            puppet.leaving = True
            return
        assert not self.quit, "nothing is begun any more"
        assert puppet.place == "ready", "only who is ready gets something to do"
        assert puppet.generation == self.generation, "what is begun has the newest code"
        assert not puppet.leaving
        others = [other for other in self.puppets.values() if other is not puppet]
        if isinstance(order, m.DoneOrder):
            assert not puppet.served, "done() has a worker of its own"
            assert not [other for other in others if other.served], "those that were used have left"
            assert not self.left, "and what they have left behind"
        else:
            assert order.run not in self.busy(puppet), "no two workers have the same run"
            assert order.run not in self.stage.state.out, "what was taken out is not begun"
            assert not isinstance(self.stage.run(order.run).status, s.Done | s.Running)
        puppet.order, puppet.place, puppet.asked, puppet.served = order, "ordered", False, puppet.served + 1

    def results(self) -> frozenset[tuple[int, int]]:
        ledger = self.stage.state.ledger
        return frozenset((run.id, run.attempt) for run in ledger.runs if isinstance(run.status, s.Done))

    # --- the workers' side -------------------------------------------------------------------------------------------

    def at(self, *places: Place) -> list[Puppet]:
        """Those that stand at one of these places and still do something."""
        return [each for each in self.puppets.values() if each.place in places and not each.killed]

    def begin_call(self, puppet: Puppet) -> None:
        puppet.place = "calling"
        if isinstance(order := puppet.order, m.RunOrder):
            self.write(Started(order.run, order.attempt, puppet.slot, self.stage.clock.at, "", 100 + puppet.number))

    def end_call(self, puppet: Puppet, how: str) -> None:
        """What a worker writes when user code returns, raises, or stops because it was asked to."""
        puppet.place = "ended"
        at = self.stage.clock.at
        if isinstance(order := puppet.order, m.RunOrder):
            records: dict[str, RunRecord] = {
                "returns": Returned(order.run, order.attempt, 1.0),
                "raises": Raised(order.run, order.attempt, 1.0, s.Error("no")),
                "stops": Stopped(order.run, order.attempt, 1.0, at, "interrupted"),
            }
            self.write(records[how])
        elif order is not None:
            returns = how == "returns"
            self.write(DoneReturned(order.call, at, 1.0) if returns else DoneRaised(order.call, at, s.Error("no")))

    def write(self, record: RunRecord | HookRecord) -> None:
        self.tell(self.stage.fold(record))

    def say_ended(
        self, puppet: Puppet, refused: m.Refused | None = None, worn: str = "", *, quietly: bool = False
    ) -> None:
        """Whoever has an order ahead and is fit takes it then; `quietly`, before anybody has heard that."""
        self.hear(puppet)
        order, puppet.order, puppet.place = puppet.order, None, "ready"
        if isinstance(order, m.RunOrder):
            ended = m.Ended(order.run, order.attempt, refused, worn)
            if puppet.ahead is None or refused is not None or worn:
                self.tell(Said(puppet.number, ended))
                return
            puppet.order, puppet.ahead, puppet.place = puppet.ahead, None, "ordered"
            puppet.asked, puppet.served, puppet.unheard = False, puppet.served + 1, ended
            if not quietly:
                self.hear(puppet)
        elif order is not None:
            self.tell(Said(puppet.number, m.DoneEnded(order.call)))

    def serve(self, puppet: Puppet) -> None:
        puppet.place = "ready"
        self.tell(Said(puppet.number, m.Serving()))

    def die(self, puppet: Puppet, code: int, *, left: bool = False) -> None:
        self.hear(puppet)  # last words come before
        del self.puppets[puppet.number]
        if left:
            self.left.add(puppet.number)
        self.tell(m.Gone(puppet.number, code, left))

    def lose_agent(self, code: int) -> None:
        self.hear(*list(self.puppets.values()))
        self.agent, self.ending, self.killed = "absent", False, False
        self.puppets.clear()
        self.left.clear()
        self.tell(AgentGone("ends", code))

    # --- what may happen ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.agent == "loading" and not self.ending)
    @rule(event=st.sampled_from([m.Loaded("", True, None), m.LoadFailed(s.Error("no")), m.TryLater("no thread")]))
    def the_agent_loads_or_not(self, event: m.Loaded | m.LoadFailed | m.TryLater) -> None:
        if isinstance(event, m.Loaded):
            self.agent = "present"
            event = m.Loaded("", self.stage.state.has_done, None)
        else:
            self.ending = True
        self.tell(event)

    @rule(then=st.sampled_from([None, c.Retry(), c.Resume(), c.RerunDone()]))
    def somebody_has_edited_the_module(self, then: c.Calls | None) -> None:
        self.tell(c.Renew(then))

    @precondition(lambda self: self.renewing)
    @rule(imports=st.booleans())
    def another_agent_imports_it_or_cannot(self, imports: bool) -> None:
        self.hear(*list(self.puppets.values()))
        self.renewing = False
        if imports:
            self.generation += 1
            self.agent, self.ending, self.killed = "present", False, False
            self.tell(Renewed(m.Loaded("", self.stage.state.has_done, None)))
        else:
            self.tell(NotRenewed(s.Error("no")))

    @precondition(lambda self: self.agent != "absent")
    @rule(code=st.sampled_from([0, -9, -15]))
    def the_agent_ends(self, code: int) -> None:
        self.lose_agent(code)

    @precondition(lambda self: bool(self.at("started")))
    @rule(pick=some, how=st.sampled_from(["born", "born", "born", "later", "never"]))
    def a_worker_is_born_or_not(self, pick: int, how: str) -> None:
        puppet = one(self.at("started"), pick)
        if how == "born":
            puppet.place = "coming"
            self.tell(m.Born(puppet.number, 100 + puppet.number))
        else:
            del self.puppets[puppet.number]
            self.tell(m.NotBorn(puppet.number, "no process", later=how == "later"))

    @precondition(lambda self: bool(self.at("coming")))
    @rule(pick=some, reply=st.sampled_from([None, None, m.LoadFailed(s.Error("no")), m.TryLater("no thread")]))
    def a_worker_serves_or_not(self, pick: int, reply: m.Reply | None) -> None:
        puppet = one(self.at("coming"), pick)
        if reply is None:
            self.serve(puppet)
        else:
            self.tell(Said(puppet.number, reply))
            self.die(puppet, 1)

    @precondition(lambda self: bool(self.at("coming")))
    @rule(pick=some, room=st.booleans())
    def a_worker_cannot_write_its_journal(self, pick: int, room: bool) -> None:
        puppet = one(self.at("coming"), pick)
        self.tell(Said(puppet.number, m.ServeFailed(s.Error("full"), room)))
        self.die(puppet, 1)

    @precondition(lambda self: bool(self.at("ordered")))
    @rule(pick=some)
    def a_call_begins(self, pick: int) -> None:
        self.begin_call(one(self.at("ordered"), pick))

    @precondition(lambda self: bool(self.at("calling")))
    @rule(pick=some, how=st.sampled_from(["returns", "returns", "returns", "raises"]))
    def a_call_ends(self, pick: int, how: str) -> None:
        self.end_call(one(self.at("calling"), pick), how)

    @precondition(lambda self: any(each for each in self.at("calling") if each.asked))
    @rule(pick=some)
    def a_call_stops_as_it_was_asked(self, pick: int) -> None:
        self.end_call(one([each for each in self.at("calling") if each.asked], pick), "stops")

    @precondition(lambda self: bool(self.at("ended")))
    @rule(pick=some, worn=st.sampled_from(["", "", "threads run"]), quietly=st.booleans())
    def a_worker_says_that_its_call_has_ended(self, pick: int, worn: str, quietly: bool) -> None:
        self.say_ended(one(self.at("ended"), pick), worn=worn, quietly=quietly)

    @precondition(
        lambda self: any(each for each in self.at("ordered", "calling") if isinstance(each.order, m.RunOrder))
    )
    @rule(pick=some, refused=refusals, ended=st.booleans())
    def the_disk_refuses_what_a_run_writes(self, pick: int, refused: m.Refused, ended: bool) -> None:
        able = [each for each in self.at("ordered", "calling") if isinstance(each.order, m.RunOrder)]
        puppet = one(able, pick)
        order = puppet.order
        assert isinstance(order, m.RunOrder)
        if puppet.place == "calling" and ended:
            self.end_call(puppet, "stops")
        elif puppet.place == "calling":
            end = Stopped(order.run, order.attempt, 1.0, self.stage.clock.at, "full")
            refused = m.Refused(refused.why, refused.room, end, refused.own)
        elif refused.own:
            return  # it has not begun
        self.say_ended(puppet, refused)

    @precondition(lambda self: bool(self.at("coming", "ready", "ordered", "calling", "ended")))
    @rule(pick=some, code=st.sampled_from([0, 1, m.CUT_OFF, -9, -11, -15]), left=st.booleans())
    def a_worker_dies(self, pick: int, code: int, left: bool) -> None:
        self.die(one(self.at("coming", "ready", "ordered", "calling", "ended"), pick), code, left=left)

    @precondition(lambda self: any(each for each in self.puppets.values() if each.leaving or each.killed))
    @rule(pick=some, left=st.booleans())
    def a_worker_leaves_or_is_killed(self, pick: int, left: bool) -> None:
        self.leave(one([each for each in self.puppets.values() if each.leaving or each.killed], pick), left=left)

    def leave(self, puppet: Puppet, *, left: bool = False) -> None:
        if puppet.place == "started":
            puppet.place = "coming"
            self.tell(m.Born(puppet.number, 100 + puppet.number))
        self.die(puppet, -9 if puppet.killed else 0, left=left)

    @precondition(lambda self: bool(self.left))
    @rule()
    def what_was_left_behind_ends(self) -> None:
        self.tell(m.Cleared(self.left.pop()))

    @precondition(lambda self: bool(self.puppets))
    @rule(pick=some, yes=st.booleans())
    def a_worker_is_stopped_or_goes_on(self, pick: int, yes: bool) -> None:
        self.tell(m.Responds(one(list(self.puppets.values()), pick).number, yes))

    @rule(step=seconds, stored=st.booleans())
    def time_passes(self, step: float, stored: bool) -> None:
        self.pass_time(step, stored=stored)

    def pass_time(self, step: float, *, stored: bool = True) -> None:
        self.hear(*list(self.puppets.values()))
        self.stage.now += step
        self.tell(i.Tick(stored=stored))

    @rule(which=runs)
    def instances_are_taken_out(self, which: tuple[int, ...]) -> None:
        called = self.busy()
        self.tell(c.Remove(tuple(run - 1 for run in which if run <= self.count)))
        assert not self.stage.state.out.intersection(called), "what is called stays"

    @rule(kind=st.sampled_from([c.Interrupt, c.Resume, c.Retry, c.Next, c.Forget]), which=runs)
    def somebody_wants_something_of_some(
        self, kind: type[c.Interrupt | c.Resume | c.Retry | c.Next | c.Forget], which: tuple[int, ...]
    ) -> None:
        self.tell(kind(tuple(run for run in which if run <= self.count)))

    @rule(
        command=st.one_of(
            st.sampled_from([c.Interrupt(), c.Resume(), c.Resume(), c.Retry(), c.Undo(), c.RerunDone(), c.Pause(True)]),
            st.builds(c.SetWorkers, st.integers(0, 4)),
            st.builds(c.SetLimits, st.builds(c.Limits, st.sampled_from([None, 3.0]), st.integers(0, 2))),
        )
    )
    def somebody_wants_something(self, command: c.Command) -> None:
        self.tell(command)

    # --- what holds always, and how it ends --------------------------------------------------------------------------

    @invariant()
    def the_runner_knows_who_lives(self) -> None:
        if hasattr(self, "stage"):
            seats = self.stage.state.seats.values()
            assert {seat.worker: seat.slot for seat in seats} == {p.number: p.slot for p in self.puppets.values()}
            assert isinstance(self.stage.state.agent, Absent) == (self.agent == "absent")

    @invariant()
    def what_a_worker_has_does_not_wait(self) -> None:
        """Neither what it calls nor what lies ready for it, and it has nothing ready while it waits itself."""
        if hasattr(self, "stage"):
            state = self.stage.state
            waiting = state.queue.ahead(0, RUNS)[1]
            assert not set(waiting) & set(self.busy()), "a run waits that a worker has"
            held = [run for seat in state.seats.values() for run in seat.runs]
            assert not set(waiting) & set(held), "a run waits that a worker has, as far as the runner knows"
            assert len(held) == len(set(held)), "no two workers have the same run"
            assert not [seat for seat in state.seats.values() if seat.ahead is not None and not seat.active]

    def all_goes_well_in_the_end(self) -> None:
        """What somebody wants to run is called, and done() after it, if nothing stands in the way any more."""
        state = self.stage.state
        wanted = {run.id for run in state.ledger.runs if isinstance(run.status, s.Pending | s.Interrupted)}
        self.tell(c.SetWorkers(max(1, state.workers)), c.Resume(), c.Resume(tuple(wanted)))
        for _ in range(STEPS):
            self.go_on()
            busy = self.puppets or isinstance(state.agent, Loading)
            if not len(state.queue) and not busy and not state.retries:
                break
        state = self.stage.state
        assert state.gate.is_open
        assert not len(state.queue)
        assert not state.seats
        words = [s.word(run.status) for run in state.ledger.runs if run.id in wanted - state.out]
        deadly = [run.id for run in state.ledger.runs if state.retries.is_deadly(run.id)]
        assert deadly or set(words) <= {"done", "failed", "interrupted"}
        if state.has_done and all_done(state):
            assert not isinstance(state.ledger.hook.status, s.HookNotYet), "done() was called"

    @rule(times=st.integers(1, 9), left=st.booleans(), quick=st.booleans())
    def everybody_goes_on(self, times: int, left: bool, quick: bool) -> None:
        for _ in range(times):
            self.go_on(left=left, quick=quick)

    def go_on(self, *, left: bool = False, quick: bool = False) -> None:
        """Everybody does the next thing that he has to do, and a moment passes, unless all are quick."""
        if self.killed or self.ending:
            self.lose_agent(0)
        elif self.agent == "loading":
            self.agent = "present"
            self.tell(m.Loaded("", self.stage.state.has_done, None))
        if self.renewing:
            self.another_agent_imports_it_or_cannot(imports=not quick)
        for puppet in list(self.puppets.values()):
            if puppet.number not in self.puppets:
                continue
            if puppet.leaving or puppet.killed:
                self.leave(puppet, left=left and not puppet.killed)
            elif puppet.place == "started":
                puppet.place = "coming"
                self.tell(m.Born(puppet.number, 100 + puppet.number))
            elif puppet.place == "coming":
                self.serve(puppet)
            elif puppet.place == "ordered":
                self.begin_call(puppet)
            elif puppet.place == "calling":
                self.end_call(puppet, "stops" if puppet.asked else "returns")
            elif puppet.place == "ended":
                self.say_ended(puppet, quietly=quick)
        while self.left and not left:
            self.tell(m.Cleared(self.left.pop()))
        if not quick:
            self.pass_time(0.7)

    def teardown(self) -> None:
        """All goes well from now on, or not; then somebody quits, and nobody does anything but what he is made to."""
        if not hasattr(self, "stage"):
            return
        if self.well:
            self.all_goes_well_in_the_end()
        self.quit = True
        self.tell(c.Quit())
        for _ in range(STEPS):
            if self.agent == "absent":
                break
            if self.killed:
                self.lose_agent(-9)
            for puppet in [each for each in self.puppets.values() if each.killed]:
                self.leave(puppet)
            self.pass_time(0.7)
        assert not self.stage.state.seats
        assert isinstance(self.stage.state.agent, Absent)
        assert not [run for run in self.stage.state.ledger.runs if isinstance(run.status, s.Running)]
        assert not isinstance(self.stage.state.ledger.hook.status, s.HookRunning)


def one(able: Sequence[T], pick: int) -> T:
    return able[pick % len(able)]


World.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestWhateverHappens = World.TestCase
