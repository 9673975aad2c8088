"""What the user prefers of the screen, whatever is in the file."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.cli.speak import warn
from pyalma_tui.errors import UsageError
from pyalma_tui.tui.preferences import Preferences, preferences_path, read_preferences
from pyalma_tui.tui.themes import refuse_unknown


def checked(path: Path) -> Preferences:
    """What is in the file, the usual if there is none. Raises UsageError that names the mistake."""
    found = read_preferences(path)
    if found.theme is not None:
        refuse_unknown(found.theme, found.themes, f"preferences: {path}: theme")
    return found


def preferred() -> tuple[Preferences, Path | None, str]:
    """What the user prefers, where changes of it are kept, and what is wrong; of a file with a mistake nothing holds.

    That is told here, before there is a screen, for whoever reads what was printed.
    """
    path = preferences_path()
    try:
        return checked(path), path, ""
    except UsageError as error:
        warn(str(error))
        return Preferences(), None, str(error)
