"""What a program can know about the terminal that it was started from."""

from __future__ import annotations

import os


def knows_controls() -> bool:
    """Whether the terminal is one that can be painted on."""
    return os.environ.get("TERM", "") not in ("", "dumb")


def in_background(fd: int) -> bool:
    """Whether this terminal is another job's now, as after `&` or `bg`; False where no shell has jobs."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:  # no terminal, or that of another session
        return False
