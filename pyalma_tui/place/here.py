"""What there is at this place, for the runner to see whether it can be one."""

from __future__ import annotations

import fcntl
import os
import platform
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from pyalma_tui import __version__
from pyalma_tui.model import afar, taking
from pyalma_tui.store import layout
from pyalma_tui.store.disk import open_regular
from pyalma_tui.store.leases import LeaseRecord, read_lease

LOOK = 0.2  # seconds


def here(state_dir: Path, lacks: str, patience: float) -> afar.Here:
    """All of it; `lacks` is what its system has not, "" if that is nothing.

    `patience` is for how many seconds it waits to see what the runner has written.
    """
    token, why, locked = "", "", False
    try:
        lease = _lease_of(state_dir, patience)
        token, why = (lease.token, "") if lease is not None else ("", "cannot be read there (it is not there)")
    except (OSError, ValueError) as error:
        why = f"cannot be read there ({error})"
    try:
        locked = _sees_lock(state_dir)
    except OSError as error:
        why = why or f"cannot be written there ({error})"
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return afar.Here(
        host=socket.gethostname(),
        pid=os.getpid(),
        processors=processors,
        python=platform.python_version(),
        version=__version__,
        token=token,
        why=why,
        locked=locked,
        lacks=lacks,
        left=taking.seconds_left(os.environ, time.time()) or _asked_left(patience),
    )


def _asked_left(patience: float) -> float:
    """What Slurm says of how long our job may run, 0.0 if nothing: before 23.02 no environment tells it."""
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return 0.0
    command = ["squeue", "--noheader", f"--jobs={job}", "--format=%L"]
    try:
        asked = subprocess.run(command, capture_output=True, timeout=patience, check=False)
    except (OSError, subprocess.TimeoutExpired):  # it is not here, or whom it asks does not answer
        return 0.0
    return taking.time_left(asked.stdout.decode("ascii", "replace"))


def _lease_of(state_dir: Path, patience: float) -> LeaseRecord | None:
    """What the session has written down, which a host may take for missing for some seconds; raises as `read_lease`."""
    deadline = time.monotonic() + patience
    while (lease := read_lease(state_dir)) is None and time.monotonic() < deadline:
        os.listdir(state_dir)  # after which NFS asks again
        time.sleep(LOOK)
    return lease


def _sees_lock(state_dir: Path) -> bool:
    """Whether the lock that the runner holds keeps us out; raises OSError where its file cannot be written."""
    fd = open_regular(layout.lock(state_dir), os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        with suppress(OSError):
            os.close(fd)
    return False
