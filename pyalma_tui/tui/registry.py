"""The one registry of what can be done with a key: bindings, key bar, help, palette and the README come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyalma_tui.tui import obstacles
from pyalma_tui.tui.obstacles import Obstacle, Place, Situation

Group: TypeAlias = Literal["Experiment", "Selected or marked", "List", "Runs and failures", "Log", "Program"]


@dataclass(frozen=True, slots=True)
class Action:
    """A thing to do. The method `do_<id>` of the screen or the app does it.

    `keys` are Textual's names joined by commas, "" for what only the palette does. `bar` is the rank in the key bar,
    the lowest stays longest where it is narrow; 0 keeps it out. An action that `commands` changes the experiment and is
    refused in a read-only view. In the places that it is `also` for, the same key does the same.
    """

    id: str
    keys: str
    label: str
    help: str
    group: Group
    place: Place = "main"
    bar: int = 0
    commands: bool = False
    obstacle: Obstacle = obstacles.nothing
    also: tuple[Place, ...] = ()

    def is_of(self, place: Place) -> bool:
        """Whether its keys are answered there."""
        return place == self.place or place in self.also

    @property
    def binding(self) -> str:
        """The id of its bindings, by which a user's own keys take their place."""
        return f"{self.place}.{self.id}"

    def refused(self, situation: Situation) -> str:
        """Why it is not possible now, "" if it is."""
        return (obstacles.view_only(situation) if self.commands else "") or self.obstacle(situation)


def deed(host: object, action_id: str) -> Callable[[], None] | None:
    """The method of a screen, or of the app, that does an action; None if it has none."""
    method: Callable[[], None] | None = getattr(host, f"do_{action_id}", None)
    return method


