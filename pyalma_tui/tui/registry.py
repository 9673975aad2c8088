"""The one registry of what can be done with a key: bindings, key bar, help, palette and the README come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from textual.binding import Binding, BindingType

from pyalma_tui.model import status as s
from pyalma_tui.model.view import Row
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.view_moment import is_complete

Group: TypeAlias = Literal["Experiment", "Selected or marked", "List", "Log", "Program"]
Place: TypeAlias = Literal["app", "main", "log"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action is possible: the moment, the selected row, how many are marked."""

    snapshot: Snapshot
    row: Row | None = None
    marked: int = 0
    read_only: bool = False


Obstacle: TypeAlias = Callable[[Situation], str]
"""Why an action is not possible now, "" if it is."""


def always(_: Situation) -> str:
    """Nothing stands in the way."""
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """A thing to do. The method `do_<id>` of the screen or the app does it.

    `keys` are Textual's names joined by commas. `bar` is the rank in the key bar, the lowest stays longest where it is
    narrow; 0 keeps it out. An action that `commands` changes the experiment and is refused in a read-only view.
    """

    id: str
    keys: str
    label: str
    help: str
    group: Group
    place: Place = "main"
    bar: int = 0
    commands: bool = False
    obstacle: Obstacle = always

    def refused(self, situation: Situation) -> str:
        """Why it is not possible now, "" if it is."""
        if self.commands and situation.read_only:
            return "this view is read only · T takes over, q leaves"
        return self.obstacle(situation)


def _nothing_runs(now: Situation) -> str:
    busy = now.snapshot.counts.running or isinstance(now.snapshot.done_hook.status, s.HookRunning)
    return "" if busy else "nothing is running"


def _selected_idle(now: Situation) -> str:
    if not now.marked and (now.row is None or not now.row.tally.running):
        return "the selected instance is not running"
    return _nothing_runs(now)


def _nothing_to_resume(now: Situation) -> str:
    counts = now.snapshot.counts
    return "" if counts.interrupted or counts.pending else "nothing is interrupted"


def _nothing_failed(now: Situation) -> str:
    return "" if now.snapshot.counts.failed else "nothing has failed"


def _nothing_waits(now: Situation) -> str:
    if not now.marked and now.row is not None and now.row.tally.done + now.row.tally.running == now.row.tally.total:
        return "the selected instance has nothing left to run"
    return _nothing_selected(now)


def _no_done_hook(now: Situation) -> str:
    if isinstance(now.snapshot.done_hook.status, s.HookAbsent):
        return "the run module has no done()"
    if isinstance(now.snapshot.done_hook.status, s.HookRunning):
        return "done() is running"
    return "" if is_complete(now.snapshot) else "done() is called when every run is done"


def _no_done_log(now: Situation) -> str:
    if now.snapshot.done_hook.calls:
        return ""
    absent = isinstance(now.snapshot.done_hook.status, s.HookAbsent)
    return "the run module has no done()" if absent else "done() has not been called yet"


def _not_to_be_had(now: Situation) -> str:
    if not now.read_only:
        return "it runs here already"
    return now.snapshot.elsewhere.obstacle if now.snapshot.elsewhere else ""


