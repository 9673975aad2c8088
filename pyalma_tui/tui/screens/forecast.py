"""The forecast: when it is done, what that rests on, what takes longest, and what other numbers of workers would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.content import Content

from pyalma_tui.model import words
from pyalma_tui.model.forecast import YEAR, Basis, Forecast
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import borrowed, closing, key_to
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment, is_complete
from pyalma_tui.tui.widgets.braille import bar

LABEL = 10
SOON = 600  # seconds below which the seconds of a time matter
MOST = 8  # of the slowest


class ForecastBox(TextBox):
    """The forecast with all its reasons, as it changes."""

    BINDINGS: ClassVar[list[BindingType]] = [*closing("forecast"), *borrowed("more_workers", "fewer_workers")]

    def __init__(self, moment: Moment) -> None:
        keys = f"{key_to('more_workers')} {key_to('fewer_workers')} more, fewer workers · esc closes"
        super().__init__(moment, "forecast", keys)

    def subject(self) -> object:
        """The forecast, and the time."""
        return self.snapshot.forecast, self.snapshot.phase, self.moment.now, self.snapshot.workers

    def text(self, width: int) -> Content:
        """As wide as the box."""
        return Content("\n").join(forecast_lines(self.moment, width))


def forecast_lines(moment: Moment, width: int) -> Iterator[Content]:
    """All that is known of when it will be done; why nothing is, if nothing is."""
    forecast, now = moment.snapshot.forecast, moment.now
    if forecast is None:
        yield Content.styled(_why_none(moment), MUTED)
        return
    sure = words.left(forecast, now)
    yield Content.assemble((sure, "bold"))
    yield Content.styled(_when(forecast, now), MUTED)
    yield Content("")
    yield from _basis(forecast.basis, width)
    if forecast.workers:
        yield Content("")
        yield from _workers(forecast, moment, width)
    if forecast.slowest:
        yield Content("")
        yield from _slowest(forecast, moment, width)


def _when(forecast: Forecast, now: float) -> str:
    """At what time, and how sure that is."""
    told = cells.exact if forecast.high - now < SOON else cells.moment
    if not forecast.is_bounded(now):
        known = "in 90 of 100 cases not before " + told(forecast.low, now)
        at = "nobody knows how late" if forecast.middle - now > YEAR else f"done at {told(forecast.middle, now)}"
        return f"{at}, {known}"
    when = f"done at {told(forecast.middle, now)}"
    if forecast.low == forecast.high:
        return when
    return f"{when}, in 80 of 100 cases between {told(forecast.low, now)} and {told(forecast.high, now)}"


def _why_none(moment: Moment) -> str:
    if is_complete(moment.snapshot):
        return "all runs are done"
    if moment.snapshot.phase != "busy":
        return "nothing runs: there is a forecast as soon as something does"
    return "unknown: no run has ended and none tells its progress. progress(done, total) in run would help"


def _basis(basis: Basis, width: int) -> Iterator[Content]:
    told = []
    if basis.ended:
        of = f"{basis.ended:,} of " if basis.of > basis.ended else ""
        told.append(f"{of}{words.plural(max(basis.of, basis.ended), 'run')} that ended")
        told[0] += " (a sample from first to last: more would hardly change it)" if of else ""
    if basis.progress:
        telling = "tells its" if basis.progress == 1 else "tell their"
        told.append(f"{words.plural(basis.progress, 'run')} that {telling} progress")
    yield from _labelled("rests on", ", ".join(told) or "hardly anything yet", width)
    if basis.instances:
        yield from _labelled("", f"{words.plural(basis.instances, 'instance')} ahead were run before", width)
    explained = ", ".join(plain(each, 40)[:60] for each in basis.explained)
    yield from _labelled("explained", explained or "by nothing that is known", width)
    if basis.failing:
        yield from _labelled("failing", f"{cells.percent(basis.failing)} of the runs that ended", width)


def _labelled(label: str, text: str, width: int) -> Iterator[Content]:
    line = ""
    first = True
    for word in text.split():
        if line and len(line) + 1 + len(word) > width - LABEL:
            yield Content.assemble((cells.fit(label if first else "", LABEL), MUTED), line)
            line, first = "", False
        line += f" {word}" if line else word
    yield Content.assemble((cells.fit(label if first else "", LABEL), MUTED), line)


def _workers(forecast: Forecast, moment: Moment, width: int) -> Iterator[Content]:
    """One line for each number of workers, with a bar for the time that it would take."""
    now, present = moment.now, moment.snapshot.workers
    numbers = dict(forecast.workers) | {present: forecast.middle}
    longest = max(numbers.values()) - now
    yield Content.styled("with so many workers", "bold")
    for number, at in sorted(numbers.items()):
        seconds = max(0.0, at - now)
        here = number == present
        text = f"{number:>6}  ~{words.span(seconds):<8} {cells.moment(at, now):<13}"
        share = seconds / longest if longest > 0 else 0.0
        wide = max(1, width - cell_len(text) - 6)
        yield Content.assemble(
            (text, "bold" if here else ""), (bar(share, wide), COLOURS["running"]), (" now" if here else "", MUTED)
        )


def _slowest(forecast: Forecast, moment: Moment, width: int) -> Iterator[Content]:
    yield Content.styled("what takes longest", "bold")
    if forecast.tail:
        yield Content.styled(
            f"the longest twentieth of the runs is {cells.percent(forecast.tail)} of all work ahead", MUTED
        )
    shown = [each for each in forecast.slowest if each.run <= len(moment.snapshot.runs)][:MOST]
    most = max((each.seconds for each in shown), default=0.0)
    room = max(8, min(32, width // 2))
    for each in shown:
        name = cells.fit_middle(plain(moment.name(moment.run(each.run)), room), room)
        told = f"≈{words.duration(each.seconds)}"
        wide = max(1, width - room - 12)
        yield Content.assemble(
            name, (f" {told:>9} ", MUTED), (bar(each.seconds / most if most else 0, wide), COLOURS["running"])
        )
