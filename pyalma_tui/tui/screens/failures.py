"""What failed, and why: kinds of failures over the traceback of the selected one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.failures import Failures, Group
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.query import Query, Test
from pyalma_tui.model.run_fields import kind_of_runs
from pyalma_tui.model.view import InstanceRow, Tally
from pyalma_tui.tui import cells
from pyalma_tui.tui.copying import worth_copying
from pyalma_tui.tui.keys import bindings, key_to
from pyalma_tui.tui.lacking import of_runs
from pyalma_tui.tui.literal import literal, literal_lines, shortened
from pyalma_tui.tui.look import COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.obstacles import Situation
from pyalma_tui.tui.requests import Copy, Perform
from pyalma_tui.tui.screens.listed import Listed
from pyalma_tui.tui.targets import Targets, named
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import LABEL, Fact, laid_out
from pyalma_tui.tui.widgets.filter_bar import FilterBar
from pyalma_tui.tui.widgets.group_list import GroupList
from pyalma_tui.tui.widgets.header import Caption, entitle
from pyalma_tui.tui.widgets.headline import justified
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.list_title import list_title
from pyalma_tui.tui.widgets.notices import stopping_text
from pyalma_tui.tui.widgets.paragraph import Paragraph
from pyalma_tui.tui.widgets.text_scroll import TextScroll

SHARE = 10  # grouping and filtering again may take a tenth of the time
FIRST = 0.02  # seconds of the first look at many failures, before which nothing is painted
EXAMPLE, AROUND_TITLE = "for example", 6
AT_ONCE = 0.05  # seconds of each of the next looks, with which the rest follows


class FailuresScreen(Listed):
    """A line for each kind; the actions are about all failed runs of the kind, or of the marked ones."""

    scope = "failures"
    BINDINGS = bindings("failures")
    AUTO_FOCUS = "GroupList"

    def __init__(self, moment: Moment, failures: Failures) -> None:
        """`failures` is kept by who opens it, so that the next time only what has changed is looked at."""
        super().__init__(moment)
        self._failures = failures
        self._groups: Sequence[Group] = ()
        self._shown: Sequence[Group] = ()
        self._query = Query()
        self._seen: object = None
        self._due = 0.0
        self._told: tuple[int, Group | None, Run | None] = (0, None, None)
        self._beat = 0
        self._late = False

    def compose(self) -> ComposeResult:
        """Title, kinds over or beside the traceback, keys."""
        yield Caption(id="runs-title")
        with Horizontal(id="body"):
            with Vertical(id="instances", classes="panel"):
                yield Caption(id="titles")
                yield Static(id="empty")
                yield GroupList(id="group-list")
                yield FilterBar(self._query, of_runs(self._failed, self.last_rows, "no failed run"))
            with Vertical(id="detail", classes="panel"), TextScroll(id="failure"):
                yield Paragraph(id="failure-text")
        yield KeyBar("failures", "app")

    def _failed(self) -> tuple[Sequence[Instance], Iterable[Run]]:
        """One of each kind before the rest."""
        first = (group.runs[0] for group in self._groups)
        rest = (run for group in self._groups for run in group.runs[1:])
        return self.snapshot.instances, map(self.moment.run, chain(first, rest))

    @property
    def _list(self) -> GroupList:
        return self.query_one(GroupList)

    # What is shown

    @property
    def pending(self) -> bool:
        """Whether something changed that was not painted yet."""
        behind = self._failures.behind or self.last_rows.pending
        return self.composed and (self._due > 0 or self._late or behind or self._list.pending)

    def paint(self) -> None:
        """All parts, each of which paints only what looks different."""
        self._group()
        self._list.marks.intersection_update(group.number for group in self._groups)
        self._list.show_groups(self.moment, self._shown)
        self._show_chosen()

    def _group(self, *, at_once: bool = False) -> None:
        """Group and filter anew what has changed, but never for more than a tenth of the time."""
        start = time.monotonic()
        if start < self._due and not at_once:
            return
        end = start + (AT_ONCE if self._groups else FIRST)
        self._groups = self._failures.update(self.snapshot.runs, lambda: time.monotonic() > end)
        seen = (self._query, self._groups if not self._query.terms else self.snapshot.runs)
        if self.last_rows.take() or seen != self._seen:
            self._seen = seen
            shown = list(self._meant()) if self._query.terms else self._groups
            self._shown = sorted(shown, key=lambda group: (-len(group.runs), group.number))
        cost = time.monotonic() - start
        self._due = start + SHARE * cost if cost > 0.01 and not self._failures.behind else 0.0

    def _meant(self) -> Iterator[Group]:
        """The groups with those of their runs that the filter means."""
        test: Test[Run] = self._query.over(kind_of_runs(self.snapshot.instances, self.moment.now, self.last_rows.value))
        for group in self._groups:
            runs = [run for run in map(self.moment.run, group.runs) if test(run)]
            at = [run.status.at for run in runs if isinstance(run.status, s.Failed)]
            if at:
                instances = len({run.instance for run in runs})
                ids = tuple(run.id for run in runs)
                yield replace(group, runs=ids, instances=instances, first=min(at), last=max(at))

    def _show_chosen(self) -> None:
        """What depends on where the cursor is."""
        group = self._list.selected
        empty = self.query_one("#empty", Static)
        empty.display = not self._shown
        self.query_one("#titles").visible = bool(self._shown)
        if not self._shown:
            empty.update(Content.styled(self._nothing(), MUTED))
        self._show_traceback(group)
        entitle(self.query_one("#instances"), self._list_title())
        self.query_one("#runs-title", Caption).show(self._titled())
        self.query_one(KeyBar).show(self.situation())

    def _nothing(self) -> str:
        if self._groups and self._query.terms:
            return f"none of {words.plural(len(self._groups), 'kind')} matches. Escape clears the filter."
        return "looking…" if self._failures.behind else "nothing has failed any more. Escape leads back."

    def _show_traceback(self, group: Group | None) -> None:
        """What one run of the kind raised: the same for as long as it stands failed, so that nobody loses his line."""
        around = self.query_one("#failure", VerticalScroll)
        width = around.outer_size.width - around.gutter.width - 1  # one is the scrollbar's, shown or not
        known_width, known, shown = self._told
        same = group is not None and known is not None and group.number == known.number
        run = None if group is None else self._example(group, shown if same else None)
        if (width, run) == (known_width, shown) and same:
            beat = int(time.monotonic())  # new failures of the kind are told once a second
            self._late = group != known and beat == self._beat
            if group == known or self._late:
                return
            self._beat = beat
        self._told, self._late = (width, group, run), False
        if not same:
            around.scroll_home(animate=False)
        panel, text = self.query_one("#detail"), self.query_one(Paragraph)
        if group is None or run is None or not isinstance(run.status, s.Failed):
            text.put(lambda width: [])
            entitle(panel, Content(""))
            return
        room = max(8, width - len(EXAMPLE) - AROUND_TITLE)
        name = shortened(self.moment.name(run), room)
        entitle(panel, Content.assemble((EXAMPLE, "bold"), f" · {name}"))
        text.put(partial(laid_out, list(told_of(self.moment, group, run, run.status, width - LABEL))))

    def _example(self, group: Group, shown: Run | None) -> Run:
        """The run that is shown already if it still is of the kind, else the latest."""
        if shown is not None and self.moment.run(shown.id).status == shown.status:
            return self.moment.run(shown.id)
        return self.moment.run(group.runs[0])

    def _list_title(self) -> Content:
        total, shown, marks = len(self._groups), len(self._shown), len(self._list.marks)
        return list_title("kinds", total, shown, self._query, marks, looking=self.last_rows.looking())

    def _titled(self) -> Content:
        number = sum(len(group.runs) for group in self._groups)
        counted = words.plural(number, "failed run") + ("…" if self._failures.behind else "")
        left = [
            (0, Content.styled("what failed, and why", "bold")),
            (1, Content.styled(f"{GLYPHS['failed']} {counted}", COLOURS["failed"] if number else MUTED)),
        ]
        if stopping := stopping_text(self.moment):
            left.append((2, Content.styled(stopping, COLOURS["interrupted"])))
        return justified(left, [], self.size.width - 2)

    @on(GroupList.Replanned)
    def _show_titles(self) -> None:
        self.query_one("#titles", Caption).show(Content.styled(self._list.columns.titles, MUTED))

    @on(GroupList.Marked)
    @on(GroupList.Moved)
    def _moved(self) -> None:
        self._show_chosen()

    @on(GroupList.Opened)
    def _opened(self) -> None:
        self.post_message(Perform("kind_runs"))

    def on_resize(self) -> None:
        """Another width wraps the traceback elsewhere; the width is known after the next refresh."""
        self.call_after_refresh(self._show_chosen)

    # What is selected

    def _chosen_groups(self) -> Iterable[Group]:
        if self._list.marks:
            known = {group.number: group for group in (*self._groups, *self._shown)}  # of those shown what is meant
            return [known[number] for number in sorted(self._list.marks) if number in known]
        return [] if self._list.selected is None else [self._list.selected]

    def chosen(self) -> Targets:
        """The failed runs of the marked kinds, else of the selected one."""
        runs = tuple(sorted(run for group in self._chosen_groups() for run in group.runs))
        return Targets(runs, marked=bool(self._list.marks))

    def situation(self) -> Situation:
        """What decides which actions are possible: a kind stands for a row of its failed runs."""
        group = self._list.selected if self.composed else None
        row = None if group is None else InstanceRow(Tally(failed=len(group.runs)), group.runs[0])
        return Situation(self.moment, key_to, self.scope, row, len(self._list.marks) if self.composed else 0, "kind")

    # Filtering

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self._query = event.query
        self.last_rows.only(event.query)
        self._group(at_once=True)
        self._list.show_groups(self.moment, self._shown)
        self._show_chosen()

    # Where it leads

    def do_back(self) -> None:
        """Clear the filter, else the marks, else leave."""
        if not self._clear():
            self.dismiss()

    def do_kind_runs(self) -> None:
        """The runs of the selected kind."""
        from pyalma_tui.tui.screens.runs import RunsScreen

        if (group := self._list.selected) is not None:
            self.app.push_screen(RunsScreen(self.moment, str(group.kind), group.runs))

    def do_copy(self) -> None:
        """The error that is shown of the selected kind; of several marked ones how many there are of each."""
        chosen = list(self._chosen_groups())
        if len(chosen) > 1:
            lines = [f"{len(group.runs):,} {group.kind}  {group.kind.location}".rstrip() for group in chosen]
            self.post_message(Copy("\n".join(lines), words.plural(len(chosen), "kind")))
        elif chosen:
            _, group, shown = self._told
            same = group is not None and group.number == chosen[0].number
            self.post_message(worth_copying(self._example(chosen[0], shown if same else None)))


def told_of(moment: Moment, group: Group, run: Run, status: s.Failed, room: int) -> Iterator[Fact]:
    """When, what one run raised, which runs there are in `room` characters, and its traceback."""
    first, last = cells.moment(group.first, moment.now), cells.moment(group.last, moment.now)
    when = f"at {last}" if len(group.runs) == 1 else f"first {first} · last {last}"
    yield Fact("failed", Content(when))
    yield Fact("error", literal(status.error.message, COLOURS["failed"]))
    of = f"{cells.count(len(group.runs))} in {words.plural(group.instances, 'instance')}: "
    yield Fact("runs", literal(of + named(moment.snapshot, group.runs, room - len(of))))
    if status.error.traceback.strip():
        yield Fact("", literal_lines(status.error.traceback.rstrip(), MUTED))
