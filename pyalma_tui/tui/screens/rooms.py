"""The rooms that the list leads to: imported as what is in `later`, which they themselves lead to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget

from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.view_moment import Moment

if TYPE_CHECKING:
    from pyalma_tui.model.failures import Failures


def load() -> Iterator[None]:
    """Import all of it, one piece after the other; each takes some milliseconds."""
    import pyalma_tui.tui.widgets.filter_field

    yield
    import pyalma_tui.tui.screens.failures

    yield
    import pyalma_tui.tui.screens.runs

    yield
    import pyalma_tui.tui.screens.jumping
    import pyalma_tui.tui.screens.results
    import pyalma_tui.tui.screens.search_logs  # noqa: F401


def runs(moment: Moment, label: str, runs_of: Sequence[int], selected: int) -> BaseScreen[None]:
    """The runs of an instance."""
    from pyalma_tui.tui.screens.runs import RunsScreen

    return RunsScreen(moment, label, runs_of, selected, of_one=True)


def results(moment: Moment) -> BaseScreen[None]:
    """All rows that count."""
    from pyalma_tui.tui.screens.results import ResultsScreen

    return ResultsScreen(moment)


def failures(folder: str) -> Failures:
    """What failed by kind; the user's code is in this folder."""
    from pyalma_tui.model.failures import Failures

    return Failures(folder)


def failures_screen(moment: Moment, known: Failures) -> BaseScreen[None]:
    """What failed, and why."""
    from pyalma_tui.tui.screens.failures import FailuresScreen

    return FailuresScreen(moment, known)


def search_logs(moment: Moment) -> BaseScreen[None]:
    """A search of all logs."""
    from pyalma_tui.tui.screens.search_logs import SearchLogsScreen

    return SearchLogsScreen(moment)


def jumping(moment: Moment, panes: Sequence[Widget]) -> BaseScreen[Widget | None]:
    """Letters that lead to these."""
    from pyalma_tui.tui.screens.jumping import Jumping

    return Jumping(moment, panes)
