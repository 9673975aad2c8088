"""The stop protocol: ask, then SIGINT, SIGTERM to the group, SIGKILL to the group and to what it left behind."""

from __future__ import annotations

import msgspec

from pyalma_tui.runner.snapshot import Step, StopProgress

AFTER: dict[Step, float] = {"SIGINT": 5.0, "SIGTERM": 2.0, "SIGKILL": 5.0}  # seconds from a step to the one after it
NEXT: dict[Step, Step] = {"asked": "SIGINT", "SIGINT": "SIGTERM", "SIGTERM": "SIGKILL", "SIGKILL": "SIGKILL"}


class Stop(msgspec.Struct, frozen=True):
    """The stop of one attempt: the step that was taken, and when the next one is due (time.monotonic).

    `timeout` are the seconds that the attempt had and has used up, None if somebody wishes it to stop; `hurried` tells
    that the steps between were left out.
    """

    step: Step
    deadline: float
    timeout: float | None = None
    hurried: bool = False

    @property
    def wished(self) -> bool:
        """Whether somebody wishes it to stop, rather than its time being over."""
        return self.timeout is None

    @property
    def shown(self) -> StopProgress:
        """What the screen counts down."""
        return StopProgress(self.step, None if self.step == "SIGKILL" else NEXT[self.step], self.deadline)


def asked(now: float, grace: float, timeout: float | None = None) -> Stop:
    """The first step: the next save() raises Interrupted."""
    return Stop("asked", now + grace, timeout)


def advanced(stop: Stop, now: float) -> Stop:
    """The step after this one; SIGKILL is sent again and again."""
    step = NEXT[stop.step]
    return Stop(step, now + AFTER[step], stop.timeout, stop.hurried)


def at_once(stop: Stop, now: float) -> Stop:
    """The last step, without waiting."""
    return Stop("SIGKILL", now + AFTER["SIGKILL"], stop.timeout, hurried=True)
