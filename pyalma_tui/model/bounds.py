"""Numbers that may be read: a moment that can be shown as a date, a time that can be added to it.

Whatever is read lies within them, and what is computed is cut to them, so that it can be read again.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

EARLIEST, LATEST = -1e10, 2e11  # the years 1653 and 8307: the calendars of all systems hold them
LONGEST = 1e10  # seconds: 300 years
MOST_SESSIONS = 10**15

Moment: TypeAlias = Annotated[float, Meta(ge=EARLIEST, le=LATEST)]
"""Seconds of the epoch."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=LONGEST)]

Serial: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""How-manieth checkpoint."""

Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=int(LONGEST * 1000))]


def behind(moment: float, seconds: float) -> float:
    """The moment that is so many seconds after another."""
    return min(moment + seconds, LATEST)
