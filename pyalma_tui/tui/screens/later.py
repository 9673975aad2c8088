"""What is opened on the screen later: imported when it is first wanted, or once the first list is painted.

The first list waits for none of it. A session may last for days, and then nothing may be missing that was there at its
start: a descriptor to open a file with, or the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from pyalma_tui.runner.commands import Limits
from pyalma_tui.tui.obstacles import Place
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.subjects import Subject
from pyalma_tui.tui.view_moment import Moment


def load() -> Iterator[None]:
    """Import all of it, one piece after the other; each takes some milliseconds."""
    import pyalma_tui.tui.screens.log

    yield
    import pyalma_tui.tui.screens.help
    import pyalma_tui.tui.screens.leaving
    import pyalma_tui.tui.screens.notes

    yield
    import pyalma_tui.tui.screens.limits
    import pyalma_tui.tui.screens.question
    import pyalma_tui.tui.screens.workers  # noqa: F401


def log(moment: Moment, subject: Subject) -> BaseScreen[None]:
    """The logs of a subject on the full screen."""
    from pyalma_tui.tui.screens.log import LogScreen

    return LogScreen(moment, subject)


def notes(moment: Moment) -> BaseScreen[None]:
    """The session log."""
    from pyalma_tui.tui.screens.notes import NotesBox

    return NotesBox(moment)


def workers(moment: Moment) -> BaseScreen[None]:
    """The workers."""
    from pyalma_tui.tui.screens.workers import WorkersBox

    return WorkersBox(moment)


def help_box(moment: Moment, about: Place) -> BaseScreen[None]:
    """All keys, those of a place first."""
    from pyalma_tui.tui.screens.help import HelpBox

    return HelpBox(moment, about)


def leaving(moment: Moment) -> BaseScreen[None]:
    """The wait before leaving."""
    from pyalma_tui.tui.screens.leaving import Leaving

    return Leaving(moment)


def limits(moment: Moment) -> BaseScreen[Limits | None]:
    """The timeout and the retries."""
    from pyalma_tui.tui.screens.limits import LimitsBox

    return LimitsBox(moment)


def question(moment: Moment, title: str, text: Content, yes: str) -> BaseScreen[bool]:
    """The question before something is lost."""
    from pyalma_tui.tui.screens.question import Question

    return Question(moment, title, text, yes)
