"""Signals that come twice for one wish: `timeout` signals the program and then its whole group."""

from __future__ import annotations

import os
import signal
import time

MOMENT = 1.0  # seconds within which a second signal is the same wish
ENDING = (signal.SIGTERM, signal.SIGHUP)  # the end of a login or machine sends both


class Echo:
    """Tells a second signal from the same one come twice; of one process, used by its signal handlers."""

    def __init__(self, *, relayed: bool | None = None) -> None:
        """`relayed` tells that SIGINT comes from a program that signals its group, not from a keyboard."""
        self._relayed = is_relayed() if relayed is None else relayed
        self._heard: dict[int, float] = {}

    def is_one(self, number: int, now: float | None = None) -> bool:
        """Whether a signal says nothing new: of those that end us, and that nobody types, one a second counts."""
        now = time.monotonic() if now is None else now
        kind = signal.SIGTERM if number in ENDING else number
        if kind != signal.SIGTERM and not self._relayed:
            return False
        before = self._heard.get(kind)
        if before is not None and now - before < MOMENT:
            return True
        self._heard[kind] = now
        return False


def is_relayed() -> bool:
    """Whether our parent leads our group and no keyboard can reach it: it signals us, and then the group."""
    if os.getpgrp() != os.getppid():
        return False
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:
        return True
    finally:
        os.close(terminal)
