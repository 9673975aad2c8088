"""What is opened on the screen later: imported when it is first wanted, or once the first list is painted.

The first list waits for none of it. A session may last for days, and then nothing may be missing that was there at its
start: a descriptor to open a file with, or the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from pyalma_tui.runner.commands import Limits
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.subjects import Subject
from pyalma_tui.tui.view_moment import Moment

if TYPE_CHECKING:
    from pyalma_tui.model.ends import Ends
    from pyalma_tui.runner.outdated import EditedFile
    from pyalma_tui.tui.screens.quitting import Way


def load() -> Iterator[None]:
    """Import all of it, one piece after the other; each takes some milliseconds."""
    import pyalma_tui.tui.screens.log

    yield
    import pyalma_tui.tui.screens.forecast
    import pyalma_tui.tui.screens.help
    import pyalma_tui.tui.screens.leaving
    import pyalma_tui.tui.screens.notes

    yield
    import pyalma_tui.tui.screens.limits
    import pyalma_tui.tui.screens.question
    import pyalma_tui.tui.screens.quitting
    import pyalma_tui.tui.screens.which_code
    import pyalma_tui.tui.screens.workers

    yield
    import pyalma_tui.tui.screens.compare
    import pyalma_tui.tui.screens.history

    yield
    import pyalma_tui.tui.screens.plots  # noqa: F401


def log(moment: Moment, subject: Subject, number: int | None = None, search: str = "") -> BaseScreen[None]:
    """The logs of a subject on the full screen: the newest or that with a number, at the first match of a search."""
    from pyalma_tui.tui.screens.log import LogScreen

    return LogScreen(moment, subject, number, search)


def notes(moment: Moment) -> BaseScreen[None]:
    """The session log."""
    from pyalma_tui.tui.screens.notes import NotesBox

    return NotesBox(moment)


def workers(moment: Moment) -> BaseScreen[None]:
    """The workers."""
    from pyalma_tui.tui.screens.workers import WorkersBox

    return WorkersBox(moment)


def help_box(moment: Moment, about: KeyScope) -> BaseScreen[None]:
    """All keys, those of a place first."""
    from pyalma_tui.tui.screens.help import HelpBox

    return HelpBox(moment, about)


def quitting(moment: Moment, *, detaches: bool) -> BaseScreen[Way | None]:
    """The question before busy runs are left."""
    from pyalma_tui.tui.screens.quitting import Quitting

    return Quitting(moment, detaches=detaches)


def leaving(moment: Moment) -> BaseScreen[None]:
    """The wait before leaving."""
    from pyalma_tui.tui.screens.leaving import LeavingBox

    return LeavingBox(moment)


def limits(moment: Moment) -> BaseScreen[Limits | None]:
    """The timeout and the retries."""
    from pyalma_tui.tui.screens.limits import LimitsBox

    return LimitsBox(moment)


def question(moment: Moment, title: str, text: Content, yes: str) -> BaseScreen[bool]:
    """The question before something is lost."""
    from pyalma_tui.tui.screens.question import Question

    return Question(moment, title, text, yes)


def edits(snapshot: Snapshot) -> tuple[EditedFile, ...]:
    """What was edited of the code of this session."""
    from pyalma_tui.tui.screens.which_code import edits_of

    return edits_of(snapshot)


def which_code(
    moment: Moment, title: str, text: Content | None, edits: tuple[EditedFile, ...]
) -> BaseScreen[bool | None]:
    """The question with which code runs are called."""
    from pyalma_tui.tui.screens.which_code import WhichCode

    return WhichCode(moment, title, text, edits)


def compare(moment: Moment, one: int, other: int) -> BaseScreen[None]:
    """Two runs beside each other."""
    from pyalma_tui.tui.screens.compare import ComparePage

    return ComparePage(moment, one, other)


def history(moment: Moment) -> BaseScreen[None]:
    """What the experiment has been through."""
    from pyalma_tui.tui.screens.history import HistoryPage

    return HistoryPage(moment)


def ends() -> Ends:
    """When runs ended, for plots."""
    from pyalma_tui.model.ends import Ends

    return Ends()


def plots(moment: Moment, known: Ends, chosen: Iterable[int]) -> BaseScreen[None]:
    """Four plots; one of them is of these runs."""
    from pyalma_tui.tui.screens.plots import PlotsScreen

    return PlotsScreen(moment, known, chosen)


def forecast(moment: Moment) -> BaseScreen[None]:
    """When it will be done."""
    from pyalma_tui.tui.screens.forecast import ForecastBox

    return ForecastBox(moment)
