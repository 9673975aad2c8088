"""Waiting until the process that runs an experiment has ended."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil

from pyalma_tui.cli.speak import say, tick, untick
from pyalma_tui.errors import InUseError
from pyalma_tui.runner import handover
from pyalma_tui.runner.processes import is_stopped
from pyalma_tui.store.lock import Holder, holder, in_use

POLL = 0.1  # seconds between two looks whether the lock is free


def asked_and_gone(state_dir: Path, who: Holder, to: str, again_after: float | None = None) -> bool:
    """Ask the holder to end, and wait until nobody holds it; False if ctrl+c gives that up.

    `to` is what it is told to do, in words. After `again_after` seconds it is asked once more, which hurries it. Raises
    InUseError if somebody else takes it meanwhile.
    """
    asked = handover.ask(who)
    try:
        _wait_for(state_dir, who, to, again_after)
    except KeyboardInterrupt:
        sys.stderr.write("\n")  # behind the line that was being waited on
        say("not waited for any longer" + f"; process {who.pid} goes on stopping, and keeps every state" * asked)
        return False
    return True


def _wait_for(state_dir: Path, who: Holder, to: str, again_after: float | None) -> None:
    began = time.monotonic()
    while (now := holder(state_dir)) is not None:
        waited = time.monotonic() - began
        if now.pid not in (who.pid, 0) and (message := in_use(state_dir)):
            raise InUseError(message)
        if again_after is not None and waited >= again_after:
            again_after = None
            handover.ask(who)
        if not psutil.pid_exists(who.pid):
            what = f"process {who.pid} is gone, its workers are not yet"
        elif is_stopped(who.pid):
            what = f"process {who.pid} is stopped: `fg` in its terminal lets it go on"
        else:
            what = f"waiting for process {who.pid} to {to}"
        tick(f"pyalma-tui: {what} ({waited:.0f} s)… ctrl+c gives up")
        time.sleep(POLL)
    untick()
