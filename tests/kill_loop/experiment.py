"""The run module that the nemesis kills; it writes its own history, apart from anything that pyalma-tui stores.

One line, one `write(2)` to an O_APPEND file for each instance: `start STATE`, `call N`, `saved N`, `return`,
`overlap`; `done` for done(). A line is in the file before the next step begins.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

SAVES = 60
HISTORY = Path("history")


def _tell(name: str, line: str) -> None:
    fd = os.open(HISTORY / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode() + b"\n")
    os.close(fd)


def run(instance: str, save: Callable[[object], None], state: str) -> None:
    """Count to SAVES, saving each number; a lock that dies with its holder tells whether anybody else runs this."""
    name = os.path.basename(instance)
    with open(HISTORY / f"{name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _tell(name, "overlap")
        _tell(name, f"start {state or 0}")
        for number in range(int(state or 0) + 1, SAVES + 1):
            time.sleep(0.002)
            _tell(name, f"call {number}")
            save(str(number))
            _tell(name, f"saved {number}")
        _tell(name, "return")


def done() -> None:
    """Leave a trace."""
    _tell("done", "done")
