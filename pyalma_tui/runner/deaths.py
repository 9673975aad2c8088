"""Workers that are gone, one by one or all with their agent: what becomes of what they were calling."""

from __future__ import annotations

from collections.abc import Iterator
from signal import SIGINT

from pyalma_tui.model import status as s
from pyalma_tui.model.ending import SESSION_ENDED
from pyalma_tui.model.experiment import has_ended
from pyalma_tui.model.records import DoneRaised, Lost, Started, Stopped
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.retries import CRASHES
from pyalma_tui.runner.state import Absent, Calling, Coming, Leaving, Loading, Parting, Running, Seat, State
from pyalma_tui.runner.steps import GOODBYE, PRESSED, cut_off, is_wished, leave, write
from pyalma_tui.runner.vacancies import never_loaded
from pyalma_tui.runner.verdict import Death, how_it_died, verdict

AGENT_ENDED = "the process that its worker was forked from ended"


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
            yield from never_loaded(said, f"{state.policy.module}: {said}", state, clock)
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
        if is_wished(seat):
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


def lose_agent(why: str, code: int, state: State, clock: Clock) -> Iterator[Instruction]:
    """The agent has ended, and with it all workers: that is not the fault of what they were calling."""
    before, state.agent, state.parting = state.agent, Absent(), set()
    coming = state.seated(Coming)
    for seat in list(state.seats.values()):
        if seat in coming or (seat.active and seat.stop is None and not state.failed):
            leave(seat, state)
            yield from _interrupt(seat, AGENT_ENDED, state, clock)
        else:
            yield from bury(seat, code, state, clock)
    if isinstance(before, Parting) or state.closing:
        return
    if isinstance(before, Loading) or coming:
        when = "while it imports the module" if isinstance(before, Loading) else "before its workers serve"
        said = f"the process {why} {when}"
        yield from never_loaded(said, f"{state.policy.module}: {said}", state, clock)
    else:
        yield i.Say(f"the process that workers are forked from {why}: another one is started when it is needed")


def take_away(seat: Seat, why: str, state: State, clock: Clock, *, fell: bool) -> Iterator[Instruction]:
    """A worker is gone with its place, whatever it called: that goes on elsewhere, unless somebody wishes otherwise."""
    why = SESSION_ENDED if state.failed else why
    if isinstance(seat.doing, Calling):
        yield from cut_off(why, state)
    if not isinstance(seat.doing, Running):
        return
    running, run = seat.doing, state.ledger.run(seat.run)
    if fell and seat.stop is None and not state.failed and not has_ended(run, running.attempt):
        yield from _interrupt(seat, why, state, clock)
        return
    if run.attempt == running.attempt and not has_ended(run, running.attempt):
        yield from write(Stopped(run.id, running.attempt, None, clock.at, why), state, clock)
        run = state.ledger.run(seat.run)
    over = run.attempt == running.attempt and not isinstance(run.status, s.Interrupted)
    if not over and not is_wished(seat) and not state.gate.halted:
        state.queue.add([run.id])


def _interrupt(seat: Seat, why: str, state: State, clock: Clock) -> Iterator[Instruction]:
    """What a worker calls that ended with its agent: a run goes on in another one, but does not go round for ever."""
    if isinstance(seat.doing, Calling):
        yield from cut_off(why, state)
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
        error = s.Error(f"{why}; {CRASHES} workers were lost under this run")
        yield from write(Lost(run.id, running.attempt, seconds, clock.at, error), state, clock)
        return
    if run.attempt == running.attempt:
        yield from write(Stopped(run.id, running.attempt, seconds, clock.at, why), state, clock)
    state.queue.add([run.id])
