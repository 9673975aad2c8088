"""Facts about processes of this machine that are not ours."""

from __future__ import annotations

import psutil


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal or a debugger: it answers nothing but SIGKILL then."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except (psutil.Error, OSError):
        return False
