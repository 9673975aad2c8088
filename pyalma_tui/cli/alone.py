"""An app that stands for itself, before there is an experiment: shown until it is left, or until a signal ends it."""

from __future__ import annotations

import signal
from types import FrameType

from pyalma_tui.cli.speak import leave_terminal
from pyalma_tui.errors import Terminated
from pyalma_tui.tui.preferred_app import PreferredApp

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def shown_alone(app: PreferredApp) -> None:
    """Show it; raises Terminated, with the terminal as it was, if a signal has ended it."""
    heard: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        app.exit()

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        app.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        if signal.SIGHUP in heard:
            leave_terminal()
        raise Terminated(heard[0])
