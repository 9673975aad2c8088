"""What a program can know about the terminal that it was started from."""

from __future__ import annotations

import os
import sys


def knows_controls() -> bool:
    """Whether the terminal is one that can be painted on."""
    return os.environ.get("TERM", "") not in ("", "dumb")


def can_show() -> bool:
    """Whether a full screen can be shown: Textual draws on any stream, so this is ours to decide."""
    return knows_controls() and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def in_background(fd: int) -> bool:
    """Whether this terminal is another job's now, as after `&` or `bg`; False where no shell has jobs."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:  # no terminal, or that of another session
        return False
