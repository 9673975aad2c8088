"""Whether a terminal may be painted on: not while it is another job's, nor once ctrl+z was pressed."""

from __future__ import annotations

import os
import signal
from types import FrameType

from pyalma_tui.model.terminal import in_background


class Foreground:
    """Our place at a terminal. From now on ctrl+z waits until what was painted has been taken back."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._stop_asked = False
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:  # else: no shell that would let us go on
            signal.signal(signal.SIGTSTP, self._ask)

    def is_ours(self) -> bool:
        """Whether it may be painted on."""
        return not self._stop_asked and not in_background(self._fd)

    def stop_if_asked(self) -> None:
        """Do what ctrl+z is for; returns when the shell lets us go on, at once where the kernel knows of none."""
        if self._stop_asked:
            self._stop_asked = False
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._stop_asked = True
