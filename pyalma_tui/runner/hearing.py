"""What follows from what an agent and its workers say, and from their deaths."""

from __future__ import annotations

from collections.abc import Iterator
from signal import SIGINT

from msgspec.structs import replace

from pyalma_tui.errors import LoadError, ShortageError
from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.ending import SESSION_ENDED
from pyalma_tui.model.experiment import has_ended
from pyalma_tui.model.records import DoneRaised, Lost, Started, Stopped
from pyalma_tui.model.words import plural
from pyalma_tui.runner import ahead
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.retries import CRASHES
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
from pyalma_tui.runner.steps import (
    GOODBYE,
    PRESSED,
    block,
    cut_off,
    dismiss,
    label,
    leave,
    not_saved,
    turn,
    write,
)
from pyalma_tui.runner.verdict import Death, how_it_died, verdict
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Remarked, Said, Taken

MEND = "What was saved is kept; mend it, then start again"
AGENT_ENDED = "the process that its worker was forked from ended"


def hear(event: AgentEvent | i.NoAgent, state: State, clock: Clock) -> Iterator[Instruction]:
    """Take in what has come from the agent, or of it."""
    match event:
        case Said(worker, reply):
            if (seat := state.seat_of(worker)) is not None:
                yield from _reply(seat, reply, state, clock)
        case Taken(worker, why):
            if (seat := state.seat_of(worker)) is not None:
                leave(seat, state)
                yield from _take_away(seat, why, state, clock)
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
            yield from _not_born(worker, why, state, clock, later=later)
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
            yield from _never_loaded(f"the module could not be imported: {error.message}", error.message, state, clock)
        case m.TryLater(why):
            state.agent = Parting(clock.now + GOODBYE)
            yield from _try_later(why, state, clock)
        case i.NoAgent(why, later):
            state.agent = Absent()
            if later:
                yield from _try_later(why, state, clock)
            else:
                yield from block(ShortageError(why), f"no worker can be started: {why}", state)
        case AgentGone(why, code):
            yield from _lose_agent(why, code, state, clock)


# --- replies ----------------------------------------------------------------------------------------------------------


def _reply(seat: Seat, reply: m.Reply, state: State, clock: Clock) -> Iterator[Instruction]:
    if isinstance(seat.doing, Leaving):  # it had not heard yet that it is no longer needed
        return
    match reply:
        case m.Ended(run, attempt, refused, worn):  # the first, as it is by far the most frequent
            if not isinstance(seat.doing, Running) or (seat.doing.run, seat.doing.attempt) != (run, attempt):
                return
            if refused is not None:
                yield from _not_recorded(seat, reply, refused, state, clock)
            ahead.ended(seat, state, clock, fit=refused is None and not worn)
            if worn:
                yield from _replace(state.seats[seat.slot], label(reply.run, state), worn, state, clock)
        case m.Serving():
            state.came = True
            state.starting.loaded()
            turn(seat, state, clock, Ready())
        case m.LoadFailed(error):
            yield from dismiss(seat, state, clock)
            said = f"a worker could not import the module: {error.message}"
            yield from _never_loaded(said, error.message, state, clock)
        case m.TryLater(why):
            yield from dismiss(seat, state, clock)
            yield from _try_later(why, state, clock)
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
    if goes_on and not _is_wished(seat):
        state.queue.add([run])


def _is_wished(seat: Seat) -> bool:
    """Whether somebody wishes that what it calls stops."""
    return seat.stop is not None and seat.stop.wished


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


# --- workers that do not come -----------------------------------------------------------------------------------------


def _not_born(worker: int, why: str, state: State, clock: Clock, *, later: bool) -> Iterator[Instruction]:
    if (seat := state.seat_of(worker)) is not None:
        del state.seats[seat.slot]
    if later:
        yield from _try_later(why, state, clock)
    elif there := len(state.seated(Ready, Running, Calling)):
        state.workers = there
        yield i.Say(f"no more workers can be started ({why}): {_go_on(there)}")
    else:
        yield from block(ShortageError(f"no worker can be started: {why}"), f"no worker can be started: {why}", state)


def _go_on(workers: int) -> str:
    return f"{plural(workers, 'worker')} {'goes' if workers == 1 else 'go'} on"