@dataclass(frozen=True, slots=True)
class Stroke:
    """Keys that a widget or a box answers by itself: `action` is one of Textual's kind, with its arguments.

    `help` is told among the keys that move; strokes with the same help share a line.
    """

    place: Place
    keys: str
    action: str
    label: str
    help: str = ""


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "interrupt_all", "ctrl+c", "interrupt",
        "Interrupt every run: each stops at its next save() and keeps its state. Again: kill them now.",
        "Experiment", "app", bar=2, commands=True, obstacle=obstacles.nothing_runs,
    ),
    Action(
        "resume", "r", "resume",
        "Call interrupted runs again with their last saved state, and start pending ones.",
        "Experiment", bar=4, commands=True, obstacle=obstacles.nothing_to_resume,
    ),
    Action(
        "retry_all", "", "retry all failed",
        "`retry all failed`: call every failed run again with its last saved state (asks first, and says how many).",
        "Experiment", commands=True, obstacle=obstacles.nothing_failed,
    ),
    Action(
        "rerun_done", "d", "done()",
        "Call done() again (asks first).",
        "Experiment", bar=5, commands=True, obstacle=obstacles.no_done_hook,
    ),
    Action(
        "done_log", "D", "done() log",
        "What done() printed, on the full screen.",
        "Experiment", bar=15, obstacle=obstacles.no_done_log,
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
        "Selected or marked", bar=3, obstacle=obstacles.nothing_selected, also=("runs",),
    ),
    Action(
        "runs", "v", "runs",
        "The runs of the selected instance: a sign for each, and its state, time, attempts and seed.",
        "Selected or marked", bar=8, obstacle=obstacles.nothing_selected,
    ),
    Action(
        "retry", "f", "retry",
        "Call the failed runs of the selected or marked instances again with their last saved state.",
        "Selected or marked", bar=9, commands=True, obstacle=obstacles.selected_has_not_failed,
        also=("runs", "failures"),
    ),
    Action(
        "interrupt_selected", "i", "interrupt it",
        "Interrupt only the selected or marked instances.",
        "Selected or marked", bar=11, commands=True, obstacle=obstacles.selected_idle, also=("runs",),
    ),
    Action(
        "run_next", "n", "run next",
        "Run it before all others that wait.",
        "Selected or marked", bar=15, commands=True, obstacle=obstacles.nothing_waits,
        also=("runs", "failures"),
    ),
    Action(
        "forget", "x", "forget",
        "Forget the saved state and run anew (asks first, and says what is lost).",
        "Selected or marked", bar=12, commands=True, obstacle=obstacles.nothing_selected,
        also=("runs", "failures"),
    ),
    Action(
        "edit_log", "e", "edit log",
        "Open its log in $EDITOR; the run module if it has no log.",
        "Selected or marked", also=("runs",),
    ),
    Action(
        "edit_module", "E", "edit module",
        "Open the run module in $EDITOR.",
        "Selected or marked", also=("runs", "failures"),
    ),
    Action(
        "copy", "y", "copy",
        "Copy its error with the traceback, else its last saved state; of several marked ones the names.",
        "Selected or marked", bar=14, obstacle=obstacles.nothing_selected,
        also=("runs", "failures"),
    ),
    Action(
        "earlier_iteration", "left_square_bracket", "earlier iteration",
        "Show its iteration before; f, i, n and x then mean this one run.",
        "Selected or marked",
    ),
    Action(
        "later_iteration", "right_square_bracket", "later iteration",
        "Show its next iteration.",
        "Selected or marked",
    ),
    Action(
        "filter", "slash", "filter",
        "Show only what matches: words, `status:failed`, `error:Key`, `/regex/`, `gap>=0.1`. Escape clears it.",
        "List", bar=6, also=("runs", "failures"),
    ),
    Action(
        "sort", "o", "sort",
        "Sort by batch order, activity, status (failed first), name, progress or time; so does a click on a title.",
        "List", bar=8,
    ),
    Action("reverse", "O", "reverse", "Reverse the order.", "List"),
    Action(
        "mark", "space", "mark",
        "Mark what is selected; actions apply to the marked ones.",
        "List", bar=13, also=("runs", "failures"),
    ),
    Action(
        "mark_all", "a", "mark all",
        "Mark all that are shown; again: none.",
        "List", also=("runs", "failures"),
    ),
    Action("clear", "escape", "clear", "Clear the filter, then the marks.", "List"),
    Action(
        "failures", "F", "failures",
        "What failed, by kind: error, place in your code, how many runs of which instances, since when.",
        "Experiment", bar=7, obstacle=obstacles.no_failures,
    ),
    Action(
        "kind_runs", "enter,v", "runs",
        "Failures: the runs of this kind.",
        "Runs and failures", "failures", bar=3, obstacle=obstacles.nothing_selected,
    ),
    Action(
        "failed_before", "left_curly_bracket", "failed before",
        "Runs: to the failed one before.",
        "Runs and failures", "runs",
    ),
    Action(
        "failed_after", "right_curly_bracket", "failed after",
        "Runs: to the next failed one.",
        "Runs and failures", "runs",
    ),
    Action(
        "back", "escape,q,v", "back",
        "Runs: clear the filter, then the marks; then back.",
        "Runs and failures", "runs", bar=1,
    ),
    Action(
        "back", "escape,q,F", "back",
        "Failures: clear the filter, then the marks; then back.",
        "Runs and failures", "failures", bar=1,
    ),
    Action("workers", "w", "workers", "What each worker does, its memory and processor time.", "Program"),
    Action(
        "take_over", "T", "take over",
        "In a read-only view: let the other process stop with all states kept, and go on here (asks first).",
        "Program", obstacle=obstacles.not_to_be_had,
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

MOVE: Final = "Move."
PAGE: Final = "Move by a screenful."
RANGE: Final = "Move, and mark all from where that began; by a screenful with the page keys."
ENDS: Final = "First, last. On the first one the list stays at its top."

STROKES: Final[tuple[Stroke, ...]] = (
    Stroke("list", "up,k", "move(-1)", "Up", MOVE),
    Stroke("list", "down,j", "move(1)", "Down", MOVE),
    Stroke("list", "pageup", "page(-1)", "Page up", PAGE),
    Stroke("list", "pagedown", "page(1)", "Page down", PAGE),
    Stroke("list", "shift+up", "reach(-1)", "Mark up", RANGE),
    Stroke("list", "shift+down", "reach(1)", "Mark down", RANGE),
    Stroke("list", "shift+pageup", "reach_page(-1)", "Mark a page up"),
    Stroke("list", "shift+pagedown", "reach_page(1)", "Mark a page down"),
    Stroke("list", "home,g", "home", "First", ENDS),
    Stroke("list", "end,G", "end", "Last", ENDS),
    Stroke("log text", "up,k", "move(-1)", "Up"),
    Stroke("log text", "down,j", "move(1)", "Down"),
    Stroke("log text", "pageup", "page(-1)", "Page up"),
    Stroke("log text", "pagedown", "page(1)", "Page down"),
    Stroke("log text", "home,g", "home", "To the beginning"),
    Stroke("log text", "end,G", "end", "Follow the end"),
    Stroke("log text", "left", "sideways(-1)", "To the left", "Sideways in a log."),
    Stroke("log text", "right", "sideways(1)", "To the right", "Sideways in a log."),
    Stroke("log text", "n", "match(True)", "Next match"),
    Stroke("log text", "N", "match(False)", "Previous match"),
    Stroke("box", "escape,q,enter", "dismiss", "Close"),
    Stroke("question", "y", "answer(True)", "Yes"),
    Stroke("question", "n,escape,q", "answer(False)", "No"),
    Stroke("question", "left,right,h,l", "other", "Other"),
    Stroke("limits", "escape", "dismiss(None)", "Leave it"),
)

PALETTE: Final = "ctrl+p"

OF_TEXTUAL: Final[tuple[tuple[str, str], ...]] = (
    ("tab", "To the facts, to the log, and back to the list."),
    (PALETTE, "All actions by name."),
)
"""Keys that Textual answers, with what they do."""


def of(place: Place) -> Iterator[Action]:
    """The actions of one place."""
    return (action for action in ACTIONS if action.is_of(place))


def named(action_id: str, place: Place) -> Action:
    """The action with this id: that of the place, else any."""
    found = [action for action in ACTIONS if action.id == action_id]
    return next((action for action in found if action.is_of(place)), found[0])


def groups() -> Iterator[tuple[Group, list[Action]]]:
    """The actions by group, in the order of the registry."""
    found: dict[Group, list[Action]] = {}
    for action in ACTIONS:
        found.setdefault(action.group, []).append(action)
    yield from found.items()
