"""The main screen: the list beside the detail, and what is selected, marked, filtered and sorted in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual import events, on
from textual.app import ComposeResult, SystemCommand
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.listing import SORT_KEYS, SORT_OF, Listing, SortKey, WantedList
from pyalma_tui.model.query import understood
from pyalma_tui.tui.keys import bindings, key_to
from pyalma_tui.tui.lacking import of_runs
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.obstacles import Situation
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.requests import FilterChanged, Perform, Prefer, Say
from pyalma_tui.tui.screens import rooms
from pyalma_tui.tui.screens.selecting import Selecting
from pyalma_tui.tui.targets import Targets, targets, told_meant
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.columns import DATA, LONGEST_NAME
from pyalma_tui.tui.widgets.detail import Detail
from pyalma_tui.tui.widgets.filter_bar import FilterBar
from pyalma_tui.tui.widgets.header import Header, entitle
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.list_title import Titles, list_title, nothing_listed
from pyalma_tui.tui.widgets.notice_board import NoticeBoard
from pyalma_tui.tui.widgets.notices import notices

if TYPE_CHECKING:
    from pyalma_tui.model.failures import Failures

SHARE = 10  # listing again may take a tenth of the time


class MainScreen(Selecting):
    """Everything at a glance."""

    scope = "main"
    BINDINGS = bindings("main")
    AUTO_FOCUS = "InstanceList"

    def __init__(self, moment: Moment, preferences: Preferences, filtered: str = "") -> None:
        """`filtered` is the text of a filter that is there from the start."""
        super().__init__(moment)
        self.wanted = WantedList(understood(filtered)[0], preferences.sort, preferences.descending)
        self._columns = preferences.columns
        self._listing = Listing()
        self._list_due = 0.0
        self._iteration: int | None = None
        self._detail_due = False
        self._failures: Failures | None = None  # made when it is first asked for, and kept up to date from then on

    def compose(self) -> ComposeResult:
        """Header, notices, list and detail, keys."""
        yield Header()
        yield NoticeBoard()
        with Horizontal(id="body"):
            with Vertical(id="instances", classes="panel"):
                yield Titles(id="titles")
                yield Static(id="empty")
                yield InstanceList(self._columns, self._listing.about, id="list")
                yield FilterBar(self.wanted.query, of_runs(self._seen_runs, self.last_rows))
            yield Detail(id="detail", classes="panel")
        yield KeyBar("main", "app")

    def _seen_runs(self) -> tuple[Sequence[Instance], Iterable[Run]]:
        return self.snapshot.instances, self.snapshot.runs

    @property
    def _list(self) -> InstanceList:
        return self.query_one(InstanceList)

    # What is shown

    @property
    def pending(self) -> bool:
        """Whether something changed that was not painted yet."""
        behind = self._list_due > 0 or self.last_rows.pending
        return self.composed and (behind or self._list.pending or self.query_one(Detail).pending)

    def paint(self) -> None:
        """All parts, each of which paints only what looks different."""
        self.query_one(Header).show(self.moment)
        self.query_one(NoticeBoard).show(notices(self.moment))
        self._list_again()
        self._show_detail()
        self.query_one(KeyBar).show(self.situation())

    def _list_again(self, *, at_once: bool = False) -> None:
        """Filter and sort what changed, but never for more than a tenth of the time."""
        order = self._list.order
        start = time.monotonic()
        if at_once or start >= self._list_due:
            source = self.moment.source(self.last_rows.value, self.last_rows.take())
            order = self._listing.update(self.wanted, source)
            cost = time.monotonic() - start
            self._list_due = start + SHARE * cost if cost > 0.01 else 0.0
        self._list.show(self.moment, order)
        self._show_titles()
        self._show_list_title()

    def _show_list_title(self) -> None:
        panel, total, shown = self.query_one("#instances"), self._listing.total, len(self._list.order)
        looking = self.last_rows.looking()
        title = list_title("instances", total, shown, self.wanted.query, len(self._list.marks), looking=looking)
        by = plain(self.wanted.parameter, LONGEST_NAME) or self.wanted.sort
        order = Content(f"{'↑' if self.wanted.descending else '⇅'} {by}")
        entitle(panel, title, order)
        empty = self.query_one("#empty", Static)
        if empty.display == bool(shown):  # the list stays where it is, and keeps the focus
            empty.display = not shown
            self.query_one("#titles").visible = bool(shown)
        if not shown:
            empty.update(nothing_listed(self.snapshot, total))

    def _show_detail(self) -> None:
        run, detail = self.run_shown(), self.query_one(Detail)
        detail.show(self.moment, run)
        iterations = 1 if run is None else len(self.snapshot.runs_of[run.instance])
        entitle(detail, subtitle=Content(told_meant(len(self._list.marks), iterations, self._iteration)))

    def poll(self) -> None:
        """Let the log look at its file."""
        if self.composed:
            self.query_one(Detail).poll()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _keep_focus(self) -> None:
        """Give the focus to the list if nothing on the screen has it: a small terminal has no room for the log."""
        if self.app.app_focus and self.focused not in self.focus_chain:
            self._list.focus()

    @on(InstanceList.Replanned)
    def _show_titles(self) -> None:
        self.query_one(Titles).show(lambda _: Content.styled(self._list.columns.titles, MUTED))

    @on(InstanceList.Moved)
    def _selected(self) -> None:
        self._iteration = None
        if not self._detail_due:
            self._detail_due = self.call_after_refresh(self._show_selected)  # the eye follows the cursor

    def _show_selected(self) -> None:
        self._detail_due = False
        self._show_detail()
        self.query_one(KeyBar).show(self.situation())

    # What is selected

    def run_shown(self) -> Run | None:
        """The run that the selected row tells of, one that the filter means, or that of the iteration stepped to."""
        row = self.moment.row(self._list.cursor) if self._list.cursor is not None else None
        if row is None or self._list.cursor is None:
            return None
        if self._iteration is not None:
            return self.moment.run(self.snapshot.runs_of[self._list.cursor][self._iteration])
        return self._list.about(self._list.cursor)

    def names_marked(self) -> list[str]:
        """What the marked instances are called."""
        return [self.snapshot.instances[i].label for i in sorted(self._list.marks)]

    def chosen(self) -> Targets:
        """The runs that are selected or marked."""
        return targets(self.snapshot, self._list.marks, self._list.cursor, self._iteration)

    def situation(self) -> Situation:
        """What decides which actions are possible."""
        row = self.moment.row(self._list.cursor) if self._list.cursor is not None else None
        return Situation(self.moment, key_to, self.scope, row, len(self._list.marks))

    def do_earlier_iteration(self) -> None:
        """The iteration before the one that is shown."""
        self._step(-1)

    def do_later_iteration(self) -> None:
        """The iteration after the one that is shown."""
        self._step(1)

    def _step(self, by: int) -> None:
        run = self.run_shown()
        if run is None or self._list.cursor is None:
            return
        last = len(self.snapshot.runs_of[self._list.cursor]) - 1
        self._iteration = min(max(run.iteration + by, 0), last)
        self._show_detail()

    def _show_chosen(self) -> None:
        self._show_list_title()
        self._show_detail()

    # How it is listed

    def do_sort(self) -> None:
        """The next order."""
        self._sort_by(SORT_KEYS[(SORT_KEYS.index(self.wanted.sort) + 1) % len(SORT_KEYS)])

    def do_reverse(self) -> None:
        """The other way round."""
        self._want(replace(self.wanted, descending=not self.wanted.descending))
        self._keep_order()

    @on(Titles.Clicked)
    def _sort_by_column(self, clicked: Titles.Clicked) -> None:
        """Sort by the column that was clicked; again: the other way round."""
        column = self._list.columns.at(clicked.cell)
        if column.startswith(DATA):
            parameter = column.removeprefix(DATA)
            again = parameter == self.wanted.parameter and not self.wanted.descending
            self._want(WantedList(self.wanted.query, descending=again, parameter=parameter))
        elif (key := SORT_OF.get(column)) is not None:
            self._sort_by(key, descending=key == self.wanted.sort and not self.wanted.descending)
        elif column:
            self.post_message(Say(f"no order by {column}: click on name, status, runs, progress, time or a parameter"))

    def _sort_by(self, key: SortKey, *, descending: bool = False) -> None:
        self._want(WantedList(self.wanted.query, key, descending))
        self._keep_order()

    def _keep_order(self) -> None:
        if self.wanted.parameter:  # which another experiment may not have
            return
        self.post_message(Prefer({"sort": self.wanted.sort, "descending": self.wanted.descending}))

    def _want(self, wanted: WantedList) -> None:
        self.wanted = wanted
        self.post_message(FilterChanged(wanted.query.text))
        self._list_again(at_once=True)
        self._show_detail()

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self.last_rows.only(event.query)
        self._want(replace(self.wanted, query=event.query))

    def do_clear(self) -> None:
        """Clear the filter; without one, the marks."""
        self._clear()

    def begin_anew(self) -> None:
        """Forget what was marked and stepped to: it is not there any more."""
        self._iteration = None
        self._list.begin_anew()

    # Where it leads

    @on(InstanceList.Marked)
    def _marked(self) -> None:
        self._show_chosen()

    @on(InstanceList.Opened)
    def _opened(self) -> None:
        self.post_message(Perform("log"))

    def do_runs(self) -> None:
        """The runs of the selected instance."""
        if (run := self.run_shown()) is not None:
            label = self.snapshot.instances[run.instance].label
            runs = self.snapshot.runs_of[run.instance]
            self.app.push_screen(rooms.runs(self.moment, label, runs, run.id))

    def do_failures(self) -> None:
        """What failed, by kind."""
        if self._failures is None:
            self._failures = rooms.failures(str(self.snapshot.target.parent))
        self.app.push_screen(rooms.failures_screen(self.moment, self._failures))

    def do_results(self) -> None:
        """The rows that runs have recorded."""
        self.app.push_screen(rooms.results(self.moment))

    def offers(self) -> Iterable[SystemCommand]:
        """Marking every instance of a status; columns."""
        for word in s.WORDS:
            if self.snapshot.counts.of(word):
                told = f"Mark every instance with a run that is {word}; actions apply to the marked ones."
                yield SystemCommand(f"mark all {word}", told, lambda word=word: self.mark_status(word))
        for offer, told, names in self._list.column_offers():
            yield SystemCommand(offer, told, lambda names=names: self._prefer_columns(names))

    def _prefer_columns(self, names: tuple[str, ...] | None) -> None:
        self._list.prefer(names)
        self.post_message(Prefer({"columns": None if names is None else list(names)}))

    def mark_status(self, word: s.Word) -> None:
        """Mark every instance that has a run of this status."""
        self._list.mark([i for i, row in enumerate(self.snapshot.rows) if row.tally.of(word)], on=True)
        self._show_chosen()
