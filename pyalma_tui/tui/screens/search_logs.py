"""Where something stands in the logs of all instances: how often in which, and from there to the first place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pyalma_tui.logs.finding import told
from pyalma_tui.logs.needle import having
from pyalma_tui.logs.sweep import FoundLog, Log, Sweep
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.store.layout import log_path
from pyalma_tui.tui.keys import bindings
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.requests import Perform
from pyalma_tui.tui.screens import later
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.subjects import of_run
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.field import Field
from pyalma_tui.tui.widgets.found_list import FoundList, Where
from pyalma_tui.tui.widgets.header import Caption
from pyalma_tui.tui.widgets.headline import justified
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.notices import stopping_text

PLACEHOLDER = "a text or a pattern, such as loss.*nan, in all logs"


class SearchLogsScreen(BaseScreen[None]):
    """Asks what to look for, and lists instances while a thread looks; what is found stays until the next search."""

    scope = "found"
    BINDINGS = bindings("found")
    AUTO_FOCUS = "Field"

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self._text = ""
        self._sweep: Sweep | None = None
        self._found: dict[int, Where] = {}  # by instance
        self._taken = 0  # how many of what the sweep has found are in there
        self._total = 0
        self._sorted = False

    def compose(self) -> ComposeResult:
        """Title, list, field, keys."""
        yield Caption(id="runs-title")
        with Vertical(id="instances", classes="panel"):
            yield Caption(id="titles")
            yield Static(id="empty")
            yield FoundList(id="found-list")
            yield Field(id="search", placeholder=PLACEHOLDER, compact=True, classes="-open")
        yield KeyBar("found", "app")

    @property
    def _list(self) -> FoundList:
        return self.query_one(FoundList)

    def on_unmount(self) -> None:
        """Look no further."""
        self._stop()

    def _stop(self) -> None:
        if self._sweep is not None:
            self._sweep.stop()

    # What is shown

    def paint(self) -> None:
        """The list, and how far the search is."""
        self._list.show_found(self.moment, self._listed())
        self.query_one("#runs-title", Caption).show(self._title())
        empty = self.query_one("#empty", Static)
        empty.display = not self._found
        self.query_one("#titles").visible = bool(self._found)
        if not self._found:
            empty.update(Content.styled(self._nothing(), MUTED))
        self.query_one(KeyBar).show(self.situation())

    def poll(self) -> None:
        """Take in what the thread has found since."""
        if self._sweep is not None and self.composed and (self._taken < len(self._sweep.found) or not self._sorted):
            self._take(self._sweep)
            self.paint()

    def _take(self, sweep: Sweep) -> None:
        over = sweep.over  # asked first: what is found afterwards belongs to the next look
        fresh = sweep.found[self._taken : len(sweep.found)]
        self._taken += len(fresh)
        for found in fresh:
            self._add(found)
        self._sorted = over

    def _add(self, found: FoundLog) -> None:
        instance = self.moment.run(found.log.run).instance
        known = self._found.get(instance)
        if known is None:
            self._found[instance] = Where(instance, found.lines, 1, found)
        else:
            self._found[instance] = Where(instance, known.lines + found.lines, known.logs + 1, known.first)

    def _listed(self) -> Sequence[Where]:
        """As they are found, so that nothing moves under the cursor; at the end the most frequent first."""
        found = list(self._found.values())
        return sorted(found, key=lambda each: -each.lines) if self._sorted else found

    def _title(self) -> Content:
        left = [(0, Content.assemble(("all logs", "bold"), self._standing()))]
        if stopping := stopping_text(self.moment):
            left.append((2, Content.styled(stopping, COLOURS["interrupted"])))
        return justified(left, [(1, Content.styled(self._progress(), MUTED))], self.size.width - 2)

    def _standing(self) -> Content:
        if self._sweep is None:
            return Content()
        lines = sum(each.lines for each in self._found.values())
        counted = f"{words.plural(lines, 'line')} in {words.plural(len(self._found), 'instance')}"
        return Content.assemble(" · ", literal(told(having(self._text)[0].needle)), " · ", counted)

    def _progress(self) -> str:
        sweep = self._sweep
        if sweep is None or sweep.over:
            more = " · there are more than these" if sweep is not None and sweep.cut else ""
            return f"{words.plural(sweep.looked, 'log')} looked at{more}" if sweep is not None else ""
        return f"looking, {sweep.looked:,} of {self._total:,}"

    def _nothing(self) -> str:
        if self._sweep is None:
            return "Type what to look for in the logs of all runs, and Enter."
        if not self._sweep.over:
            return "looking…"
        return "no log has it. / looks for something else."

    @on(InstanceList.Replanned)
    def _show_titles(self) -> None:
        self.query_one("#titles", Caption).show(Content.styled(self._list.columns.titles, MUTED))

    # What is asked

    def do_search_anew(self) -> None:
        """Ask what to look for."""
        field = self.query_one("#search", Input)
        field.value = self._text
        field.add_class("-open")
        field.focus()

    @on(Input.Submitted, "#search")
    def _asked(self, event: Input.Submitted) -> None:
        if not event.value:
            return
        self._stop()
        self._text = event.value
        self._found, self._taken, self._sorted = {}, 0, False
        runs = [run for run in self.snapshot.runs if run.attempt]
        self._total = sum(run.called for run in runs)
        self._sweep = Sweep(self._logs(runs), having(event.value))
        self._sweep.start()
        self._close_field()
        self.paint()

    def _logs(self, runs: Sequence[Run]) -> Iterator[Log]:
        """The logs of all attempts, the newest of a run first."""
        for run in runs:
            for attempt in range(run.called, 0, -1):
                yield Log(run.id, attempt, log_path(self.snapshot.state_dir, run.id, attempt))

    def _close_field(self) -> None:
        self.query_one("#search", Input).remove_class("-open")
        self._list.focus()

    # Where it leads

    def do_back(self) -> None:
        """Close the field; then back to the list of all."""
        if self.query_one("#search", Input).has_class("-open") and self._sweep is not None:
            self._close_field()
        else:
            self.dismiss()

    @on(InstanceList.Opened)
    def _opened(self) -> None:
        self.post_message(Perform("open_found"))

    def do_open_found(self) -> None:
        """The log of the selected instance, at the first place."""
        if (where := self._list.selected) is not None:
            log = where.first.log
            self.app.push_screen(later.log(self.moment, of_run(log.run), log.attempt, self._text))
