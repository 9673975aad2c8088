"""Runs on a screen of their own: those of one instance, or of one kind of failure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.query import Query
from pyalma_tui.model.run_fields import kind_of_runs
from pyalma_tui.model.view import InstanceRow, Tally
from pyalma_tui.tui.keys import bindings, key_to
from pyalma_tui.tui.lacking import of_runs
from pyalma_tui.tui.literal import shortened
from pyalma_tui.tui.look import COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.obstacles import Situation
from pyalma_tui.tui.requests import Perform, Say
from pyalma_tui.tui.screens.selecting import Selecting
from pyalma_tui.tui.targets import Targets
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.detail import Detail
from pyalma_tui.tui.widgets.filter_bar import FilterBar
from pyalma_tui.tui.widgets.header import Caption, entitle
from pyalma_tui.tui.widgets.headline import justified
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.list_title import list_title
from pyalma_tui.tui.widgets.notices import stopping_text
from pyalma_tui.tui.widgets.run_list import RunList
from pyalma_tui.tui.widgets.run_strip import RunStrip

SHARE = 10  # filtering again may take a tenth of the time


class RunsScreen(Selecting):
    """One line for each run beside its detail. The runs stay, whatever becomes of them while one looks."""

    scope = "runs"
    BINDINGS = bindings("runs")
    AUTO_FOCUS = "RunList"

    def __init__(
        self, moment: Moment, title: str, runs: Sequence[int], selected: int | None = None, *, of_one: bool = False
    ) -> None:
        """`title` may be anybody's text; `of_one` tells that all are runs of one instance."""
        super().__init__(moment)
        self._title, self._runs, self._selected, self._of_one = title, runs, selected, of_one
        self._query = Query()
        self._shown: Sequence[int] = runs
        self._counts = Tally()
        self._seen: object = None
        self._due = 0.0

    def compose(self) -> ComposeResult:
        """Title, strip and list beside the detail, keys."""
        yield Caption(id="runs-title")
        with Horizontal(id="body"):
            with Vertical(id="instances", classes="panel"):
                if self._of_one:
                    yield RunStrip(id="strip")
                yield Caption(id="titles")
                yield Static(id="empty")
                yield RunList(named=not self._of_one, id="run-list")
                yield FilterBar(self._query, of_runs(self._seen_runs, self.last_rows, "no run here"))
            yield Detail(id="detail", classes="panel")
        yield KeyBar("runs", "app")

    def _seen_runs(self) -> tuple[Sequence[Instance], Iterable[Run]]:
        return self.snapshot.instances, map(self.moment.run, self._runs)

    @property
    def _list(self) -> RunList:
        return self.query_one(RunList)

    # What is shown

    @property
    def pending(self) -> bool:
        """Whether something changed that was not painted yet."""
        behind = self._due > 0 or self.last_rows.pending
        return self.composed and (behind or self._list.pending or self.query_one(Detail).pending)

    def on_mount(self) -> None:
        """Begin on the run that was asked for."""
        super().on_mount()
        if self._selected is not None and self._selected in self._shown:
            self.call_after_refresh(self._list.go, self._shown.index(self._selected))

    def paint(self) -> None:
        """All parts, each of which paints only what looks different."""
        self._choose()
        self._list.show(self.moment, self._shown)
        self.query_one("#runs-title", Caption).show(self._titled())
        self._show_chosen()

    def _choose(self, *, at_once: bool = False) -> None:
        """Filter and count anew what has changed, but never for more than a tenth of the time."""
        start = time.monotonic()
        seen = (self._query, self.snapshot.runs, self.moment.now if "time" in self._query.fields else 0)
        if seen == self._seen and not self.last_rows.pending:
            self._due = 0.0
            return
        if start < self._due and not at_once:
            return
        read = self.last_rows.take()
        if seen == self._seen and not read:
            return
        runs = [self.moment.run(run) for run in self._runs]
        counts: Counter[s.Word] = Counter(s.word(run.status) for run in runs)
        self._counts = Tally(**{word: counts[word] for word in s.WORDS})
        shown = self._runs
        if self._query.terms:
            test = self._query.over(kind_of_runs(self.snapshot.instances, self.moment.now, self.last_rows.value))
            shown = [run.id for run in runs if test(run)]
        self._shown = self._shown if shown == self._shown else shown
        cost = time.monotonic() - start
        self._seen, self._due = seen, start + SHARE * cost if cost > 0.01 else 0.0

    def _show_chosen(self) -> None:
        """What depends on where the cursor is."""
        cursor = self._list.cursor
        if self._of_one:
            self.query_one(RunStrip).show(self.moment, self._runs, cursor)
        self.query_one(Detail).show(self.moment, self.run_shown())
        panel, empty = self.query_one("#instances"), self.query_one("#empty", Static)
        empty.display = not self._shown
        self.query_one("#titles").visible = bool(self._shown)
        if not self._shown:
            none = f"none of {words.plural(len(self._runs), 'run')} matches. Escape clears the filter."
            empty.update(Content.styled(none, MUTED))
        entitle(
            panel,
            self._list_title(),
            Content(f"{key_to('failed_before', 'runs')} {key_to('failed_after', 'runs')} to failed"),
        )
        self.query_one(KeyBar).show(self.situation())

    def _list_title(self) -> Content:
        total, shown, marks = len(self._runs), len(self._shown), len(self._list.marks)
        return list_title("runs", total, shown, self._query, marks, looking=self.last_rows.looking())

    def _titled(self) -> Content:
        told = self._tally()
        room = max(8, self.size.width - 4 - len(told))
        left = [(0, Content.styled(shortened(self._title, room), "bold"))]
        if stopping := stopping_text(self.moment):
            left.append((2, Content.styled(stopping, COLOURS["interrupted"])))
        return justified(left, [(1, told)], self.size.width - 2)

    def _tally(self) -> Content:
        """How many of the runs stand where."""
        counts = [(word, self._counts.of(word)) for word in s.WORDS]
        told = [Content.styled(f"{GLYPHS[word]} {number:,} {word}", COLOURS[word]) for word, number in counts if number]
        return Content("  ").join(told)

    def poll(self) -> None:
        """Let the log look at its file."""
        if self.composed:
            self.query_one(Detail).poll()

    @on(RunList.Replanned)
    def _show_titles(self) -> None:
        self.query_one("#titles", Caption).show(Content.styled(self._list.columns.titles, MUTED))

    @on(RunList.Marked)
    @on(RunList.Moved)
    def _moved(self) -> None:
        self._show_chosen()

    @on(RunList.Opened)
    def _opened(self) -> None:
        self.post_message(Perform("log"))

    @on(RunStrip.Picked)
    def _picked(self, event: RunStrip.Picked) -> None:
        run = self._runs[event.position]
        if run in self._shown:
            self._list.go(self._shown.index(run))

    # What is selected

    def chosen(self) -> Targets:
        """The marked runs, else the selected one."""
        if self._list.marks:
            return Targets(tuple(sorted(self._list.marks)), marked=True)
        return Targets(() if self._list.cursor is None else (self._list.cursor,))

    def run_shown(self) -> Run | None:
        """The selected run."""
        return None if self._list.cursor is None else self.moment.run(self._list.cursor)

    def names_marked(self) -> list[str]:
        """What the marked runs are called."""
        return [self.moment.name(self.moment.run(run)) for run in sorted(self._list.marks)]

    def situation(self) -> Situation:
        """What decides which actions are possible: a run stands for a row of one."""
        cursor = self._list.cursor if self.composed else None
        row = None if cursor is None else InstanceRow(Tally(**{s.word(self.moment.run(cursor).status): 1}), cursor)
        return Situation(self.moment, key_to, self.scope, row, len(self._list.marks) if self.composed else 0, "run")

    def do_failed_before(self) -> None:
        """To the failed run before this one."""
        self._step(-1)

    def do_failed_after(self) -> None:
        """To the next failed run."""
        self._step(1)

    def _step(self, by: int) -> None:
        if not self._list.step_to(s.Failed, by):
            self.post_message(Say(f"no failed run {'after' if by > 0 else 'before'} this one"))

    # Filtering

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self._query = event.query
        self.last_rows.only(event.query)
        self._choose(at_once=True)
        self._list.show(self.moment, self._shown)
        self._show_chosen()

    # Where it leads

    def do_back(self) -> None:
        """Clear the filter, else the marks, else leave."""
        if not self._clear():
            self.dismiss()
