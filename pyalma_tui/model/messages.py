"""What the runner and a worker say to each other: one JSON object a line over a socket pair."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from pyalma_tui.model.records import RunRecord
from pyalma_tui.model.status import Error

WORKER_MARK = "PYALMA_TUI_WORKER"  # in the environment of a worker and of all that it starts
CUT_OFF = 113  # the exit code of a worker that cannot tell its runner anything any more


class Serve(msgspec.Struct, frozen=True, tag="serve"):
    """Begin to serve runs. The lock's descriptor travels along.

    `segment` is the name of the first journal segment in `<state_dir>/journal`, `segment_limit` its size in bytes;
    `synced` asks for an fdatasync before each save() returns. `umask` was that of the session at its start, and decides
    the modes of segments and logs, whatever user code does to that of the worker. `log` gets what the worker prints
    outside of all runs. In the `foreground` the standard descriptors follow that of the lock, and nothing goes into
    logs.
    """

    state_dir: str
    segment: str
    segment_limit: int
    synced: bool
    slot: int
    umask: int
    log: str
    foreground: bool = False


class RunOrder(msgspec.Struct, frozen=True, tag="run"):
    """Call `run`. `is_object` tells an instance with `data` from a string, `bare` one that is nothing else.

    `state` is the JSON text to hand in. `timeout` are the seconds after which the attempt fails however it ends, None
    for never.
    """

    run: int
    attempt: int
    instance: int
    file: str
    is_object: bool
    data: msgspec.Raw
    iteration: int
    seed: int
    state: msgspec.Raw
    timeout: float | None = None
    bare: bool = False


class DoneOrder(msgspec.Struct, frozen=True, tag="done"):
    """Call `done()`, for the `call`-th time."""

    call: int


class Exit(msgspec.Struct, frozen=True, tag="exit"):
    """No more work: end, as a Python program does."""


Order: TypeAlias = Serve | RunOrder | DoneOrder | Exit


class Interrupt(msgspec.Struct, frozen=True, tag="interrupt"):
    """On the control socket: the next save() of this attempt raises Interrupted.

    `timeout` are the seconds that the attempt had and that have passed, None if somebody wishes it to stop.
    """

    run: int
    attempt: int
    timeout: float | None = None


class Signalled(msgspec.Struct, frozen=True, tag="signalled"):
    """On the control socket, before the signal is sent: a signal of ours ends this attempt, whoever handles it."""

    run: int
    attempt: int


class Timeout(msgspec.Struct, frozen=True, tag="timeout"):
    """On the control socket: this attempt has so many seconds from its beginning on, None for as many as it likes."""

    run: int
    attempt: int
    seconds: float | None


class NewSegment(msgspec.Struct, frozen=True, tag="new segment"):
    """On the control socket: the journal's directory was removed and made anew; go on in a new segment."""


Request: TypeAlias = Interrupt | Signalled | Timeout | NewSegment


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The run module was imported and has a usable `run`.

    `instances` are the module's own, None if it names none. `hash` is that of the file as it was imported. `guard` is
    the process id of the worker's guard.
    """

    hash: str
    has_done: bool
    instances: list[msgspec.Raw] | None
    guard: int = 0


class LoadFailed(msgspec.Struct, frozen=True, tag="load failed"):
    """The run module cannot be used; `error.message` is one line for the user."""

    error: Error


class Serving(msgspec.Struct, frozen=True, tag="serving"):
    """The segment is open; runs may come."""


class TryLater(msgspec.Struct, frozen=True, tag="try later"):
    """No thread or process that this worker needs can be started now; it ends, and another may do better."""

    why: str


class ServeFailed(msgspec.Struct, frozen=True, tag="serve failed"):
    """The journal cannot be written; `room` tells whether it can be once there is room on the disk."""

    error: Error
    room: bool = False


class Refused(msgspec.Struct, frozen=True):
    """What the disk did not take of an attempt: `why`, and whether it may once there is `room` again.

    `end` is the record that ends the attempt if that is what was refused.
    """

    why: str
    room: bool = False
    end: RunRecord | None = None


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """An attempt is over and its end is in the journal, but for what was `refused`.

    `worn` says what the run has changed in its process that cannot be put back: the worker is to be replaced.
    """

    run: int
    attempt: int
    refused: Refused | None = None
    worn: str = ""


class DoneEnded(msgspec.Struct, frozen=True, tag="done ended"):
    """`done()` is over and its end is in the journal."""

    call: int
    unsaved: str = ""


Reply: TypeAlias = Loaded | LoadFailed | TryLater | Serving | ServeFailed | Ended | DoneEnded
