"""A worker's machine may be taken away: an engine's signal reaches it, its agent and all that it has started."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from types import FrameType


def heed(numbers: Iterable[int], taken: Callable[[], bool] = lambda: True) -> None:
    """Call `taken` for these signals; where it says no, and in forks, each does what it does in any program.

    What is started by exec finds them as they were before.
    """
    ours = os.getpid()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if os.getpid() != ours or not taken():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    for number in numbers:
        signal.signal(number, on_signal)
