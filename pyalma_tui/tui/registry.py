"""The one registry of what can be done with a key: bindings, key bar, help, palette and the README come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pyalma_tui.tui import obstacles
from pyalma_tui.tui.action import Action, Group
from pyalma_tui.tui.log_actions import LOG_ACTIONS
from pyalma_tui.tui.obstacles import KeyScope


def deed(host: object, action_id: str) -> Callable[[], None] | None:
    """The method of a screen, or of the app, that does an action; None if it has none.

    By its name, as Textual finds those of bindings: screens are imported when they are opened, and import the registry,
    so that a table of their methods could only stand beside these, and say each name twice.
    """
    method: Callable[[], None] | None = getattr(host, f"do_{action_id}", None)
    return method


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
        "Experiment", bar=8, commands=True, obstacle=obstacles.no_done_hook,
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
        "more_workers", "plus", "more workers",
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
        "remove", "delete", "remove",
        "Take instances out of the experiment with all that their runs have (asks first, and says what is lost).",
        "Selected or marked", commands=True, obstacle=obstacles.nothing_selected,
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
        "Show only what matches: words, `status:failed`, `error:Key`, `/regex/`, `gap>=0.1` of a state, data or "
        "the last row. Escape clears it.",
        "List", bar=6, also=("runs", "failures", "history"),
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
    Action("back", "escape,q,equals_sign", "back", "Compare: back.", "Runs and failures", "compare", bar=1),
    Action("back", "escape,q,H", "back", "History: clear the filter; then back.", "Program", "history", bar=1),
    Action(
        "back", "escape,q,F", "back",
        "Failures: clear the filter, then the marks; then back.",
        "Runs and failures", "failures", bar=1,
    ),
    Action(
        "results", "R", "results",
        "All rows that runs have recorded, live: to sort, filter, group, copy and export them.",
        "Experiment", bar=9, obstacle=obstacles.no_rows,
    ),
    Action(
        "sort_rows", "o", "sort",
        "Results: sort by the selected column, or a clicked title; again: the other way round; again: as recorded.",
        "Results", "results", bar=3,
    ),
    Action(
        "group_rows", "b", "group",
        "Results: a line for each value of the selected column, with n, mean, sd, min, median, max; again: all rows.",
        "Results", "results", bar=4,
    ),
    Action(
        "next_value", "v", "next field",
        "Results in groups: the statistics of the next field that has numbers.",
        "Results", "results", bar=5,
    ),
    Action(
        "filter", "slash", "filter",
        "Results: show only rows that match, as `gap<0.2 status:done`: fields of the row, else of its run.",
        "Results", "results", bar=2,
    ),
    Action(
        "copy", "y", "copy",
        "Results: copy what is shown; of a long table the lines in sight.",
        "Results", "results", bar=6,
    ),
    Action(
        "export_rows", "e", "export",
        "Results: write what is shown into a file: .csv, .json, .jsonl, .md or .parquet.",
        "Results", "results", bar=6, obstacle=obstacles.no_terminal,
    ),
    Action(
        "back", "escape,q,R", "back",
        "Results: stop what goes on; clear the filter, the groups, the order; then back.",
        "Results", "results", bar=1,
    ),
    Action(
        "undo", "u", "undo",
        "Take back the last reset, retry, run next, removal or mark; of runs, those that have not begun since.",
        "Selected or marked", also=("runs", "failures"),
    ),
    Action(
        "compare", "equals_sign", "compare",
        "Two marked instances or runs beside each other: state, rows, logs, times, code and seed.",
        "Selected or marked", obstacle=obstacles.not_two, also=("runs",),
    ),
    Action(
        "history", "H", "history",
        "All sessions, what people did in them, and which runs used which code.",
        "Program",
    ),
    Action(
        "plots", "P", "plots",
        "Plots: runs finished over time, how long they took, numbers in the states and rows of the selected or marked "
        "runs, workers.",
        "Experiment", bar=16, obstacle=obstacles.nothing_tried, also=("runs", "failures"),
    ),
    Action(
        "forecast", "percent_sign", "forecast",
        "When it will be done: what that rests on, what takes longest, and what other numbers of workers would do.",
        "Experiment", bar=17, also=("runs", "failures"),
    ),
    Action(
        "zoom", "enter,z", "one or all",
        "Plots: the selected one on the whole screen; again: all.",
        "Plots", "plots", bar=2,
    ),
    Action("next_plot", "right,l,down,j", "next plot", "Plots: select the next one.", "Plots", "plots", bar=3),
    Action("earlier_plot", "left,h,up,k", "plot before", "Plots: select the one before.", "Plots", "plots"),
    Action(
        "next_field", "right_square_bracket,n", "next number",
        "Plots: the next number that states or rows hold.",
        "Plots", "plots", bar=4,
    ),
    Action(
        "earlier_field", "left_square_bracket,N", "number before",
        "Plots: the number before.",
        "Plots", "plots",
    ),
    Action("back", "escape,q,P", "back", "Plots: back.", "Plots", "plots", bar=1),
    Action("workers", "w", "workers", "What each worker does, its memory and processor time.", "Program"),
    Action(
        "take_over", "T", "take over",
        "In a read-only view: let the other process stop with all states kept, and go on here (asks first).",
        "Program", obstacle=obstacles.not_to_be_had,
    ),
    Action("notes", "s", "session log", "What happened in this session.", "Program"),
    Action("jump", "ctrl+o", "jump", "To a pane: each shows a letter, which leads to it.", "Program", "app"),
    Action("theme", "t", "theme", "Choose a theme.", "Program", "app"),
    Action(
        "suspend", "ctrl+z", "suspend",
        "To the shell: running runs go on, new ones wait; `fg` comes back.",
        "Program", "app", obstacle=obstacles.no_terminal,
    ),
    Action("help", "question_mark", "help", "This help.", "Program", "app", bar=7),
    Action(
        "quit", "q,ctrl+q", "quit",
        "Leave. While runs are busy it asks: `d` they go on without a screen, `i` they are interrupted first.",
        "Program", "app", bar=1,
    ),
    Action(
        "search_logs", "asterisk", "search logs",
        "Search all logs: which instances have a text or a pattern, how often; Enter opens the log at the first.",
        "Log", "app", bar=12, obstacle=obstacles.no_logs,
    ),
    *LOG_ACTIONS,
)  # fmt: skip


def of(scope: KeyScope) -> Iterator[Action]:
    """The actions of one place."""
    return (action for action in ACTIONS if action.is_of(scope))


def named(action_id: str, scope: KeyScope) -> Action:
    """The action with this id: that of the place, else any."""
    found = [action for action in ACTIONS if action.id == action_id]
    return next((action for action in found if action.is_of(scope)), found[0])


def groups() -> Iterator[tuple[Group, list[Action]]]:
    """The actions by group, in the order of the registry."""
    found: dict[Group, list[Action]] = {}
    for action in ACTIONS:
        found.setdefault(action.group, []).append(action)
    yield from found.items()
