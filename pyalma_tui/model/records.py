"""The only vocabulary that a worker or the runner may write into a journal.

Each record is a JSON array that begins with its kind: `["saved",7,1,42,3500,"state"]`. Times `at` are seconds of the
epoch and only shown; order is (attempt, number). `number` counts the saves of an attempt from 1. `elapsed` and
`seconds` come from a monotonic clock: milliseconds and seconds since the attempt began.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from pyalma_tui.model.bounds import Milliseconds, Moment, Seconds, Serial
from pyalma_tui.model.extents import Extents
from pyalma_tui.model.status import Done, Error, Failed, Interrupted, Pending


class Started(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="started"):
    """A worker is about to call `run`. `module` is the identity of its code, `host` the name of the machine."""

    run: int
    attempt: int
    slot: int
    at: Moment
    module: str
    pid: int
    host: str = ""


class Saved(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="saved"):
    """`save()` was called; supersedes the attempt's saves before it.

    `extents` are all rows that the attempt has recorded by then, which count from now on, behind how many counted when
    it began.
    """

    run: int
    attempt: int
    number: int
    elapsed: Milliseconds
    state: msgspec.Raw
    extents: Extents = ()


class Progressed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="progressed"):
    """`progress(done, total)` was called; for display only."""

    run: int
    attempt: int
    done: float
    total: float


class Returned(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="returned"):
    """`run` returned: the only way for a run to be done. `extents` as of a save."""

    run: int
    attempt: int
    seconds: Seconds
    extents: Extents = ()


class Raised(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="raised"):
    """`run` raised, or called `sys.exit`."""

    run: int
    attempt: int
    seconds: Seconds
    error: Error


class Stopped(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="stopped"):
    """The attempt ended because it was asked to, or with its session. Unknown `seconds` are None."""

    run: int
    attempt: int
    seconds: Seconds | None
    at: Moment
    why: str


class Lost(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="lost"):
    """The worker died under the attempt, not by us."""

    run: int
    attempt: int
    seconds: Seconds | None
    at: Moment
    error: Error


class Reset(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="reset"):
    """The run's state is forgotten; `attempt` fences off every record of earlier attempts.

    `calls` is how often done() had been called by then: a completion is ahead again.
    """

    run: int
    attempt: int
    at: Moment
    calls: int


class Was(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """All that a reset forgets of a run, by the names of `model.experiment.Run`; without a `state` it had none."""

    status: Pending | Interrupted | Failed | Done
    state: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    earlier: tuple[str, ...] = ()
    saves: int = 0
    saved_at: Moment | None = None
    attempt: int = 0
    last_save: int = msgspec.field(default=0, name="number")
    seconds: Seconds = 0.0
    progress: tuple[float, float] | None = None
    module: str = ""
    began: Moment | None = None
    slot: int | None = None
    host: str = ""
    extents: Extents = ()


class Restored(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="restored"):
    """A reset was taken back before the run began again: it is what it `was`.

    `attempt` fences off as that of a reset does, and whatever began after the reset has as high a one.
    """

    run: int
    attempt: int
    at: Moment
    was: Was


class DoneStarted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="done_started"):
    """`done()` is about to be called, for the `call`-th time and the set of results with this `identity`."""

    call: int
    at: Moment
    identity: str = ""


class DoneReturned(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="done_returned"):
    """`done()` returned."""

    call: int
    at: Moment
    seconds: Seconds


class DoneRaised(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="done_raised"):
    """`done()` raised."""

    call: int
    at: Moment
    error: Error


class Imported(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="imported"):
    """The attempt has imported more code from beside the module than there was before it: `code` is what it is now.

    A worker writes it once, when the attempt is over.
    """

    run: int
    attempt: int
    code: str


class Note(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="note"):
    """Something a person did or should know, for the session log."""

    at: Moment
    text: str


class Checkpointed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="checkpointed"):
    """The checkpoint with this number is on the disk, of the experiment with this identity.

    It is written before segments are removed that the checkpoint contains: so an older one that was restored beside
    what goes on from it is known.
    """

    serial: Serial
    identity: str = ""


RunRecord: TypeAlias = Started | Saved | Progressed | Returned | Raised | Stopped | Lost | Reset | Restored | Imported
HookRecord: TypeAlias = DoneStarted | DoneReturned | DoneRaised
Record: TypeAlias = RunRecord | HookRecord | Note | Checkpointed

_RANK: dict[type, int] = {
    Started: 0,
    Saved: 1,
    Progressed: 1,
    Imported: 1,
    Returned: 2,
    Raised: 2,
    Stopped: 3,
    Lost: 3,
    Reset: 4,
    Restored: 4,
}


def order(record: RunRecord) -> tuple[int, int, int]:
    """The sort key of a run's records: attempt, then what must come first, then the number; never the clock."""
    number = record.number if isinstance(record, Saved) else 0
    return (record.attempt, _RANK[type(record)], number)


def hook_order(record: HookRecord) -> tuple[int, bool]:
    """The sort key of the records of `done()`."""
    return (record.call, not isinstance(record, DoneStarted))
