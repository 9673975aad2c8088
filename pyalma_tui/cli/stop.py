"""`pyalma-tui stop`: the process that runs an experiment is asked to interrupt its runs and to end."""

from __future__ import annotations

import shlex
from pathlib import Path

from pyalma_tui.cli.echo import MOMENT
from pyalma_tui.cli.speak import say, warn
from pyalma_tui.cli.waiting import asked_and_gone
from pyalma_tui.errors import InUseError
from pyalma_tui.loading.target import find_target
from pyalma_tui.runner import handover
from pyalma_tui.runner.start import meta_of
from pyalma_tui.store.lock import holder

AGAIN = MOMENT + 0.1  # seconds: sooner, a second signal is one with the first


def stop(name: str, state: Path | None, *, now: bool) -> int:
    """Let it end, and wait; 0 if nothing runs any more, 130 if that is not waited for.

    With `now` it is asked twice, which kills what has not saved by then. Raises InUseError if it cannot be asked.
    """
    target = find_target(name, warn)
    state_dir = target.state_dir(state)
    meta_of(target, state_dir)
    who = holder(state_dir)
    if who is None:
        say(f"stop: {state_dir}: nothing runs")
        return 0
    if why := handover.obstacle(state_dir, who):
        raise InUseError(f"stop: {state_dir}: not stopped: {why}. Nothing was changed")
    if not asked_and_gone(state_dir, who, "end", AGAIN if now else None):
        return 130
    again = shlex.join(["pyalma-tui", name, *(["--state", str(state)] if state else [])])
    say(f"process {who.pid} has ended; `{again}` goes on from what was saved")
    return 0
