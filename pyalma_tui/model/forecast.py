"""When everything will be done, how sure that is, and what it rests on. `foretelling` makes it."""

from __future__ import annotations

from typing import Final

import msgspec

NEAR: Final = 3600  # seconds: an end that is no further off is always worth telling
YEAR: Final = 365 * 86400
FAR: Final = 20  # times the middle


class Basis(msgspec.Struct, frozen=True):
    """What a forecast rests on: so many runs that have ended, so many that tell their progress, and what explains them.

    `explained` are traits of instances, and "position in the batch"; `instances` is how many of those ahead were run
    before; `failing` the share of runs that fails. `of` are the runs that have ended in all, 0 if that is not known.
    """

    ended: int = 0
    progress: int = 0
    instances: int = 0
    explained: tuple[str, ...] = ()
    failing: float = 0.0
    of: int = 0


class Slow(msgspec.Struct, frozen=True):
    """A run that is expected to take so many seconds from when it is called."""

    run: int
    seconds: float


class Forecast(msgspec.Struct, frozen=True):
    """When everything is done, in seconds of the epoch: as likely before `middle` as after, in 80 of 100 between.

    `slowest` are the runs that take longest, `tail` is the share of all work that the longest twentieth is.
    `workers` is when it is done with another number of them.
    """

    low: float
    middle: float
    high: float
    basis: Basis = Basis()
    slowest: tuple[Slow, ...] = ()
    tail: float = 0.0
    workers: tuple[tuple[int, float], ...] = ()

    def is_bounded(self, now: float) -> bool:
        """Whether `high` tells anything: of a few runs that differ much it is centuries away, and nobody knows better.

        Where it does not, `low` does: in 90 of 100 cases it takes longer.
        """
        return self.high - now <= min(YEAR, max(NEAR, FAR * (self.middle - now)))
