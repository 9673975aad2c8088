"""When so much would be lost or begun by one key that it is asked first, and how the question is worded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.hook_text import IF_CUT_OFF
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.targets import named
from pyalma_tui.tui.view_moment import Moment, at_risk

MANY_RUNS: Final = 20
MUCH_WORK: Final = 600.0  # seconds since the last saves, of all runs together


def interrupt_question(moment: Moment, now: float) -> Content | None:
    """How many runs are interrupted, and what none of them has saved; None where that is little.

    `now` are seconds of the epoch.
    """
    running = [moment.run(slot.run) for slot in moment.snapshot.slots if slot.run is not None]
    unsaved = sum(risk for run in running if (risk := at_risk(run, now)) is not None)
    if len(running) <= MANY_RUNS and unsaved <= MUCH_WORK:
        return None
    lines = [
        Content.assemble((words.plural(len(running), "run"), "bold"), " will be interrupted."),
        Content("Each stops at its next save() and keeps that state."),
        Content.assemble("Not saved so far: ", (f"{words.duration(unsaved)} of work", COLOURS["failed"]), "."),
        Content.styled(
            f"What does not save within the grace loses its part of it. {key_to('interrupt_all')} again: yes.", MUTED
        ),
    ]
    if isinstance(moment.snapshot.done_hook.status, s.HookRunning):
        lines.append(Content(f"done() is running. {IF_CUT_OFF}"))
    return Content("\n").join(lines)


def retry_many_question(snapshot: Snapshot, runs: Sequence[int]) -> Content | None:
    """How many failed runs are called again; None where these are few."""
    if len(runs) <= MANY_RUNS:
        return None
    return Content("\n").join(
        [
            Content.assemble((words.plural(len(runs), "run"), "bold"), " failed: call them again?"),
            literal(named(snapshot, runs, 72), MUTED),
            Content.styled(
                f"Each goes on from its last saved state. {key_to('undo')} takes back those that have not begun.", MUTED
            ),
        ]
    )
