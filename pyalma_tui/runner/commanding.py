"""What follows from what a person asks for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from msgspec.structs import replace

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import NEVER
from pyalma_tui.model.records import Reset
from pyalma_tui.model.words import plural
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock, Instruction
from pyalma_tui.runner.removing import remove
from pyalma_tui.runner.renewing import do_nothing_then, renew
from pyalma_tui.runner.state import Coming, Forgot, Gate, PutFirst, Retried, Running, State
from pyalma_tui.runner.steps import all_done, dismiss, label, labels, stop, write
from pyalma_tui.runner.stop import asked, at_once
from pyalma_tui.runner.undoing import remember, undo


def carry_out(command: c.Command, state: State, clock: Clock) -> Iterator[Instruction]:
    """Carry out one command."""
    match command:
        case c.Interrupt(None):
            yield from _interrupt_all(state, clock, again=state.gate.halted)
        case c.Interrupt(runs):
            yield from _interrupt(runs or (), state, clock)
        case c.Resume(runs):
            if runs is None:
                yield from _pause(False, state)
            _open(state)
            yield from _let_wait(runs, s.Interrupted, "resuming", state)
            yield from _let_wait(runs, s.Pending, "starting", state)
        case c.Next(runs):
            yield from _put_first(runs, state)
        case c.Retry(runs):
            _open(state)
            waiting = state.standing(state.order if runs is None else runs, s.Failed)
            remember(Retried(tuple([run for run in waiting if run not in state.queue])), state)
            yield from _let_wait(runs, s.Failed, "retrying", state)
        case c.Forget(runs):
            yield from _reset(runs, state, clock)
        case c.Remove(instances):
            yield from remove(instances, state)
        case c.Undo():
            yield from undo(state, clock)
        case c.Renew():
            yield from renew(command, state)
        case c.RerunDone():
            yield from _rerun_done(state)
        case c.SetWorkers(workers):
            if workers >= 1 and workers != state.workers:
                yield i.Say(f"workers {state.workers} → {workers}")
                yield i.Remember({"workers": workers})
                state.workers = workers
        case c.SetLimits(limits):
            yield from _set_limits(limits, state)
        case c.Pause(paused):
            yield from _pause(paused, state)
        case c.Remark(text, heard):
            yield i.Say(text, heard)
        case c.Quit():
            again, state.closing = state.closing, True
            yield from _interrupt_all(state, clock, again=again)


def _open(state: State) -> None:
    """Somebody wants something to run: what held everything up is over."""
    state.gate = Gate(state.gate.paused)
    state.starting.anew()
    state.room.forget()


def _pause(paused: bool, state: State) -> Iterator[Instruction]:
    if paused != state.gate.paused:
        state.gate = replace(state.gate, paused=paused)
        yield i.Say("paused: no new runs are started" if paused else "no longer paused")


def _let_wait(runs: Sequence[int] | None, kind: type[s.Status], verb: str, state: State) -> Iterator[Instruction]:
    waiting = state.standing(state.order if runs is None else runs, kind)
    added = state.queue.add(waiting)
    if added:
        yield i.Say(f"{verb} {plural(added, 'run') if added < len(waiting) else labels(waiting, state)}")


def _put_first(runs: Sequence[int], state: State) -> Iterator[Instruction]:
    """Let these be called before all others that wait, in the order that they have among themselves."""
    first = state.standing(runs, s.Pending, s.Interrupted, s.Failed)
    if first:
        _open(state)
        added = tuple([run for run in first if run not in state.queue])
        remember(PutFirst(tuple(first), state.queue.first, added), state)
        state.queue.put_first(first)
        yield i.Say(f"next: {label(first[0], state) if len(first) == 1 else labels(first, state)}")


def _reset(runs: Sequence[int], state: State, clock: Clock) -> Iterator[Instruction]:
    idle = state.standing(runs, s.Pending, s.Interrupted, s.Failed, s.Done)
    forgets = state.standing(runs, s.Interrupted, s.Failed, s.Done)
    remember(Forgot(tuple(forgets), frozenset([run for run in forgets if run in state.queue])), state)
    for run in idle:
        reset = Reset(run, state.ledger.run(run).attempt + 1, clock.at, state.ledger.hook.calls)
        yield from write(reset, state, clock)
    state.queue.add(idle)
    if idle:
        yield i.Say(f"{labels(idle, state)} forgotten, to run anew")


def _rerun_done(state: State) -> Iterator[Instruction]:
    hook = state.ledger.hook.status
    if isinstance(hook, s.HookAbsent):
        yield i.Say("the module has no done()")
    elif not all_done(state):
        yield i.Say("done() is called when all runs are done; some are not")
    elif not isinstance(hook, s.HookRunning):
        state.done_wanted = True
        _open(state)
        yield i.Say("done() is called again")


def _set_limits(limits: c.Limits, state: State) -> Iterator[Instruction]:
    if limits.timeout != state.timeout:
        yield i.Say(f"timeout {_seconds(state.timeout)} → {_seconds(limits.timeout)}")
        state.timeout = limits.timeout
        for seat in state.seated(Running):
            running = seat.doing
            assert isinstance(running, Running), "only these were asked for"
            state.seats[seat.slot] = replace(seat, doing=replace(running, timeout=limits.timeout))
            yield i.Ask(seat.worker, m.Timeout(running.run, running.attempt, limits.timeout))
    if limits.retries != state.retries.limit:
        yield i.Say(f"retries {state.retries.limit} → {limits.retries}")
        state.retries.limit = limits.retries
    yield i.Remember({"timeout": limits.timeout or NEVER, "retries": limits.retries})


# --- interrupts -------------------------------------------------------------------------------------------------------


def _interrupt_all(state: State, clock: Clock, *, again: bool) -> Iterator[Instruction]:
    """Ask all that runs to stop, and begin nothing more; `again`, those that somebody has asked before are killed."""
    state.gate = replace(state.gate, halted=True)
    do_nothing_then(state)
    state.retries.clear()
    state.queue.clear()
    state.room.forget()
    for seat in state.seated(Coming):
        yield from dismiss(seat, state, clock)
    stopped = yield from _stop([seat.slot for seat in state.active], state, clock, again=again, timed_out_too=True)
    if not stopped and not state.closing:
        yield i.Say("interrupted: nothing new is started")


def _interrupt(runs: Sequence[int], state: State, clock: Clock) -> Iterator[Instruction]:
    """Ask these runs to stop; those that somebody has asked before are killed."""
    if discarded := [run for run in runs if state.queue.discard(run)]:
        yield i.Say(f"{labels(discarded, state)} wait{'s' * (len(discarded) == 1)} no more")
    slots = [seat.slot for seat in state.active if seat.run in runs]
    yield from _stop(slots, state, clock, again=True, timed_out_too=False)


def _stop(
    slots: Sequence[int], state: State, clock: Clock, *, again: bool, timed_out_too: bool
) -> Generator[Instruction, None, bool]:
    """Take the first step, or `again` the last one; what is stopped for its timeout was nobody's wish."""
    for seat in [state.seats[slot] for slot in slots]:
        if seat.stop is None:
            yield from stop(seat, asked(clock.now, state.policy.grace), state)
        elif again and (timed_out_too or seat.stop.wished):
            yield from stop(seat, at_once(seat.stop, clock.now), state)
    if slots:
        steps = {known.step for slot in slots if (known := state.seats[slot].stop) is not None}
        verb = "killing" if "SIGKILL" in steps else "interrupting"
        runs = [run for slot in slots if (run := state.seats[slot].run)]
        yield i.Say(f"{verb} {labels(runs, state) if runs else 'done()'}")
    return bool(slots)


def _seconds(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g} s"
