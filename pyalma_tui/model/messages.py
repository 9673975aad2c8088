"""What the runner, an agent and its workers say to each other: one JSON object a line.

The runner talks to an agent over one channel, and to each of its workers over a socket of their own, so that a run
costs no hop more. Workers are named by numbers that the runner gives them; process ids are only shown.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from pyalma_tui.model.records import RunRecord
from pyalma_tui.model.status import Error

WORKER_MARK = "PYALMA_TUI_WORKER"  # in the environment of a worker and of all that it starts
STATE_MARK = "PYALMA_TUI_STATE"  # in the environment of done(): the state directory, for results()
CUT_OFF = 113  # the exit code of a worker that cannot tell its runner anything any more


How: TypeAlias = Literal["asked", "before", "after"]


class Cut(msgspec.Struct, frozen=True):
    """The worker itself ends the attempt at its `at`-th save, counted from 1, to find out what becomes of the run then.

    "asked": the save stores and raises Interrupted, as if somebody had asked. "before": the worker is killed on its way
    into the save, which stores nothing; where `run` returns with one save less, on its way out. "after": it is killed
    when that save has stored.
    """

    at: int
    how: How


class RunOrder(msgspec.Struct, frozen=True, tag="run"):
    """Call `run`. `is_object` tells an instance with `data` from a string, `bare` one that is nothing else.

    `state` is the JSON text to hand in. `timeout` are the seconds after which the attempt fails however it ends, None
    for never. `cut` is None unless the run is on trial. `rows` are so many of the run as count already.
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
    cut: Cut | None = None
    rows: int = 0


class DoneOrder(msgspec.Struct, frozen=True, tag="done"):
    """Call `done()`, for the `call`-th time; `seed` is the experiment's."""

    call: int
    seed: int = 0


class Exit(msgspec.Struct, frozen=True, tag="exit"):
    """No more work: end, as a Python program does."""


Order: TypeAlias = RunOrder | DoneOrder | Exit


class InterruptAttempt(msgspec.Struct, frozen=True, tag="interrupt"):
    """the next save() of this attempt raises Interrupted.

    `timeout` are the seconds that the attempt had and that have passed, None if somebody wishes it to stop.
    """

    run: int
    attempt: int
    timeout: float | None = None


class Signalled(msgspec.Struct, frozen=True, tag="signalled"):
    """Before the signal is sent: a signal of ours ends this attempt, whoever handles it."""

    run: int
    attempt: int


class Timeout(msgspec.Struct, frozen=True, tag="timeout"):
    """This attempt has so many seconds from its beginning on, None for as many as it likes."""

    run: int
    attempt: int
    seconds: float | None


class NewSegment(msgspec.Struct, frozen=True, tag="new segment"):
    """The journal's directory was removed and made anew; go on in a new segment."""


Request: TypeAlias = InterruptAttempt | Signalled | Timeout | NewSegment


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

    `end` is the record that ends the attempt if that is what was refused. `own` tells that the run itself has seen to
    that: the disk takes what others write.
    """

    why: str
    room: bool = False
    end: RunRecord | None = None
    own: bool = False


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """An attempt is over and its end is in the journal, but for what was `refused`.

    `worn` says what the run has changed in the process that cannot be put back ("has changed …"): the worker is to be
    replaced. `taken` tells that the signal of an engine has stopped it, for which nobody here has asked. `installed` as
    of Loaded, as far as nobody has imported it in this process before.
    """

    run: int
    attempt: int
    refused: Refused | None = None
    worn: str = ""
    taken: bool = False
    installed: tuple[str, ...] = ()


class DoneEnded(msgspec.Struct, frozen=True, tag="done ended"):
    """`done()` is over and its end is in the journal; `installed` as of Ended."""

    call: int
    unsaved: str = ""
    installed: tuple[str, ...] = ()


Reply: TypeAlias = LoadFailed | TryLater | Serving | ServeFailed | Ended | DoneEnded


# --- between the runner and an agent ----------------------------------------------------------------------------------


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """Fork a worker. Its end of the work socket and its trays travel along; with the first one the lock before.

    `segment` is the name of its first journal segment in `<state_dir>/journal`, `segment_limit` its size in bytes;
    `synced` asks for an fdatasync before each save() returns. `umask` was that of the session at its start, and decides
    the modes of segments and logs, whatever user code does to that of the worker. `log` gets what the worker prints
    outside of all runs. In the `foreground` the standard descriptors travel along behind the work socket, and nothing
    goes into logs. Elsewhere it gives way to other programs as `nice` says. `seed_globals` asks for the generators that
    a process shares to be seeded before each call of `run` and `done`. By the signals that it `heeds` an engine takes
    the machine.
    """

    worker: int
    slot: int
    state_dir: str
    segment: str
    segment_limit: int
    synced: bool
    umask: int
    log: str
    foreground: bool = False
    nice: int = 0
    seed_globals: bool = False
    heeds: tuple[int, ...] = ()


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Pass this on to a worker."""

    worker: int
    request: Request


class Signal(msgspec.Struct, frozen=True, tag="signal"):
    """Send a signal to a worker, or to it and all that it has started."""

    worker: int
    signal: int
    group: bool


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """Tell what the workers take of the machine."""


class End(msgspec.Struct, frozen=True, tag="end"):
    """No more work: end as a Python program does, when what workers have left behind has had its moment."""


ToAgent: TypeAlias = Fork | Ask | Signal | Measure | End


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The run module was imported and has a usable `run`.

    `instances` are the module's own, None if it names none. `hash` is that of the file as it was imported. `unforkable`
    says why each worker has to import the module by itself, "" if workers are forked. `files` are the hashes of all
    that it has imported from beside it, itself included, by their names; `installed` are the names of what it has
    imported from where packages are installed.
    """

    hash: str
    has_done: bool
    instances: list[msgspec.Raw] | None
    unforkable: str = ""
    files: dict[str, str] = {}
    installed: list[str] = []


class Born(msgspec.Struct, frozen=True, tag="born"):
    """A worker was started; `pid` is shown, and `host` if it is not this machine."""

    worker: int
    pid: int
    host: str = ""


class NotBorn(msgspec.Struct, frozen=True, tag="not born"):
    """The worker could not be started; `later` tells that another may be a while later."""

    worker: int
    why: str
    later: bool


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """A worker has ended: its exit code, negative for a signal. What a killed one had started is gone too.

    `left` tells that processes that it had started have not ended yet; Cleared follows when they have.
    """

    worker: int
    code: int
    left: bool = False


class Cleared(msgspec.Struct, frozen=True, tag="cleared"):
    """Nothing runs any more of what a worker had started that is gone."""

    worker: int


class LeftBehind(msgspec.Struct, frozen=True, tag="left behind"):
    """A worker that has ended left processes running, which were killed; `pid` is its own, shown."""

    worker: int
    pid: int


class Responds(msgspec.Struct, frozen=True, tag="responds"):
    """A worker is stopped, as by SIGSTOP or a debugger, or goes on."""

    worker: int
    yes: bool


class Load(msgspec.Struct, frozen=True):
    """What a worker and all that it started take: resident bytes, and processor time as a share of one processor."""

    rss: int
    cpu: float


class Measured(msgspec.Struct, frozen=True, tag="measured"):
    """The loads of workers, by their numbers."""

    loads: dict[int, Load]


FromAgent: TypeAlias = (
    Loaded | LoadFailed | TryLater | Born | NotBorn | Gone | Cleared | LeftBehind | Responds | Measured
)
