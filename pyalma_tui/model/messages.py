"""What the runner and a worker say to each other: one JSON object a line over a socket pair."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from pyalma_tui.model.status import Error

WORKER_MARK = "PYALMA_TUI_WORKER"  # in the environment of a worker and of all that it starts
CUT_OFF = 113  # the exit code of a worker that cannot tell its runner anything any more


class Serve(msgspec.Struct, frozen=True, tag="serve"):
    """Begin to serve runs. The lock's descriptor travels along.

    `segment` is the name of the first journal segment in `<state_dir>/journal`, `segment_limit` its size in bytes;
    `synced` asks for an fdatasync before each save() returns. `log` gets what the worker prints outside of all runs.
    """

    state_dir: str
    segment: str
    segment_limit: int
    synced: bool
    slot: int
    log: str


class RunOrder(msgspec.Struct, frozen=True, tag="run"):
    """Call `run`. `is_object` tells an instance with `data` from a string, `state` is the JSON text to hand in."""

    run: int
    attempt: int
    instance: int
    file: str
    is_object: bool
    data: msgspec.Raw
    iteration: int
    seed: int
    state: msgspec.Raw


class DoneOrder(msgspec.Struct, frozen=True, tag="done"):
    """Call `done()`, for the `call`-th time."""

    call: int


class Exit(msgspec.Struct, frozen=True, tag="exit"):
    """No more work: end, as a Python program does."""


Order: TypeAlias = Serve | RunOrder | DoneOrder | Exit


class Interrupt(msgspec.Struct, frozen=True, tag="interrupt"):
    """On the control socket: the next save() of this attempt raises Interrupted.

    `error` is empty for an interrupt; otherwise the attempt counts as failed for this reason (a timeout).
    """

    run: int
    attempt: int
    error: str = ""


class NewSegment(msgspec.Struct, frozen=True, tag="new segment"):
    """On the control socket: the journal's directory was removed and made anew; go on in a new segment."""


Request: TypeAlias = Interrupt | NewSegment


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """The run module is about to be imported: from now on user code runs in the worker."""


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


class ServeFailed(msgspec.Struct, frozen=True, tag="serve failed"):
    """The journal cannot be written."""

    error: Error


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """An attempt is over and its end is in the journal. `unsaved` says why that, or a state, is not, if it is not.

    `worn` says what runs have changed in the process that cannot be put back: the worker is to be replaced.
    """

    run: int
    attempt: int
    unsaved: str = ""
    worn: str = ""


class DoneEnded(msgspec.Struct, frozen=True, tag="done ended"):
    """`done()` is over and its end is in the journal."""

    call: int
    unsaved: str = ""


Reply: TypeAlias = Loading | Loaded | LoadFailed | Serving | ServeFailed | Ended | DoneEnded
