"""Ending an attempt at one of its saves, where a run is on trial: what is then lost is what a crash would lose."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from pyalma_tui.model.messages import Cut
from pyalma_tui.worker.stopping import Stopping

Save = Callable[[object], None]


def cutting(run: Callable[..., Any], cut: Cut, stopping: Stopping) -> Callable[..., Any]:
    """The user's `run`, which ends where it is to be cut; its second argument is `save`."""

    def cut_run(instance: object, save: Save, *others: object, **named: object) -> None:
        saves = 0

        def cut_save(data: object) -> None:
            nonlocal saves
            saves += 1
            if saves == cut.at:
                if cut.how == "before":
                    _die()
                if cut.how == "asked":
                    stopping.asked = stopping.active
            save(data)
            if saves == cut.at and cut.how == "after":
                _die()

        run(instance, cut_save, *others, **named)
        if cut.how == "before" and saves == cut.at - 1:
            _die()

    return cut_run


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # the signal may come a moment later
