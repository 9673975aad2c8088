"""What can be done with a log, and with a search of all of them."""

from __future__ import annotations

from typing import Final

from pyalma_tui.tui.action import Action

LOG_ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "open_found", "enter,l", "open",
        "Search of all logs: open the log of the selected instance at the first match.",
        "Log", "found", bar=3,
    ),
    Action("search_anew", "slash,asterisk", "search", "Search of all logs: for something else.", "Log", "found", bar=4),
    Action("back", "escape,q", "back", "Search of all logs: back to the list.", "Log", "found", bar=1),
    Action(
        "log_search", "slash", "search",
        "Search for a text or a pattern (`loss.*nan`); n and N go to other matches.",
        "Log", "log", bar=2,
    ),
    Action(
        "log_only", "ampersand", "only",
        "Show only the lines that have a text or a pattern; `!` before it: that have it not. Again: of these.",
        "Log", "log", bar=4,
    ),
    Action(
        "log_without", "minus", "without",
        "Leave out the lines that have a text or a pattern.",
        "Log", "log", bar=9,
    ),
    Action("log_wrap", "w", "wrap", "Wrap long lines, or not; kept for the next log.", "Log", "log", bar=3),
    Action("log_numbers", "number_sign", "numbers", "Line numbers; kept.", "Log", "log", bar=7),
    Action("log_times", "at", "times", "When each line arrived; kept.", "Log", "log", bar=8),
    Action(
        "log_error", "E", "first error",
        "To the first line that tells of an error; n to the next.",
        "Log", "log", bar=5,
    ),
    Action(
        "log_go", "colon", "go to",
        "Go to a line's number, to a share (`50%`), to a time of the day (`14:05`).",
        "Log", "log", bar=11,
    ),
    Action(
        "log_mark", "m", "mark",
        "Mark the line that the search stands at, or the first in sight; or not any more.",
        "Log", "log", bar=12,
    ),
    Action("log_next_mark", "apostrophe", "next mark", "To the next marked line.", "Log", "log", bar=13),
    Action(
        "older_log", "left_parenthesis", "older",
        "The log before: of an earlier attempt, call of done(), or load.",
        "Log", "log", bar=6,
    ),
    Action("newer_log", "right_parenthesis", "newer", "The log after.", "Log", "log", bar=6),
    Action(
        "copy", "y", "copy",
        "Copy the selected text, else the lines in sight.",
        "Log", "log", bar=14,
    ),
    Action("edit_log", "e", "edit", "Open the log in $EDITOR.", "Log", "log", bar=15),
    Action("log_pager", "p", "pager", "Open the log in $PAGER.", "Log", "log", bar=16),
    Action(
        "back", "escape", "back",
        "Take back the search, then the filters; then back to where one came from.",
        "Log", "log", bar=1,
    ),
    Action("leave_log", "q,l", "leave", "Back to where one came from.", "Log", "log", bar=17),
)  # fmt: skip
