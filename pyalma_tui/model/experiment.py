"""What is true of a run, and how each record changes it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pyalma_tui.errors import IllegalTransitionError
from pyalma_tui.model import status as s
from pyalma_tui.model.bounds import LONGEST, behind
from pyalma_tui.model.extents import Extents, counting
from pyalma_tui.model.records import (
    DoneRaised,
    DoneReturned,
    DoneStarted,
    HookRecord,
    Imported,
    Lost,
    Progressed,
    Raised,
    Reset,
    Restored,
    Returned,
    RunRecord,
    Saved,
    Started,
    Stopped,
    Was,
)

EARLIER_STATES = 2
EARLIER_LENGTH = 200  # bytes kept of a superseded state: it is only shown


class Run(msgspec.Struct, frozen=True, gc=False):
    """One (instance, iteration): the unit that is pending, running, interrupted, failed or done.

    `state` is the JSON text of the last saved value, None if there is none. `earlier` are the states before it, newest
    first, cut for display. `attempt` is the number of the last attempt and `last_save` that of its last save; `saves`
    counts over all attempts. `seconds` sums the attempts that ended. Of the last attempt, `module` is the identity of
    its code, `began` when (seconds of the epoch), `slot` and `host` where. `extents` are the rows of results that
    count. `ran` is the attempt that was called last where a reset and what took it back came after it, else 0.
    """

    id: int
    instance: int
    iteration: int
    seed: int
    status: s.Status = s.PENDING
    state: bytes | None = None
    earlier: tuple[bytes, ...] = ()
    saves: int = 0
    saved_at: float | None = None
    attempt: int = 0
    last_save: int = 0
    seconds: float = 0.0
    progress: tuple[float, float] | None = None
    module: str = ""
    began: float | None = None
    slot: int | None = None
    host: str = ""
    extents: Extents = ()
    ran: int = 0

    @property
    def called(self) -> int:
        """The number of the attempt that was called last: its log has it, and people are told it."""
        return self.ran or self.attempt


def worked(run: Run, now: float | None) -> float:
    """The seconds that a run has taken: all its attempts that ended, and the one that is running until `now`.

    `now` is None where nobody runs it any more. An attempt whose end nobody saw counts to its last save.
    """
    if now is None or not isinstance(run.status, s.Running):
        return run.seconds
    return run.seconds + max(0.0, now - run.status.since)


def fold(run: Run, record: RunRecord) -> Run:
    """The run after one record.

    A record that is known already, or belongs to an attempt that has ended, changes nothing: folding a journal twice
    is harmless, and attempt numbers fence off late writers. Raises IllegalTransitionError for a record that no correct
    program writes: a start of a run that is running or done, or a record of an attempt that never started, but for a
    loss: the start could not be recorded then.
    """
    if isinstance(record, Started):
        return _start(run, record)
    if isinstance(record, Reset):
        return _reset(run, record)
    if isinstance(record, Imported):  # told when the attempt is over; by itself it says of no run that it was called
        return msgspec.structs.replace(run, module=record.code) if record.attempt == run.attempt else run
    if isinstance(record, Restored):
        return _restore(run, record)
    if record.attempt > run.attempt:
        if isinstance(record, Lost) and not isinstance(run.status, (s.Running, s.Done)):  # on a full disk, say
            failed = s.Failed(error=record.error, at=record.at)
            return msgspec.structs.replace(run, status=failed, attempt=record.attempt, last_save=0, progress=None)
        raise _illegal(run, record)
    if record.attempt < run.attempt or not isinstance(run.status, s.Running):
        return run
    if isinstance(record, Saved):
        return _save(run, run.status, record)
    if isinstance(record, Progressed):
        return msgspec.structs.replace(run, progress=(record.done, record.total))
    return _end(run, run.status, record)


def _start(run: Run, record: Started) -> Run:
    if record.attempt <= run.attempt:
        return run
    if isinstance(run.status, (s.Running, s.Done)):
        raise _illegal(run, record)
    return msgspec.structs.replace(
        run,
        status=s.Running(attempt=record.attempt, slot=record.slot, since=record.at, pid=record.pid),
        attempt=record.attempt,
        last_save=0,
        progress=None,
        module=record.module,
        began=record.at,
        slot=record.slot,
        host=record.host,
        ran=0,
    )


def _save(run: Run, status: s.Running, record: Saved) -> Run:
    if record.number <= run.last_save:
        return run
    earlier = run.earlier
    if run.state is not None:
        earlier = (run.state[:EARLIER_LENGTH], *earlier)[:EARLIER_STATES]
    return msgspec.structs.replace(
        run,
        state=bytes(record.state),
        earlier=earlier,
        saves=run.saves + record.number - run.last_save,
        last_save=record.number,
        saved_at=behind(status.since, record.elapsed / 1000),
        extents=counting(run.extents, record.attempt, record.extents),
    )


def _end(run: Run, status: s.Running, record: Returned | Raised | Stopped | Lost) -> Run:
    seconds = record.seconds
    if seconds is None:  # nobody saw the end: count to the last save
        seconds = max(0.0, run.saved_at - status.since) if run.last_save and run.saved_at is not None else 0.0
    ended: s.Status
    extents = run.extents
    match record:
        case Returned():
            extents = counting(extents, record.attempt, record.extents)
            ended = s.Done(at=behind(status.since, seconds), duration=seconds)
        case Raised():
            ended = s.Failed(error=record.error, at=behind(status.since, seconds))
        case Stopped():
            ended = s.Interrupted(why=record.why, at=record.at)
        case Lost():
            ended = s.Failed(error=record.error, at=record.at)
    return msgspec.structs.replace(run, status=ended, seconds=min(run.seconds + seconds, LONGEST), extents=extents)


def _reset(run: Run, record: Reset) -> Run:
    if record.attempt <= run.attempt:
        return run
    if isinstance(run.status, s.Running):
        raise _illegal(run, record)
    return anew(run, record.attempt)


def what_was(run: Run) -> Was:
    """All that a reset of the run would forget."""
    assert not isinstance(run.status, s.Running), "what runs is not reset"
    return Was(
        status=run.status,
        state=msgspec.UNSET if run.state is None else msgspec.Raw(run.state),
        earlier=tuple([state.decode("utf-8", "replace") for state in run.earlier]),
        saves=run.saves,
        saved_at=run.saved_at,
        attempt=run.called,
        last_save=run.last_save,
        seconds=run.seconds,
        progress=run.progress,
        module=run.module,
        began=run.began,
        slot=run.slot,
        host=run.host,
        extents=run.extents,
    )


def _restore(run: Run, record: Restored) -> Run:
    """What it was, with the attempts fenced off that are: of a run that has begun since, nothing changes."""
    if record.attempt <= run.attempt:
        return run
    if isinstance(run.status, s.Running):
        raise _illegal(run, record)
    was = record.was
    return msgspec.structs.replace(
        anew(run, record.attempt),
        status=was.status,
        state=None if was.state is msgspec.UNSET else bytes(was.state),
        earlier=tuple([state.encode() for state in was.earlier[:EARLIER_STATES]]),
        saves=was.saves,
        saved_at=was.saved_at,
        last_save=was.last_save,
        seconds=was.seconds,
        progress=was.progress,
        module=was.module,
        began=was.began,
        slot=was.slot,
        host=was.host,
        extents=was.extents,
        ran=was.attempt,
    )


def anew(run: Run, attempt: int) -> Run:
    """The run with nothing behind it; records of attempts up to this one are fenced off."""
    return Run(id=run.id, instance=run.instance, iteration=run.iteration, seed=run.seed, attempt=attempt)


def has_ended(run: Run, attempt: int) -> bool:
    """Whether it is known how this attempt ended."""
    return run.attempt > attempt or (run.attempt == attempt and not isinstance(run.status, s.Running))


def has_result(run: Run) -> bool:
    """Whether there is anything of it to keep: it is done, or it has saved."""
    return bool(run.saves) or isinstance(run.status, s.Done)


def lost_before(run: Run, record: RunRecord) -> Iterator[RunRecord]:
    """What must have happened between a run and a record that does not fit it: records to fold first.

    Several processes write, each into its own file. A power cut takes the last records of one and leaves another's; a
    full disk or damage takes some; and a reader without the lock may have read one file before and one after. What is
    left is true all the same: an attempt that began means that the one before it had ended.
    """
    at = record.at if isinstance(record, Started | Stopped | Lost | Reset | Restored) else run.saved_at or 0.0
    if isinstance(run.status, s.Running):
        yield Stopped(run.id, run.attempt, None, at, "its end was not recorded")
    elif isinstance(run.status, s.Done):
        yield Reset(run.id, record.attempt - 1, at, -1)  # only a reset lets a run begin again that was done
    if not isinstance(record, Started | Reset | Restored):
        yield Started(run.id, record.attempt, 0, at, run.module, 0)


def _illegal(run: Run, record: RunRecord) -> IllegalTransitionError:
    kind = type(record).__name__.lower()
    return IllegalTransitionError(
        f"run {run.id}: '{kind}' of attempt {record.attempt} while it is {s.word(run.status)} "
        f"after attempt {run.attempt}. The record was not taken in; please report this"
    )


def filed(hook: s.DoneHook) -> s.DoneHook:
    """The history with what it says of its own set of results put beside that of the earlier ones."""
    if not hook.identity or isinstance(hook.status, s.HookAbsent | s.HookNotYet | s.HookRunning):
        return hook
    others = [each for each in hook.earlier if each.identity != hook.identity]
    return msgspec.structs.replace(hook, earlier=(*others, s.Completion(hook.identity, hook.status)))


def _ahead(hook: s.DoneHook) -> s.DoneHook:
    """The history with another completion ahead."""
    return s.DoneHook(status=s.HookNotYet(), calls=hook.calls, earlier=filed(hook).earlier)


def cut_off(hook: s.DoneHook) -> s.DoneHook:
    """The history of `done()` after a call of which nobody knows the end; a completion that is ahead stays ahead."""
    if isinstance(hook.status, s.HookRunning):
        hook = msgspec.structs.replace(hook, status=s.HookCutOff(hook.status.since))
    return _ahead(hook) if hook.ahead else hook


def fold_hook(hook: s.DoneHook, record: HookRecord | Reset) -> s.DoneHook:
    """The history of `done()` after one record; known records change nothing."""
    if isinstance(record, Reset):  # a completion is ahead again, unless done() was called after this reset
        if record.calls != hook.calls:
            return hook
        if isinstance(hook.status, s.HookRunning):
            return msgspec.structs.replace(hook, ahead=True)
        return _ahead(hook)
    if isinstance(record, DoneStarted):
        if record.call <= hook.calls:
            return hook
        running = s.HookRunning(since=record.at)
        return s.DoneHook(running, record.call, identity=record.identity, earlier=filed(hook).earlier)
    known = isinstance(hook.status, s.HookRunning | s.HookCutOff)
    if record.call < hook.calls or (record.call == hook.calls and not known):
        return hook
    match record:
        case DoneReturned():
            status: s.HookStatus = s.HookDone(at=record.at, duration=record.seconds)
        case DoneRaised():
            status = s.HookFailed(error=record.error, at=record.at)
    if record.call > hook.calls:  # its start was lost: it must not be called again
        return s.DoneHook(status, record.call, earlier=filed(hook).earlier)
    ended = msgspec.structs.replace(hook, status=status)
    return _ahead(ended) if hook.ahead else ended