def _nothing_selected(now: Situation) -> str:
    return "" if now.row is not None or now.marked else "there is no instance"


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "interrupt_all", "ctrl+c", "interrupt",
        "Interrupt every run: each stops at its next save() and keeps its state. Again: kill them now.",
        "Experiment", "app", bar=2, commands=True, obstacle=_nothing_runs,
    ),
    Action(
        "resume", "r", "resume",
        "Call interrupted runs again with their last saved state, and start pending ones.",
        "Experiment", bar=4, commands=True, obstacle=_nothing_to_resume,
    ),
    Action(
        "retry", "f", "retry failed",
        "Call failed runs again with their last saved state: all, or those of the marked instances.",
        "Experiment", bar=9, commands=True, obstacle=_nothing_failed,
    ),
    Action(
        "rerun_done", "d", "done()",
        "Call done() again (asks first).",
        "Experiment", bar=5, commands=True, obstacle=_no_done_hook,
    ),
    Action(
        "done_log", "D", "done() log",
        "What done() printed, on the full screen.",
        "Experiment", bar=15, obstacle=_no_done_log,
    ),
    Action(
        "load_log", "L", "load log",
        "What the run module printed while it was loaded, on the full screen.",
        "Experiment",
    ),
    Action(
        "pause", "p", "pause",
        "Start no new runs; running ones go on. Again: continue.",
        "Experiment", bar=10, commands=True,
    ),
    Action(
        "more_workers", "plus,equals_sign", "more workers",
        "One worker more.",
        "Experiment", commands=True,
    ),
    Action(
        "fewer_workers", "minus", "fewer workers",
        "One worker less; it ends when its run ends.",
        "Experiment", commands=True,
    ),
    Action(
        "limits", "c", "change limits",
        "Change the timeout and the number of retries.",
        "Experiment", commands=True,
    ),
    Action(
        "log", "enter,l", "log",
        "Its log on the full screen.",
        "Selected or marked", bar=3, obstacle=_nothing_selected,
    ),
    Action(
        "interrupt_selected", "i", "interrupt it",
        "Interrupt only the selected or marked instances.",
        "Selected or marked", bar=11, commands=True, obstacle=_selected_idle,
    ),
    Action(
        "run_next", "n", "run next",
        "Run it before all others that wait.",
        "Selected or marked", bar=15, commands=True, obstacle=_nothing_waits,
    ),
    Action(
        "forget", "x", "forget",
        "Forget the saved state and run anew (asks first, and says what is lost).",
        "Selected or marked", bar=12, commands=True, obstacle=_nothing_selected,
    ),
    Action(
        "edit_log", "e", "edit log",
        "Open its log in $EDITOR; the run module if it has no log.",
        "Selected or marked",
    ),
    Action(
        "edit_module", "E", "edit module",
        "Open the run module in $EDITOR.",
        "Selected or marked",
    ),
    Action(
        "copy", "y", "copy",
        "Copy its error with the traceback, else its last saved state; of several marked ones the names.",
        "Selected or marked", bar=14, obstacle=_nothing_selected,
    ),
    Action(
        "earlier_iteration", "left_square_bracket", "earlier iteration",
        "Show its iteration before; i and x then mean this one run.",
        "Selected or marked",
    ),
    Action(
        "later_iteration", "right_square_bracket", "later iteration",
        "Show its next iteration.",
        "Selected or marked",
    ),
    Action(
        "filter", "slash", "filter",
        "Show only what matches: text, status:failed, state:7. Escape clears it.",
        "List", bar=6,
    ),
    Action(
        "sort", "o", "sort",
        "Sort by batch order, status, name, progress or time.",
        "List", bar=8,
    ),
    Action("reverse", "O", "reverse", "Reverse the order.", "List"),
    Action(
        "mark", "space", "mark",
        "Mark the selected instance; actions apply to the marked ones.",
        "List", bar=13,
    ),
    Action("mark_all", "a", "mark all", "Mark all that are shown; again: none.", "List"),
    Action("clear", "escape", "clear", "Clear the filter, then the marks.", "List"),
    Action("workers", "w", "workers", "What each worker does, its memory and processor time.", "Program"),
    Action(
        "take_over", "T", "take over",
        "In a read-only view: let the other process stop with all states kept, and go on here (asks first).",
        "Program", obstacle=_not_to_be_had,
    ),
    Action("notes", "s", "session log", "What happened in this session.", "Program"),
    Action("theme", "t", "theme", "Choose a theme.", "Program", "app"),
    Action(
        "suspend", "ctrl+z", "suspend",
        "To the shell: running runs go on, new ones wait; `fg` comes back.",
        "Program", "app",
    ),
    Action("help", "question_mark", "help", "This help.", "Program", "app", bar=7),
    Action(
        "quit", "q,ctrl+q", "quit",
        "Leave. Busy runs are interrupted first, with a countdown; again: kill them now.",
        "Program", "app", bar=1,
    ),
    Action("log_search", "slash", "search", "Search in the log; n and N go to other matches.", "Log", "log", bar=3),
    Action("log_only", "ampersand", "only", "Show only the lines that contain a text.", "Log", "log", bar=4),
    Action(
        "older_log", "left_parenthesis", "older",
        "The log before: of an earlier attempt, call of done(), or load.",
        "Log", "log", bar=5,
    ),
    Action("newer_log", "right_parenthesis", "newer", "The log after.", "Log", "log", bar=6),
    Action("copy", "y", "copy", "Copy the selected text, else the lines in sight.", "Log", "log", bar=8),
    Action("edit_log", "e", "edit", "Open the log in $EDITOR.", "Log", "log", bar=7),
    Action("back", "escape,q,l", "back", "Back to the list.", "Log", "log", bar=1),
)  # fmt: skip

SHOWN_KEYS: Final[dict[str, str]] = {
    "ctrl+c": "^c",
    "ctrl+q": "^q",
    "ctrl+p": "^p",
    "ctrl+z": "^z",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "slash": "/",
    "ampersand": "&",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "escape": "esc",
}

MOVING: Final[tuple[tuple[str, str], ...]] = (
    ("↑ ↓ k j", "Move."),
    ("pgup pgdn", "Move by a screenful."),
    ("home end g G", "First, last. On the first one the list stays at its top."),
    ("tab", "To the facts, to the log, and back to the list."),
    ("^p", "All actions by name."),
)


def of(place: Place) -> Iterator[Action]:
    """The actions of one place."""
    return (action for action in ACTIONS if action.place == place)


def named(action_id: str, place: Place) -> Action:
    """The action with this id: that of the place, else any."""
    found = [action for action in ACTIONS if action.id == action_id]
    return next((action for action in found if action.place == place), found[0])


def shown_keys(action: Action) -> str:
    """Its keys as people read them."""
    return " ".join(SHOWN_KEYS.get(key, key) for key in action.keys.split(","))


def bindings(place: Place) -> list[BindingType]:
    """What Textual is told. `ctrl` keys come before every widget's: Textual copies on ctrl+c and quits on ctrl+q."""
    return [
        Binding(
            key, f"app.perform('{action.id}')", action.label, tooltip=action.help,
            id=f"{place}.{action.id}.{key}", show=False, priority=key.startswith("ctrl+"),
        )
        for action in of(place)
        for key in action.keys.split(",")
    ]  # fmt: skip


def groups(*places: Place) -> Iterator[tuple[Group, list[Action]]]:
    """The actions by group, in the order of the registry."""
    found: dict[Group, list[Action]] = {}
    for action in ACTIONS:
        if action.place in places or not places:
            found.setdefault(action.group, []).append(action)
    yield from found.items()


def key_table() -> str:
    """All keys as a Markdown table, for the README."""
    rows = ["| key | what it does |", "|---|---|"]
    for _, actions in groups():
        for action in actions:
            keys = " ".join(f"`{key}`" for key in shown_keys(action).split())
            rows.append(f"| {keys} | {action.help} |")
    return "\n".join(rows) + "\n"