def _try_later(why: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """None could be started, or could start its thread: it waits, unless this is the start and nobody is coming."""
    if state.closing:
        return
    if not (state.came or state.seated(Coming)):
        yield from block(ShortageError(why), f"no worker can be started: {why}", state)
    elif state.starting.short(clock.now):
        yield i.Say(f"no worker can be started at the moment ({why}): it is tried again until one can")


def _never_loaded(said: str, why: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """One did not come to load the module: another is tried, and after some the others go on without it."""
    if state.closing:  # it is not needed any more
        return
    others = len(state.seated(Ready, Running, Calling))
    if not state.starting.died(clock.now):
        yield i.Say(f"{said}; another one is started")
    elif others:
        yield i.Say(f"no more workers can be started: {said}; {_go_on(others)}")
    else:
        yield from block(LoadError(f"module: {why}. {MEND}"), f"no worker can be started: {said}", state)


# --- deaths -----------------------------------------------------------------------------------------------------------


def bury(seat: Seat, code: int, state: State, clock: Clock) -> Iterator[Instruction]:
    """The worker is gone, and its last words were taken in: find out what became of what it was doing."""
    leave(seat, state)
    match seat.doing:
        case Running() as running:
            yield from _end_run(seat, running, code, state, clock)
        case Calling(call):
            yield from _end_done(seat, call, code, state, clock)
        case Coming():
            how = how_it_died(code) if code < 0 else f"exit code {code}"
            said = f"a worker ended while it imported the module ({how})"
            yield from _never_loaded(said, f"{state.policy.module}: {said}", state, clock)
        case Leaving(came=True) as leaving:
            yield from _tell_loss(seat, leaving, code)


def _tell_loss(seat: Seat, leaving: Leaving, code: int) -> Iterator[Instruction]:
    if code == 0:
        return
    if code > 0:  # an exit function has ended the process: those after it were not called
        what = f"exited with code {code} while it ended"
    elif leaving.killed:
        what = f"did not end within {GOODBYE:g} s and was killed"
    elif leaving.pressed and code == -SIGINT:  # in a finalizer: no handler is left then
        what = f"was still at its end after {PRESSED:g} s and was interrupted"
    else:
        what = f"was {how_it_died(code)} while it ended"
    yield i.Say(
        f"worker {seat.pid} {what}: what it had not written to its files yet is lost; "
        f"its log among those of loading may say why"
    )


def _end_run(seat: Seat, running: Running, code: int, state: State, clock: Clock) -> Iterator[Instruction]:
    run = state.ledger.run(running.run)
    if has_ended(run, running.attempt):
        return
    if run.attempt < running.attempt:  # it never came to its start
        state.retries.crashed(run.id)
        if _is_wished(seat):
            return
        if not state.retries.is_deadly(run.id):
            state.queue.add([run.id])
            return
        # as far as we know: the worker dies of this run, which must not go round for ever
        yield from _begin(running, seat, state, clock)
    stop = seat.stop
    death = Death(
        code=code,
        seconds=round(clock.now - seat.began, 3),
        step=stop.step if stop is not None else None,
        hurried=stop is not None and stop.hurried,
        timeout=running.timeout if stop is None or stop.wished else stop.timeout,
        timed_out=stop is not None and not stop.wished,
        failed=state.failed,
    )
    if stop is None:
        state.retries.crashed(run.id)
    yield from write(verdict(run.id, running.attempt, death, clock.at), state, clock)


def _begin(running: Running, seat: Seat, state: State, clock: Clock) -> Iterator[Instruction]:
    started = Started(running.run, running.attempt, seat.slot, seat.since, "", seat.pid)
    yield from write(started, state, clock)


def _end_done(seat: Seat, call: int, code: int, state: State, clock: Clock) -> Iterator[Instruction]:
    if not isinstance(state.ledger.hook.status, s.HookRunning):
        return
    if state.failed:
        yield from cut_off(SESSION_ENDED, state)
    elif seat.stop is not None:
        yield from cut_off("it was stopped", state)
    else:
        why = how_it_died(code).replace("run()", "done()")
        yield from write(DoneRaised(call, clock.at, s.Error(why)), state, clock)


def _lose_agent(why: str, code: int, state: State, clock: Clock) -> Iterator[Instruction]:
    """The agent has ended, and with it all workers: that is not the fault of what they were calling."""
    before, state.agent, state.parting = state.agent, Absent(), set()
    coming = state.seated(Coming)
    for seat in list(state.seats.values()):
        if seat in coming or (seat.active and seat.stop is None and not state.failed):
            leave(seat, state)
            yield from _interrupt(seat, state, clock)
        else:
            yield from bury(seat, code, state, clock)
    if isinstance(before, Parting) or state.closing:
        return
    if isinstance(before, Loading) or coming:
        when = "while it imports the module" if isinstance(before, Loading) else "before its workers serve"
        said = f"the process {why} {when}"
        yield from _never_loaded(said, f"{state.policy.module}: {said}", state, clock)
    else:
        yield i.Say(f"the process that workers are forked from {why}: another one is started when it is needed")


def _take_away(seat: Seat, why: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """A worker is gone with its place, whatever it called: that goes on elsewhere, unless somebody wishes otherwise."""
    why = SESSION_ENDED if state.failed else why
    if isinstance(seat.doing, Calling):
        yield from cut_off(why, state)
    if not isinstance(seat.doing, Running):
        return
    running, run = seat.doing, state.ledger.run(seat.run)
    if run.attempt == running.attempt and not has_ended(run, running.attempt):
        yield from write(Stopped(run.id, running.attempt, None, clock.at, why), state, clock)
        run = state.ledger.run(seat.run)
    over = run.attempt == running.attempt and not isinstance(run.status, s.Interrupted)
    if not over and not _is_wished(seat) and not state.gate.halted:
        state.queue.add([run.id])


def _interrupt(seat: Seat, state: State, clock: Clock) -> Iterator[Instruction]:
    """What a worker calls that ended with its agent: a run goes on in another one, but does not go round for ever."""
    if isinstance(seat.doing, Calling):
        yield from cut_off(AGENT_ENDED, state)
    if not isinstance(seat.doing, Running):
        return
    running, run = seat.doing, state.ledger.run(seat.run)
    if has_ended(run, running.attempt):
        return
    seconds = round(clock.now - seat.began, 3)
    state.retries.crashed(run.id)
    if state.retries.is_deadly(run.id):
        if run.attempt < running.attempt:
            yield from _begin(running, seat, state, clock)
        error = s.Error(f"{AGENT_ENDED}; {CRASHES} workers were lost under this run")
        yield from write(Lost(run.id, running.attempt, seconds, clock.at, error), state, clock)
        return
    if run.attempt == running.attempt:
        yield from write(Stopped(run.id, running.attempt, seconds, clock.at, AGENT_ENDED), state, clock)
    state.queue.add([run.id])
