"""What stands in the way of an action at this moment, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyalma_tui.model import status as s
from pyalma_tui.model.hook_text import hook_text
from pyalma_tui.model.view import InstanceRow
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.view_moment import NO_TERMINAL, ONLY_SHOWN, Moment, is_complete

KeyScope: TypeAlias = Literal[
    "app", "main", "runs", "failures", "results", "plots", "found", "compare", "history", "experiments", "picking",
    "tree", "log", "list", "table", "text", "log text", "box", "question", "limits", "quitting", "which code",
    "jumping", "experiment list",
]  # fmt: skip
"""Where keys are answered: by the app, by a screen, by a widget or a box."""


NO_DONE: Final = "the run module has no done()"


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action is possible: the moment, where one is, the selected row, how many are marked.

    `key` gives the key of an action by its id, as the user has it; `what` is what a row stands for there.
    """

    moment: Moment
    key: Callable[[str], str]
    scope: KeyScope = "main"
    row: InstanceRow | None = None
    marked: int = 0
    what: Literal["instance", "run", "kind"] = "instance"

    @property
    def snapshot(self) -> Snapshot:
        """What is true now."""
        return self.moment.snapshot

    @property
    def read_only(self) -> bool:
        """Whether nothing can be asked of the runner: another process runs it."""
        return self.moment.read_only


Obstacle: TypeAlias = Callable[[Situation], str]
"""Why an action is not possible now, "" if it is."""


def nothing(_: Situation) -> str:
    """The action is always possible."""
    return ""


def view_only(now: Situation) -> str:
    """A view of what another process runs changes nothing."""
    if not now.read_only:
        return ""
    if now.moment.page:
        return ONLY_SHOWN
    takes = now.key("take_over")
    leads_on = (
        f"{takes} takes over, {now.key('quit')} leaves" if now.scope == "main" else f"{takes} in the list takes over"
    )
    return f"this view is read only · {leads_on}"


def nothing_runs(now: Situation) -> str:
    """Neither a run nor done() is being called."""
    busy = now.snapshot.counts.running or isinstance(now.snapshot.done_hook.status, s.HookRunning)
    return "" if busy else "nothing is running"


def selected_idle(now: Situation) -> str:
    """What is chosen is not running."""
    if not now.marked and (now.row is None or not now.row.tally.running):
        return f"the selected {now.what} is not running"
    return nothing_runs(now)


def nothing_to_resume(now: Situation) -> str:
    """No run is interrupted or waits."""
    counts = now.snapshot.counts
    return "" if counts.interrupted or counts.pending else "nothing is interrupted"


def nothing_failed(now: Situation) -> str:
    """No run has failed."""
    return "" if now.snapshot.counts.failed else "nothing has failed"


def selected_has_not_failed(now: Situation) -> str:
    """What is chosen has no failed run."""
    if not now.marked and now.row is not None and not now.row.tally.failed and now.snapshot.counts.failed:
        return f"the selected {now.what} has not failed"
    return nothing_failed(now)


def nothing_waits(now: Situation) -> str:
    """The selected instance is done, or running."""
    if not now.marked and now.row is not None and now.row.tally.done + now.row.tally.running == now.row.tally.total:
        return f"the selected {now.what} has nothing left to run"
    return nothing_selected(now)


def no_done_hook(now: Situation) -> str:
    """There is no done(), or it is not its time."""
    if isinstance(now.snapshot.done_hook.status, s.HookAbsent):
        return NO_DONE
    if isinstance(now.snapshot.done_hook.status, s.HookRunning):
        return hook_text(now.snapshot.done_hook.status)
    return "" if is_complete(now.snapshot) else "done() is called when every run is done"


def no_done_log(now: Situation) -> str:
    """done() was never called."""
    if now.snapshot.done_hook.calls:
        return ""
    absent = isinstance(now.snapshot.done_hook.status, s.HookAbsent)
    return NO_DONE if absent else "done() has not been called yet"


def no_terminal(now: Situation) -> str:
    """It is shown in a browser, whose files are others than ours."""
    return NO_TERMINAL if now.moment.page else ""


def not_to_be_had(now: Situation) -> str:
    """No other process runs it, or it does not hand over."""
    if not now.read_only:
        return "it runs here already"
    if now.moment.page:
        return ONLY_SHOWN
    return now.snapshot.elsewhere.obstacle if now.snapshot.elsewhere else ""


def not_two(now: Situation) -> str:
    """Not exactly two are marked."""
    return "" if now.marked == 2 else f"{now.marked or 'none'} marked: {now.key('mark')} marks two to compare"


def nothing_selected(now: Situation) -> str:
    """No instance is listed."""
    return "" if now.row is not None or now.marked else f"there is no {now.what}"


def no_rows(now: Situation) -> str:
    """No run was ever called, so that no row can count."""
    counts, aside = now.snapshot.counts, now.snapshot.aside
    return "" if counts.total > counts.pending or aside.total else "no run has recorded anything yet"


def no_logs(now: Situation) -> str:
    """No run was ever called."""
    counts = now.snapshot.counts
    return "nothing has been called yet, so there is no log" if counts.total == counts.pending else ""


def nothing_tried(now: Situation) -> str:
    """No run has ever been called."""
    counts, aside = now.snapshot.counts, now.snapshot.aside
    return "" if counts.pending < counts.total or aside.pending < aside.total else "nothing has run yet"


def no_failures(now: Situation) -> str:
    """No run stands failed, in the batch or out of it."""
    return "" if now.snapshot.counts.failed or now.snapshot.aside.failed else "nothing has failed"
