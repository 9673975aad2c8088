"""What follows from what an agent and its workers say, and from their deaths."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from pyalma_tui.errors import ShortageError
from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.runner import ahead
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.deaths import bury, lose_agent, take_away
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.state import Absent, Leaving, Parting, Present, Ready, Running, Seat, State
from pyalma_tui.runner.steps import GOODBYE, block, cut_off, dismiss, is_wished, label, leave, not_saved, turn, write
from pyalma_tui.runner.vacancies import never_loaded, not_born, try_later
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Remarked, Said, Taken, Unheard


def hear(event: AgentEvent | i.NoAgent, state: State, clock: Clock) -> Iterator[Instruction]:
    """Take in what has come from the agent, or of it."""
    match event:
        case Said(worker, reply):
            if (seat := state.seat_of(worker)) is not None:
                yield from _reply(seat, reply, state, clock)
        case Taken(worker, why, fell):
            if (seat := state.seat_of(worker)) is not None:
                leave(seat, state)
                yield from take_away(seat, why, state, clock, fell=fell)
        case Unheard(worker, until):
            if (seat := state.seat_of(worker)) is not None:
                state.seats[seat.slot] = replace(seat, unheard=until)
        case Remarked(text):
            yield i.Say(text)
        case m.Cleared(worker):
            state.parting = state.parting - {worker}
        case m.Gone(worker, code, left):
            if left:
                state.parting = state.parting | {worker}
            if (seat := state.seat_of(worker)) is not None:
                yield from bury(seat, code, state, clock)
        case m.Born(worker, pid, host):
            if (seat := state.seat_of(worker)) is not None:
                state.seats[seat.slot] = replace(seat, pid=pid, host=host)
        case m.NotBorn(worker, why, later):
            yield from not_born(worker, why, state, clock, later=later)
        case m.Responds(worker, yes):
            yield from _notice_stopped(worker, yes, state)
        case m.LeftBehind(pid=pid):
            yield i.Say(f"worker {pid} left processes behind; they were killed")
        case m.Loaded(has_done=has_done, unforkable=unforkable):
            state.agent, state.has_done = Present(), has_done
            if unforkable:
                yield i.Say(f"each worker imports the module by itself: {unforkable}")
        case m.LoadFailed(error):
            state.agent = Parting(clock.now + GOODBYE)
            yield from never_loaded(f"the module could not be imported: {error.message}", error.message, state, clock)
        case m.TryLater(why):
            state.agent = Parting(clock.now + GOODBYE)
            yield from try_later(why, state, clock)
        case i.NoAgent(why, later):
            state.agent = Absent()
            if later:
                yield from try_later(why, state, clock)
            else:
                yield from block(ShortageError(why), f"no worker can be started: {why}", state)
        case AgentGone(why, code):
            yield from lose_agent(why, code, state, clock)


# --- replies ----------------------------------------------------------------------------------------------------------


def _reply(seat: Seat, reply: m.Reply, state: State, clock: Clock) -> Iterator[Instruction]:
    if isinstance(seat.doing, Leaving):  # it had not heard yet that it is no longer needed
        return
    match reply:
        case m.Ended(run, attempt, refused, worn, taken):  # the first, as it is by far the most frequent
            if not isinstance(seat.doing, Running) or (seat.doing.run, seat.doing.attempt) != (run, attempt):
                return
            if refused is not None:
                yield from _not_recorded(seat, reply, refused, state, clock)
            ahead.ended(seat, state, clock, fit=refused is None and not worn)
            if (
                taken
                and not (is_wished(seat) or state.gate.halted)
                and isinstance(state.ledger.run(run).status, s.Interrupted)
            ):
                state.queue.add([run])  # elsewhere, or here if nothing else follows from that signal
            if worn:
                yield from _replace(state.seats[seat.slot], label(reply.run, state), worn, state, clock)
        case m.Serving():
            state.came = True
            state.starting.loaded()
            turn(seat, state, clock, Ready())
        case m.LoadFailed(error):
            yield from dismiss(seat, state, clock)
            said = f"a worker could not import the module: {error.message}"
            yield from never_loaded(said, error.message, state, clock)
        case m.TryLater(why):
            yield from dismiss(seat, state, clock)
            yield from try_later(why, state, clock)
        case m.ServeFailed(error, room):
            yield from dismiss(seat, state, clock)
            yield from not_saved("a worker cannot write its journal", m.Refused(error.message, room), state, clock)
        case m.DoneEnded(unsaved=unsaved):
            yield from cut_off(unsaved, state)
            turn(seat, state, clock, Ready())
            yield from dismiss(state.seats[seat.slot], state, clock)  # what it has written is there when it is gone


def _not_recorded(seat: Seat, ended: m.Ended, refused: m.Refused, state: State, clock: Clock) -> Iterator[Instruction]:
    """The disk refused what a worker wrote of a run: it goes on by itself unless that, or its end, was its own wish."""
    run = ended.run
    if refused.end is not None and isinstance(state.ledger.run(run).status, s.Running):
        yield from write(refused.end, state, clock)
    if refused.own:
        return
    yield from not_saved(label(run, state), refused, state, clock)
    known = state.ledger.run(run)
    goes_on = known.attempt < ended.attempt or isinstance(known.status, s.Interrupted)
    if goes_on and not is_wished(seat):
        state.queue.add([run])


def _replace(seat: Seat, run: str, worn: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """Let a worker go whose process runs have changed for good; another one takes its slot if there is need."""
    if state.policy.runs_per_worker != 1 and worn not in state.worn:  # else each is replaced after every run
        state.worn = {*state.worn, worn}
        yield i.Say(f"{run} {worn}: its worker is replaced, as each is after such a run")
    yield from dismiss(seat, state, clock)


def _notice_stopped(worker: int, responds: bool, state: State) -> Iterator[Instruction]:
    seat = state.seat_of(worker)
    if seat is None:
        return
    state.seats[seat.slot] = replace(seat, responding=responds)
    if seat.active:
        who = label(seat.run, state) if seat.run else "done()"
        how = f"its process {seat.pid} is stopped; `kill -CONT {seat.pid}` lets it go on"
        yield i.Say(f"{who} responds again" if responds else f"{who} does not respond: {how}")
