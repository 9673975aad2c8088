"""What a front end may ask of the runner: plain data. `runs` are run ids; None means all that the command fits.

Each is tagged with its name, for those that come as JSON from another process.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """`timeout`: the seconds after which an attempt fails, None for never. `retries`: how often a failed run is tried
    again by itself."""

    timeout: float | None = None
    retries: int = 0


class Interrupt(msgspec.Struct, frozen=True, tag=True):
    """Stop running runs gracefully; for one that is stopping already, at once."""

    runs: tuple[int, ...] | None = None


class Resume(msgspec.Struct, frozen=True, tag=True):
    """Call interrupted runs again with their state, and start pending ones."""

    runs: tuple[int, ...] | None = None


class Retry(msgspec.Struct, frozen=True, tag=True):
    """Call failed runs again with their state."""

    runs: tuple[int, ...] | None = None


class Next(msgspec.Struct, frozen=True, tag=True):
    """Call these pending, interrupted or failed runs before all others that wait."""

    runs: tuple[int, ...]


class Forget(msgspec.Struct, frozen=True, tag=True):
    """Forget the state of runs that are not running; they become pending and run anew."""

    runs: tuple[int, ...]


class Remove(msgspec.Struct, frozen=True, tag=True):
    """Take these instances, by id, out of the experiment, with all that their runs have; not while one of them runs."""

    instances: tuple[int, ...]


class Undo(msgspec.Struct, frozen=True, tag=True):
    """Take back the last Forget, Retry, Next or Remove, as far as its runs have not begun since."""


class RerunDone(msgspec.Struct, frozen=True, tag=True):
    """Call done() again, if every run is done."""


Calls: TypeAlias = Resume | Retry | Next | Forget | RerunDone
"""What lets user code be called."""


class Renew(msgspec.Struct, frozen=True, tag=True):
    """Import the module as it is now, then do this with it; what runs goes on with the code that it has.

    Where it cannot be imported, everything stays as it was and `then` is not done. Asked again meanwhile, it is
    imported anew.
    """

    then: Calls | None = None


class SetWorkers(msgspec.Struct, frozen=True, tag=True):
    """Change the number of workers; those beyond it end when their run ends."""

    workers: int


class SetLimits(msgspec.Struct, frozen=True, tag=True):
    """Change what an attempt may take and how often a failure is tried again; from now on, also for what runs."""

    limits: Limits


class Pause(msgspec.Struct, frozen=True, tag=True):
    """Start no new runs (or do again); running ones go on."""

    paused: bool


class Quit(msgspec.Struct, frozen=True, tag=True):
    """Interrupt what runs, write the checkpoint, end; a second one is an interrupt at once."""


class Remark(msgspec.Struct, frozen=True, tag=True):
    """Put a line into the session log; `heard` tells that whoever listens to the runner has read it elsewhere."""

    text: str
    heard: bool = False


Command: TypeAlias = (
    Interrupt
    | Resume
    | Next
    | Retry
    | Forget
    | Remove
    | Undo
    | Renew
    | RerunDone
    | SetWorkers
    | SetLimits
    | Pause
    | Remark
    | Quit
)
