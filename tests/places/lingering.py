"""The run module of some scenes: the first call saves once and then hears of nothing; the next one returns at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tests.places.counting import alone, tell


def run(instance: str, save: Callable[[object], None], state: str) -> None:
    """Hold a lock that tells whether anybody else runs it."""
    name = os.path.basename(instance)
    with alone(name):
        tell(name, f"start {state or 0}")
        if not state:
            tell(name, "call 1")
            save("1")
            tell(name, "saved 1")
            while True:
                time.sleep(0.02)
                tell(name, "lives 1")
        tell(name, "return")
