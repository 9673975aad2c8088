"""What became of an attempt whose worker is gone without having said so: one pure function."""

from __future__ import annotations

import signal

import msgspec

from pyalma_tui.model import ending
from pyalma_tui.model.messages import CUT_OFF
from pyalma_tui.model.records import Lost, Stopped
from pyalma_tui.model.status import Error
from pyalma_tui.runner.snapshot import Step

ENDING = (signal.SIGTERM, signal.SIGHUP)  # what ends all processes of a login or machine
STEPS: dict[Step, str] = {
    "asked": ending.INTERRUPTED,
    "SIGINT": "interrupted by SIGINT",
    "SIGTERM": "ended by SIGTERM: no save() came within the grace",
    "SIGKILL": "killed: no save() came within the grace",
}


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker ended under an attempt, which began `seconds` ago.

    `code` is its exit code, negative for a signal. `step` is how far we had gone to end it, None if nobody had asked
    it to; `hurried` if what gives it time was left out. `timeout` are the seconds that the attempt had, None for as
    many as it likes; `timed_out` tells that it was ended for having used them up. `failed` tells that the session
    itself ended with an error.
    """

    code: int
    seconds: float
    step: Step | None = None
    hurried: bool = False
    timeout: float | None = None
    timed_out: bool = False
    failed: bool = False


def verdict(run: int, attempt: int, death: Death, at: float) -> Stopped | Lost:
    """The record that ends the attempt; `at` is now, in seconds of the epoch."""
    seconds = death.seconds

    def stopped(why: str) -> Stopped:
        return Stopped(run, attempt, seconds, at, why)

    if death.timeout is not None and (death.timed_out or seconds > death.timeout):
        return Lost(run, attempt, seconds, at, Error(ending.timed_out(death.timeout, seconds)))
    if death.failed:
        return stopped(ending.SESSION_ENDED)
    if death.step is not None:
        return stopped("killed at once: it was asked for again" if death.hurried else STEPS[death.step])
    if -death.code in ENDING:  # as when a machine is shut down: not the run's fault
        return stopped(f"its worker was ended by {signal.Signals(-death.code).name}")
    return Lost(run, attempt, seconds, at, Error(how_it_died(death.code)))


def how_it_died(code: int) -> str:
    """What a worker's exit code says when nobody asked it to end."""
    if code == CUT_OFF:
        return "run() closed descriptors that its worker needs: how it ended could not be recorded"
    if code >= 0:
        return f"the process exited with code {code} instead of returning from run()"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        return "killed by SIGKILL, not by pyalma-tui: usually out of memory"
    return f"killed by {name}"
