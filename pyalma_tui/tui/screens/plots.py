"""Plots: what ended when, how long it took, what was saved, and how busy the workers were."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from pyalma_tui.model import ends
from pyalma_tui.model.ends import Ends
from pyalma_tui.tui.keys import bindings, key_to
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets import charts
from pyalma_tui.tui.widgets.charts import Drawn
from pyalma_tui.tui.widgets.header import Caption, entitle
from pyalma_tui.tui.widgets.headline import justified, time_left
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.plot import Plot
from pyalma_tui.tui.widgets.sampled_rows import SampledRows

AT_ONCE = 0.02  # seconds that a look at what ended may take; another one follows
SHARE = 20  # drawing again may take a twentieth of the time
MOST = 10_000  # runs that are drawn; of more of them a sample, which takes 60 ms
MADE: Final[dict[str, Callable[[Drawn, int, int], Content]]] = {
    "finished": charts.finished,
    "took": charts.took,
    "saved": charts.saved,
    "load": charts.load,
}
TITLES: Final = {"finished": "runs ended", "took": "how long runs took", "load": "workers"}


class PlotsScreen(BaseScreen[None]):
    """Four plots beside each other, or one on the whole screen."""

    scope = "plots"
    BINDINGS = bindings("plots")
    AUTO_FOCUS = "#plot-finished"

    def __init__(self, moment: Moment, known: Ends, chosen: Iterable[int]) -> None:
        """`known` is kept up to date while it is looked at; `chosen` are the runs whose numbers are drawn."""
        super().__init__(moment)
        self._ends = known
        self._rows = SampledRows()
        self._drawn = Drawn(moment, chosen=frozenset(chosen))
        self._selected = next(iter(MADE))
        self._due = 0.0
        self._stale = True

    def compose(self) -> ComposeResult:
        """Title, plots, keys."""
        yield Caption(id="runs-title")
        with Container(id="plots"):
            for name in MADE:
                yield Plot(name)
        yield KeyBar("plots", "app")

    @property
    def pending(self) -> bool:
        """Whether something changed that was not painted yet."""
        return self.composed and (self._stale or self._ends.behind)

    def on_mount(self) -> None:
        """The sizes are known after the first layout."""
        super().on_mount()
        self.call_after_refresh(self._draw)

    def paint(self) -> None:
        """Look at what has ended, and draw, but never for more than a small part of the time."""
        start = time.monotonic()
        self._drawn.moment = self.moment
        end = start + AT_ONCE
        self._ends.update(self.snapshot.runs, lambda: time.monotonic() > end)
        start = time.monotonic()
        self._stale = start < self._due
        if not self._stale:
            self._count()
            self._draw()
            self._due = start + SHARE * (time.monotonic() - start)
        self.query_one("#runs-title", Caption).show(self._titled())
        self.query_one(KeyBar).show(self.situation())

    def _count(self) -> None:
        drawn = self._drawn
        everyone = self._ends.all()
        drawn.slowest = ends.slowest(everyone)
        drawn.step = len(everyone.run) // MOST + 1
        drawn.columns = ends.every(everyone, drawn.step)
        drawn.line = ends.timeline(drawn.columns, drawn.begun(), drawn.now)
        drawn.durations = ends.durations(drawn.columns)
        drawn.looked_at = self._ends.looked_at
        drawn.rows = self._rows.of(self.moment, drawn.chosen)

    def _draw(self) -> None:
        for name, make in MADE.items():
            plot = self.query_one(f"#plot-{name}", Plot)
            entitle(plot, self._title_of(name))
            if plot.display:
                plot.show(partial(make, self._drawn))

    def _title_of(self, name: str) -> Content:
        if name != "saved":
            return Content.styled(TITLES[name], "bold")
        numbers, shown = self._drawn.numbers(), self._drawn.shown
        if shown is None:
            return Content.styled("saved", "bold")
        told = [Content.styled(plain(shown[0], 24)[:40], "bold"), Content.styled(f" over {shown[1]}", MUTED)]
        if len(numbers) > 1:
            keys = f"{key_to('earlier_field', 'plots')} {key_to('next_field', 'plots')}"
            told.append(Content.styled(f" · {numbers.index(shown) + 1} of {len(numbers)}  {keys}", MUTED))
        return Content.assemble(*told)

    def _titled(self) -> Content:
        drawn = self._drawn
        left = [(0, Content.styled(plain(self.snapshot.title, 40)[:40], "bold")), (2, Content.styled("plots", MUTED))]
        if drawn.looked_at < 1:
            seen = f"a sample: {drawn.looked_at:.0%} of all runs so far"
            left.append((1, Content.styled(seen, COLOURS["interrupted"])))
        right = [(1, part) for part in [time_left(self.moment)] if part]
        return justified(left, right, self.size.width - 2)

    # What is selected

    @on(Plot.Selected)
    def _focused(self, event: Plot.Selected) -> None:
        self._selected = (event.plot.id or "").removeprefix("plot-")

    def do_next_plot(self) -> None:
        """Select the next one."""
        self._select(1)

    def do_earlier_plot(self) -> None:
        """Select the one before."""
        self._select(-1)

    def _select(self, by: int) -> None:
        names = list(MADE)
        self._selected = names[(names.index(self._selected) + by) % len(names)]
        self._arrange()

    def _arrange(self) -> None:
        for plot in self.query(Plot):
            plot.set_class(plot.id == f"plot-{self._selected}", "-shown")
        self.query_one(f"#plot-{self._selected}", Plot).focus()
        self.call_after_refresh(self._draw)

    def do_zoom(self) -> None:
        """One on the whole screen, or all."""
        self.query_one("#plots").toggle_class("-one")
        self._arrange()

    def do_next_field(self) -> None:
        """The next number that states or rows hold."""
        self._step(1)

    def do_earlier_field(self) -> None:
        """The number before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        numbers, shown = self._drawn.numbers(), self._drawn.shown
        if shown is not None:
            self._drawn.wanted = numbers[(numbers.index(shown) + by) % len(numbers)]
            self._draw()

    def do_back(self) -> None:
        """All plots again, else back."""
        plots = self.query_one("#plots")
        if plots.has_class("-one"):
            self.do_zoom()
        else:
            self.dismiss()
