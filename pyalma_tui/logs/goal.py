"""Where somebody wants to go in a log, as it is typed: a line's number, a share, a time of the day."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final, TypeAlias

HINT: Final = "a line's number, 50%, a time such as 14:05 or 14:05:30"
_LINE = re.compile(r"[0-9]{1,15}")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?) ?%")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?")
DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class LineNumber:
    """A line, counted from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the file, 0 to 1."""

    share: float


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """A time of the day: the last one that is not behind the end of the log."""

    hour: int
    minute: int
    second: int

    def moment(self, last: float) -> float:
        """In seconds of the epoch, in a log whose end arrived then."""
        year, month, day = time.localtime(last)[:3]
        found = time.mktime((year, month, day, self.hour, self.minute, self.second, 0, 0, -1))
        if found > last:
            found = time.mktime((year, month, day - 1, self.hour, self.minute, self.second, 0, 0, -1))
        return found


Goal: TypeAlias = LineNumber | Share | TimeOfDay


def goal(text: str) -> Goal | None:
    """What the text means; None if it means none of these."""
    text = text.strip()
    if _LINE.fullmatch(text):
        return LineNumber(int(text))
    if (found := _SHARE.fullmatch(text)) and float(found[1]) <= 100:
        return Share(float(found[1]) / 100)
    if (found := _CLOCK.fullmatch(text)) and int(found[1]) < 24:
        return TimeOfDay(int(found[1]), int(found[2]), int(found[3] or 0))
    return None
