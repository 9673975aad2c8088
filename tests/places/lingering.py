"""The run module of some scenes: the first call saves once and then hears of nothing; the next one returns at once."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

from tests.places.counting import HISTORY, tell


def run(instance: str, save: Callable[[object], None], state: str) -> None:
    """Hold a lock that tells whether anybody else runs it."""
    name = os.path.basename(instance)
    with open(HISTORY / f"{name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(name, "overlap")
        tell(name, f"start {state or 0}")
        if not state:
            tell(name, "call 1")
            save("1")
            tell(name, "saved 1")
            while True:
                time.sleep(0.02)
                tell(name, "lives 1")
        tell(name, "return")
