"""What is done next: events in, instructions out. Needs no process, no file and no clock.

`decide` takes an event into the state and says what follows; `runner` carries that out and tells what came of it. The
records of workers are in the ledger before their replies, and their deaths, are told.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.completion import identity_of
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import DoneStarted
from pyalma_tui.runner import ahead, commanding, hearing, renewing, stop
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Event, Instruction
from pyalma_tui.runner.state import (
    Absent,
    Calling,
    Coming,
    Leaving,
    Loading,
    Parting,
    Present,
    Ready,
    Running,
    Seat,
    State,
)
from pyalma_tui.runner.steps import GOODBYE, PRESSED, after_failure, all_done, dismiss, turn
from pyalma_tui.runner.steps import stop as take_step
from pyalma_tui.runner.workers.protocol import NotRenewed, Renewed, Said

LINGER = 2.0  # seconds after which a worker without work ends: it may hold memory that others want
FAREWELL = 6.0  # seconds that an agent gets to end: what workers have left behind has its moment, then exit functions
NO_STATE = msgspec.Raw(b'""')
NO_DATA = msgspec.Raw(b"null")


def decide(event: Event, state: State, clock: Clock) -> list[Instruction]:
    """Take the event in; what is to be done, in order."""
    return [*_take(event, state, clock), *_go_on(state, clock), *ahead.recalls(state, clock)]


def _take(event: Event, state: State, clock: Clock) -> Iterator[Instruction]:
    if isinstance(event, Said):  # the first, as it is by far the most frequent
        yield from hearing.hear(event, state, clock)
    elif isinstance(event, i.Tick):
        state.planned = event.planned
        yield from _tick(state, clock, stored=event.stored)
    elif isinstance(event, i.RunsFailed):
        for run in event.runs:
            yield from after_failure(run, state, clock)
    elif isinstance(event, i.Recalled):
        ahead.recalled(event, state)
        if not any(seat.ahead for seat in state.seats.values()):
            held, state.held = state.held, []
            for command in held:
                yield from commanding.carry_out(command, state, clock)
    elif isinstance(event, c.Command):
        yield from _heed(event, state, clock)
    elif isinstance(event, Renewed):
        then = yield from renewing.renewed(event, state, clock)
        if then is not None:
            yield from _heed(then, state, clock)
    elif isinstance(event, NotRenewed):
        yield from renewing.not_renewed(event, state)
    else:
        yield from hearing.hear(event, state, clock)


def _heed(command: c.Command, state: State, clock: Clock) -> Iterator[Instruction]:
    """Carry out what somebody asks for, once every order ahead is back or has begun."""
    if any(seat.ahead for seat in state.seats.values()):
        state.held = [*state.held, command]
    else:
        yield from commanding.carry_out(command, state, clock)


# --- what waits is begun ----------------------------------------------------------------------------------------------


def _go_on(state: State, clock: Clock) -> Iterator[Instruction]:
    """Give every free worker something to do, and start workers while there is more than they can take."""
    if state.closing:
        yield from _close(state, clock)
        return
    if not state.planned:
        return
    yield from _give_up_surplus(state.staff - state.workers, state, clock)
    begins, ready = state.begins, state.seated(Ready)
    if ready and (beyond := state.staff - state.workers) > 0:  # those in the last slots go, whoever has the first
        ready.sort(key=lambda seat: seat.slot)
        for seat in ready[-beyond:]:
            yield from dismiss(seat, state, clock)
        del ready[-beyond:]
    for seat in ready:
        if seat.ahead is not None:
            continue
        if _is_used_up(seat, state):
            yield from dismiss(seat, state, clock)
        elif begins and (run := state.queue.pop()) is not None:
            yield from _order(seat, run, state, clock)
    if state.active:  # else the last one may be for done()
        yield from _give_up_surplus(len(state.seated(Coming)) - len(state.queue), state, clock)
    if begins and len(state.queue):
        yield from _give_ahead(state)
    if begins and len(state.queue):
        yield from _hire(len(state.queue), state, clock)
    elif done_is_due(state):
        yield from _call_done(state, clock)


def _give_up_surplus(beyond: int, state: State, clock: Clock) -> Iterator[Instruction]:
    """Let so many go, in the last slots, of whom there is no process yet: a place for them may be hours away."""
    unborn = [seat for seat in state.seated(Coming) if not seat.pid]
    for seat in sorted(unborn, key=lambda seat: -seat.slot)[: max(0, beyond)]:
        yield from dismiss(seat, state, clock)


def _is_used_up(seat: Seat, state: State) -> bool:
    most = state.policy.runs_per_worker
    return state.is_outdated(seat) or (most is not None and seat.served >= most)


def _hire(wanted: int, state: State, clock: Clock) -> Iterator[Instruction]:
    """Start workers until as many are coming as have something to do."""
    free = [slot for slot in range(state.workers) if slot not in state.seats]
    if not free:
        return
    there = len(state.seated(Ready, Running, Calling))
    if not state.starting.may(clock.now, others=there > 0):
        return
    if isinstance(state.agent, Absent) and state.renewing is None:  # else one is on its way
        state.agent = Loading()
        yield i.StartAgent()
    if not isinstance(state.agent, Present):
        return
    more = min(wanted - len(state.seated(Coming)), state.workers - state.staff)
    for slot in free[: max(0, more)]:
        state.hired += 1
        state.seats[slot] = Seat(slot, state.hired, clock.now, clock.at, generation=state.generation)
        yield i.StartWorker(state.hired, slot)


def _give_ahead(state: State) -> Iterator[Instruction]:
    for seat in list(state.seats.values()):
        if not ahead.is_welcome(seat, state) or state.held or state.staff > state.workers:
            continue
        if (number := state.queue.pop()) is None:
            return
        run = state.ledger.run(number)
        order = _run_order(run, state.ledger.instances[run.instance], state)
        if not ahead.is_small(order):
            state.queue.put_first([number])
            return
        state.seats[seat.slot] = replace(seat, ahead=Running(run.id, order.attempt, state.timeout))
        yield i.GiveAhead(seat.worker, order)


def _order(seat: Seat, number: int, state: State, clock: Clock) -> Iterator[Instruction]:
    run = state.ledger.run(number)
    assert not any(number in other.runs for other in state.seats.values()), "no two workers have the same run"
    assert not isinstance(run.status, (s.Running, s.Done)), "only what is not running and not done is called"
    order = _run_order(run, state.ledger.instances[run.instance], state)
    turn(seat, state, clock, Running(run.id, order.attempt, state.timeout), served=1)
    yield i.Give(seat.worker, order)


def _run_order(run: Run, instance: Instance, state: State) -> m.RunOrder:
    cuts = state.policy.cuts
    return m.RunOrder(
        run=run.id,
        attempt=run.attempt + 1,
        instance=instance.id,
        file=instance.file,
        is_object=instance.data is not None,
        data=NO_DATA if instance.data is None else msgspec.Raw(instance.data),
        iteration=run.iteration,
        seed=run.seed,
        state=NO_STATE if run.state is None else msgspec.Raw(run.state),
        timeout=state.timeout,
        bare=instance.bare,
        cut=cuts[run.attempt] if run.attempt < len(cuts) else None,
        rows=rows_in(run.extents),
    )


def _close(state: State, clock: Clock) -> Iterator[Instruction]:
    """Let all go that call nothing; with the last of them the agent."""
    for seat in state.seated(Coming, Ready):
        yield from dismiss(seat, state, clock)
    if not state.seats and isinstance(state.agent, Loading | Present):
        yield i.EndAgent(kill=isinstance(state.agent, Loading))
        state.agent = Parting(clock.now + FAREWELL)


# --- done() -----------------------------------------------------------------------------------------------------------


def done_is_due(state: State) -> bool:
    """Whether done() is to be called as soon as it can be."""
    if not state.has_done or not state.begins or state.active:
        return False
    not_yet = isinstance(state.ledger.hook.status, s.HookNotYet) and not state.policy.no_done
    return (not_yet or state.done_wanted) and all_done(state)


def _call_done(state: State, clock: Clock) -> Iterator[Instruction]:
    """Call done() in a worker that has called nothing, after all others and what they have started have ended.

    Only then what runs have written is there: files are flushed at the end of a process.
    """
    fresh = [seat for seat in state.seated(Ready) if not seat.served]
    for seat in state.seated(Ready):
        if seat not in fresh[:1]:
            yield from dismiss(seat, state, clock)
    for seat in state.seated(Coming)[0 if fresh else 1 :]:  # there may never be a place for them
        yield from dismiss(seat, state, clock)
    if state.parting or len(state.seats) > len(fresh[:1]):
        return
    if not fresh:
        yield from _hire(1, state, clock)
        return
    state.done_wanted = False
    call = state.ledger.hook.calls + 1
    started = DoneStarted(call, clock.at, identity_of(state.ledger.run(run) for run in state.order))
    yield i.WriteDurably(started)
    turn(fresh[0], state, clock, Calling(call), served=1)
    yield i.Give(fresh[0].worker, m.DoneOrder(call, state.policy.seed))


# --- time -------------------------------------------------------------------------------------------------------------


def _tick(state: State, clock: Clock, *, stored: bool) -> Iterator[Instruction]:
    for seat in list(state.seats.values()):
        yield from _look_after(seat, state, clock)
    if isinstance(state.agent, Parting) and clock.now >= state.agent.deadline:
        state.agent = Parting(clock.now + FAREWELL)
        yield i.EndAgent(kill=True)
    state.queue.add(state.retries.due(clock.now, lambda run: bool(state.standing([run], s.Failed))))
    if state.room.is_found(clock.now, stored=stored):
        state.gate = replace(state.gate, blocked=None)
        yield i.Say("there is room on the disk again: what it has interrupted goes on")


def _look_after(seat: Seat, state: State, clock: Clock) -> Iterator[Instruction]:
    lasted = clock.now - seat.began
    match seat.doing:
        case Leaving() as leaving:
            yield from _hurry(seat, leaving, lasted, state, clock)
        case Ready() if lasted >= LINGER:
            yield from dismiss(seat, state, clock)
        case Running(timeout=timeout) if seat.stop is None and timeout is not None and lasted >= timeout:
            yield from take_step(seat, stop.asked(clock.now, state.policy.grace, timeout), state)
        case Running() | Calling() if seat.stop is not None and clock.now >= seat.stop.deadline:
            killed = seat.stop.step == "SIGKILL"
            yield from take_step(seat, stop.advanced(seat.stop, clock.now), state)
            if killed and _is_all_to_end(state):
                yield from _kill_agent(state, clock)


def _is_all_to_end(state: State) -> bool:
    """Whether nothing is lost with an agent that does not answer, such as one that is stopped."""
    return state.closing or state.gate.halted


def _kill_agent(state: State, clock: Clock) -> Iterator[Instruction]:
    """Once: whether it has to be done again is looked after as for any agent that is to end."""
    if not isinstance(state.agent, Parting):
        state.agent = Parting(clock.now + FAREWELL)
        yield i.EndAgent(kill=True)


def _hurry(seat: Seat, leaving: Leaving, lasted: float, state: State, clock: Clock) -> Iterator[Instruction]:
    """Interrupt a worker that does not come to its end, as Ctrl+C would, then kill it."""
    if leaving.killed and lasted >= GOODBYE + stop.AFTER["SIGKILL"] and _is_all_to_end(state):
        yield from _kill_agent(state, clock)
    elif lasted >= GOODBYE and not leaving.killed:
        state.seats[seat.slot] = replace(seat, doing=replace(leaving, killed=True))
        yield i.SendSignal(seat.worker, signal.SIGKILL, group=True)
    elif lasted >= PRESSED and not leaving.pressed and not leaving.killed:
        state.seats[seat.slot] = replace(seat, doing=replace(leaving, pressed=True))
        yield i.SendSignal(seat.worker, signal.SIGINT)
