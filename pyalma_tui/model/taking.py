"""How engines take a machine back: they tell all processes of a job by a signal, and kill what is left of it later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from signal import Signals

SIGNALS = (Signals.SIGTERM, Signals.SIGUSR1, Signals.SIGUSR2)
JOBS = (
    "SLURM_JOB_ID",
    "PBS_JOBID",
    "LSB_JOBID",
    "OAR_JOB_ID",
    "FLUX_JOB_ID",
    "SGE_TASK_ID",
)  # who set one gave us this

LEFT = re.compile(r"(?:(?:(?:(\d+)-)?(\d+):)?(\d+):)?(\d+)")
UNLIMITED = 364 * 24 * 3600  # seconds: where there is no limit Slurm says that a job may run for a year
REQUEUE = 75  # the exit code of who was taken away and has more to do: EX_TEMPFAIL of <sysexits.h>


def job_signals(environ: Mapping[str, str]) -> tuple[Signals, ...]:
    """The signals by which this machine may be taken from us: none unless we are in the job of an engine."""
    return SIGNALS if any(environ.get(name) for name in JOBS) else ()


def seconds_left(environ: Mapping[str, str], at: float) -> float:
    """For how long a job of Slurm still may run, 0.0 if nobody knows; `at` is now, in seconds of the epoch."""
    with suppress(ValueError):
        return _unless_endless(int(environ.get("SLURM_JOB_END_TIME", "")) - at)
    return 0.0


def time_left(said: str) -> float:
    """The seconds that `squeue --format=%L` tells, [days-][[hours:]minutes:]seconds; 0.0 for what tells none."""
    if (found := LEFT.fullmatch(said.strip())) is None:
        return 0.0
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return _unless_endless(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _unless_endless(left: float) -> float:
    return max(1.0, left) if left < UNLIMITED else 0.0
