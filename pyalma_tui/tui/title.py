"""The title of the terminal, for whoever looks at another window."""

from __future__ import annotations

from typing import Final

from pyalma_tui.model import status as s
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui import cells
from pyalma_tui.tui.view_moment import is_complete, is_live

LONGEST_NAME: Final = 40  # cells


def terminal_title(snapshot: Snapshot) -> str:
    """`sat 86 % · 2 failed` while it is under way, then how it stands: `sat · all done`, `sat · interrupted`."""
    counts = snapshot.counts
    name = clip(printable(snapshot.title or "pyalma-tui"), LONGEST_NAME)
    live = is_live(snapshot) and counts.total
    told = [f"{name} {cells.percent(counts.done / counts.total)}" if live else name]
    if snapshot.not_saved:
        told.append("NOT SAVED")
    if standing := _standing(snapshot):
        told.append(standing)
    if counts.failed:
        told.append(f"{cells.count(counts.failed)} failed")
    return " · ".join(told)


def _standing(snapshot: Snapshot) -> str:
    hook = snapshot.done_hook.status
    if snapshot.failure or snapshot.blocked:
        return "cannot go on"
    if snapshot.phase == "stopping":
        return "stopping"
    if isinstance(hook, s.HookRunning | s.HookFailed | s.HookCutOff):
        return f"done() {s.hook_word(hook)}"
    if is_complete(snapshot):
        return "all done"
    if snapshot.paused:
        return "paused"
    return snapshot.idle_reason if snapshot.idle_reason in ("all done", "interrupted") else ""
