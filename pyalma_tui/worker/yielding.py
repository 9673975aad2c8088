"""How readily a worker gives way to other programs: --nice."""

from __future__ import annotations

import errno
import os
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

AUTOGROUP: Final = Path("/proc/self/autogroup")
PATIENCE: Final = 2.0  # seconds


def give_way(nice: int) -> None:
    """Lower our priority to this nice value; call it in the session that we lead, before there are threads.

    Where Linux shares a processor among sessions first (sched(7), "The autogroup feature"), a nice value counts only
    within one, and a session has one of its own. A kernel that knows none, or forbids it, leaves it at the first.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
    until = time.monotonic() + PATIENCE
    while not _set_autogroup(nice) and time.monotonic() < until:
        time.sleep(random.SystemRandom().uniform(0.1, 0.2))


def _set_autogroup(nice: int) -> bool:
    """Whether it is set, or never will be: an ordinary user may set one in a tenth of a second, whosever it is."""
    try:
        fd = os.open(AUTOGROUP, os.O_WRONLY)
        try:
            os.write(fd, str(nice).encode())
        finally:
            os.close(fd)
    except OSError as error:
        return error.errno != errno.EAGAIN
    return True
