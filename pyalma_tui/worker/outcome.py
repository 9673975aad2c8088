"""How an attempt ended: from what is known of it to the one record that says so."""

from __future__ import annotations

import msgspec

from pyalma_tui.errors import Interrupted, SaveFailed
from pyalma_tui.model import ending
from pyalma_tui.model.records import Raised, Returned, Stopped
from pyalma_tui.model.status import Error
from pyalma_tui.worker.failure import causes, error_of


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an attempt that is over; `seconds` is how long it took.

    `raised` is what came out of `run`, None if it returned. `asked` tells that it should stop, `interrupted` that
    Interrupted was raised in it, in whatever thread, `signalled` that we have sent it a signal. `timeout` are the
    seconds that it had, None if it had all the time; `timed_out` tells that it was asked to stop for having used them
    up. `unsaved` says why a state could not be stored, `errno` is the number of that.
    """

    run: int
    attempt: int
    seconds: float
    raised: BaseException | None = None
    asked: bool = False
    interrupted: bool = False
    signalled: bool = False
    timeout: float | None = None
    timed_out: bool = False
    unsaved: str = ""
    errno: int | None = None


def outcome(facts: Facts, at: float) -> Returned | Raised | Stopped:
    """The record that ends the attempt; `at` is now, in seconds of the epoch.

    Whatever an attempt does after Interrupted was raised in it, or after a signal of ours, it did disturbed: it is
    called again rather than believed, whether it returns, or raises what its own handler makes of the signal.
    """
    raised, seconds = facts.raised, facts.seconds
    if facts.timeout is not None and (facts.timed_out or seconds > facts.timeout):
        return _raised(facts, Error(ending.timed_out(facts.timeout, seconds), _own_traceback(facts)))
    if facts.interrupted or facts.signalled:
        return _stopped(facts, at, ending.RETURNED_ANYWAY if raised is None else ending.INTERRUPTED)
    refused = ending.refused(facts.errno, facts.unsaved)
    if raised is None:
        if refused:
            return _stopped(facts, at, refused)
        if facts.unsaved:
            return _raised(facts, Error(f"SaveFailed: {facts.unsaved}"))
        return Returned(facts.run, facts.attempt, seconds)
    if facts.asked and _has(raised, Interrupted):
        return _stopped(facts, at, ending.INTERRUPTED)
    if refused and _has(raised, SaveFailed):
        return _stopped(facts, at, refused)
    return _raised(facts, error_of(raised))


def not_recorded(end: Returned | Raised | Stopped, error: OSError, at: float) -> Raised | Stopped:
    """The record that ends the attempt instead of one that the journal did not take; `at` as in `outcome`."""
    run, attempt, seconds = end.run, end.attempt, end.seconds
    why = error.strerror or str(error)
    if isinstance(end, Stopped):
        return end
    refused = ending.refused(error.errno, f"that it returned could not be recorded: {why}")
    if isinstance(end, Returned) and refused:
        return Stopped(run, attempt, seconds, at, refused)
    how = end.error.message if isinstance(end, Raised) else "returned"
    return Raised(run, attempt, seconds or 0.0, Error(f"{how} (after {seconds:.1f} s, not recorded: {why})"))


def was_interrupted(raised: BaseException, *, signalled: bool) -> bool:
    """Whether an Interrupted began it, or KeyboardInterrupt after a signal of ours, whoever handled that."""
    return _has(raised, Interrupted) or (signalled and _has(raised, KeyboardInterrupt))


def _has(raised: BaseException, kind: type[BaseException]) -> bool:
    return any(issubclass(type(error), kind) for error in causes(raised))


def _own_traceback(facts: Facts) -> str:
    """The traceback of what an attempt raised by itself."""
    disturbed = facts.interrupted or facts.signalled
    return "" if facts.raised is None or disturbed else error_of(facts.raised).traceback


def _raised(facts: Facts, error: Error) -> Raised:
    return Raised(facts.run, facts.attempt, facts.seconds, error)


def _stopped(facts: Facts, at: float, why: str) -> Stopped:
    return Stopped(facts.run, facts.attempt, facts.seconds, at, why)
