"""What the runner and a place on another host say to each other: one JSON object a line.

A place is a program there that has an agent of its own beside it (`pyalma_tui.place`). Workers have the numbers that
the runner gave them. What an agent says and is told here goes over the same line, unchanged where it can.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from pyalma_tui.model import messages as m
from pyalma_tui.model.chosen import Chosen


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first line to a place: where the experiment is, and for how many seconds a lease lets it go on."""

    state_dir: str
    lease: float


class LoadModule(msgspec.Struct, frozen=True, tag="load module"):
    """Start the agent, which imports the module. `Loaded` or `LoadFailed` follows.

    `log` gets what the module prints meanwhile, `folder` is its working directory. `grouped` asks for an fdatasync of
    what workers write every 50 ms, `synced` for one before each save() returns.
    """

    module: str
    code: str
    manifest: str
    mark: str
    each: bool
    chosen: Chosen
    folder: str
    log: str
    state_dir: str
    synced: bool
    grouped: bool
    umask: int
    nice: int
    seed_globals: bool


class Hire(msgspec.Struct, frozen=True, tag="hire"):
    """Start a worker; the rest as in `protocol.Assignment`."""

    worker: int
    slot: int
    segment: str
    segment_limit: int
    log: str


class Give(msgspec.Struct, frozen=True, tag="give"):
    """Give a worker an order."""

    worker: int
    order: m.Order


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """Go on until the lease after the moment at which you asked, which was `stamp` on your clock."""

    stamp: float


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """End all workers at once, and yourself."""


class Try(msgspec.Struct, frozen=True, tag="try"):
    """Tell what time it is there, and save for so many seconds in each way; 0.0 for not at all."""

    seconds: float


ToPlace: TypeAlias = Hello | Try | LoadModule | Hire | Give | Granted | Kill | m.Ask | m.Signal | m.Measure | m.End


class Here(msgspec.Struct, frozen=True, tag="here"):
    """A place has begun: its host, process and processors, Python's version and ours there.

    `token` is what it reads in the state directory; `why` tells that it cannot be read or written there, and why, ""
    if it can. `locked` tells whether it sees the runner's lock. `lacks` is what its system lacks that a lease needs, ""
    if nothing. `left` are the seconds until its engine ends it, 0.0 if nobody knows.
    """

    host: str
    pid: int
    processors: int
    python: str
    version: str
    token: str = ""
    why: str = ""
    locked: bool = False
    lacks: str = ""
    left: float = 0.0


class RenewLease(msgspec.Struct, frozen=True, tag="renew lease"):
    """May I go on? `stamp` is when this was asked, on the place's own clock."""

    stamp: float


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """A worker has said this."""

    worker: int
    reply: m.Reply


class Told(msgspec.Struct, frozen=True, tag="told"):
    """What a worker has appended to its segment up to `position`, without the lines that later ones supersede."""

    worker: int
    segment: str
    position: int
    lines: list[str]


class NotSynced(msgspec.Struct, frozen=True, tag="not synced"):
    """The disk did not take what a worker has appended to this segment, nor will it be asked again for it."""

    worker: int
    segment: str
    why: str


class Tried(msgspec.Struct, frozen=True, tag="tried"):
    """The time there in seconds of the epoch; saves a second, and of those that are synced one by one; `why` not."""

    at: float
    saves: float = 0.0
    synced: float = 0.0
    why: str = ""


class Going(msgspec.Struct, frozen=True, tag="going"):
    """The place is taken away: what runs was asked to stop, and nothing is begun any more."""

    why: str


class Bye(msgspec.Struct, frozen=True, tag="bye"):
    """Nothing of the place runs any more, and all that was appended was told; `why` if its agent ended by itself."""

    why: str = ""


FromPlace: TypeAlias = Here | Tried | RenewLease | Answered | Told | NotSynced | Going | Bye | m.FromAgent
