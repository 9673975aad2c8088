"""All rows of results that count, live: sorted, filtered, grouped, copied and exported."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pyalma_tui.model import jsontext, words
from pyalma_tui.model.arranging import WantedTable, names_of
from pyalma_tui.model.checks import text_of
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Row
from pyalma_tui.model.lacking import Lack
from pyalma_tui.model.query import Query
from pyalma_tui.model.run_fields import known_fields
from pyalma_tui.store.rows import RowReader
from pyalma_tui.tui import cells
from pyalma_tui.tui.exporting import Exporting
from pyalma_tui.tui.keys import bindings
from pyalma_tui.tui.lacking import FilterFields
from pyalma_tui.tui.literal import literal, literal_lines, plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.requests import Copy, Say
from pyalma_tui.tui.row_source import ArrangedTable, Arranging, folder_of
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import Fact, laid_out
from pyalma_tui.tui.widgets.field import Field
from pyalma_tui.tui.widgets.filter_bar import FilterBar
from pyalma_tui.tui.widgets.header import Caption, entitle
from pyalma_tui.tui.widgets.headline import justified
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.list_title import Titles
from pyalma_tui.tui.widgets.notices import stopping_text
from pyalma_tui.tui.widgets.paragraph import Paragraph
from pyalma_tui.tui.widgets.row_table import RowTable
from pyalma_tui.tui.widgets.text_scroll import TextScroll

SHARE = 10  # arranging again may take a tenth of the time
COPIED = 1_000  # lines that are copied at once
LABEL = 10  # cells of a name beside its value
SHOWN = 40  # cells of a filter, of a name
NONE = "no row counts so far: run() declares `record`, calls it, and saves or returns."
SEED = "seed"
OF_RUN = ("iteration", SEED)  # numbers of which nobody wants statistics


class ResultsScreen(BaseScreen[None]):
    """The table is made anew in a thread when something has changed; until it is there, the one before stays."""

    scope = "results"
    BINDINGS = bindings("results")
    AUTO_FOCUS = "RowTable"

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self._wanted = WantedTable()
        self._table: ArrangedTable | None = None
        self._arranging: Arranging | None = None
        self._exporting: Exporting | None = None
        self._reader = RowReader(folder_of(self.snapshot), self._again)
        self._columns: Sequence[str] = ()
        self._numeric: Sequence[str] = ()
        self._begun = 0.0
        self._due = 0.0
        self._told = ""

    def compose(self) -> ComposeResult:
        """Title, table beside the row, keys."""
        yield Caption(id="runs-title")
        with Horizontal(id="body"):
            with Vertical(id="instances", classes="panel"):
                yield Titles(id="titles")
                yield Static(id="empty")
                yield RowTable(id="row-table")
                yield FilterBar(Query(), FilterFields(self._fields, self._lacks, "no row"))
                yield Field(id="export", placeholder="file: .csv, .json, .jsonl, .md, .parquet", compact=True)
            with Vertical(id="detail", classes="panel"), TextScroll(id="row"):
                yield Paragraph(id="row-text")
        yield KeyBar("results", "app")

    def _fields(self) -> Sequence[str]:
        """The columns, then what else may be named of their runs."""
        runs = self.snapshot.runs
        return list(dict.fromkeys([*self._columns, *known_fields(self.snapshot.instances, runs)]))

    def _lacks(self, query: Query) -> Iterator[Lack | None]:
        """What a filter names that no row has, once all were looked at."""
        while self._table is None or self._table.wanted.query != query:
            yield None
        yield from self._table.lacking

    @property
    def _rows(self) -> RowTable:
        return self.query_one(RowTable)

    def _again(self, run: Run) -> Run:
        return self.moment.run(run.id)

    # What is shown

    @property
    def pending(self) -> bool:
        """Whether a table is being made or due."""
        return self.composed and (self._arranging is not None or self._is_behind())

    def _is_behind(self) -> bool:
        table = self._table
        return table is None or table.wanted != self._wanted or table.snapshot.runs is not self.snapshot.runs

    def paint(self) -> None:
        """Take in the table that was made; begin the next one if it is time."""
        self._take()
        if self._arranging is None and self._is_behind() and time.monotonic() >= self._due:
            self._begun = time.monotonic()
            self._arranging = Arranging(self.snapshot, self._wanted, self._again)
            self._arranging.start()
        self._show_titles()
        self.query_one(KeyBar).show(self.situation())

    def poll(self) -> None:
        """Look how far the threads are."""
        if self.composed:
            self.paint()

    def _take(self) -> None:
        work = self._arranging
        if work is not None and not work.is_alive():
            self._arranging = None
            self._told = work.failed
            now = time.monotonic()
            self._due = now + SHARE * (now - self._begun) if now - self._begun > 0.1 else 0.0
            if work.table is not None:
                self._show_table(work.table)
            elif work.failed and work.wanted == self._wanted:
                self._wanted = self._table.wanted if self._table is not None else WantedTable()
        if self._exporting is not None and not self._exporting.is_alive():
            self.post_message(Say(self._exporting.told))
            self._exporting = None

    def _show_table(self, table: ArrangedTable) -> None:
        before, self._table = self._table, table
        found, wanted = table.found, table.wanted
        self._columns = list(dict.fromkeys([*found.columns, *self._columns]))
        self._numeric = list(dict.fromkeys([*found.numeric, *self._numeric]))
        ungrouped = sorted(self._columns, key=lambda name: name == SEED)  # the widest, and nobody compares by it
        names = names_of(wanted) if wanted.group else ungrouped
        numeric = names[1:] if wanted.group else self._numeric
        anew = before is None or before.wanted != wanted
        self._rows.show(names, numeric, len(table), self._fetch, anew=anew)

    def _fetch(self, first: int, last: int) -> list[Row | None]:
        return [] if self._table is None else list(self._table.rows(self._reader, first, last))

    @on(RowTable.Moved)
    def _moved(self) -> None:
        self._show_titles()
        self._show_row()

    def _show_titles(self) -> None:
        rows, wanted = self._rows, self._wanted
        shown = self._table.wanted if self._table is not None else wanted
        self.query_one(Titles).show(lambda _: rows.titles(shown.sort, shown.descending))
        self.query_one("#runs-title", Caption).show(self._titled())
        what = "groups" if shown.group else "rows"
        parts = [Content.assemble((what, "bold"), f" {cells.count(rows.count)}")]
        if wanted.group:
            of = f" of {wanted.value}" if wanted.value else ""
            parts.append(literal(f"by {wanted.group[:SHOWN]}{of[:SHOWN]}", "$text-accent"))
        if wanted.query.terms:
            parts.append(literal(f"/{wanted.query.text[:SHOWN]}", COLOURS["interrupted"]))
        order = literal(f"{'↓' if wanted.descending else '↑'} {wanted.sort[:SHOWN]}") if wanted.sort else Content("")
        entitle(self.query_one("#instances"), Content(" · ").join(parts), order)
        empty = self.query_one("#empty", Static)
        empty.display = self._table is not None and not rows.count
        self.query_one("#titles").visible = bool(rows.count)
        if empty.display:
            none = "no row matches. Escape clears the filter." if wanted.query.terms else NONE
            empty.update(Content.styled(none, MUTED))

    def _titled(self) -> Content:
        left = [(0, Content.styled("results", "bold"))]
        if self._table is not None:
            left.append((1, Content(words.plural(len(self._table.index), "row"))))
        if going_on := self._going_on():
            left.append((2, Content.styled(going_on, COLOURS["running"])))
        elif self._told:
            room = max(8, self.size.width - 30)
            left.append((2, literal(cells.fit(plain(self._told, room), room).rstrip(), COLOURS["failed"])))
        if stopping := stopping_text(self.moment):
            left.append((3, Content.styled(stopping, COLOURS["interrupted"])))
        return justified(left, [], self.size.width - 2)

    def _going_on(self) -> str:
        """What a thread does, and how far it is."""
        if (writing := self._exporting) is not None:
            share = cells.percent(writing.written / writing.total) if writing.total else ""
            return f"writing… {share} · esc stops it"
        work = self._arranging
        if work is None or (self._table is not None and work.wanted == self._table.wanted):  # nobody waits for it
            return ""
        if self._table is None:
            return "looking for rows…"
        doing = "grouping" if work.wanted.group else "sorting" if work.wanted.sort else "filtering"
        return f"{doing}… {cells.percent(work.looked_at / work.total) if work.total else ''} · esc stops it"

    def _show_row(self) -> None:
        """All of the selected row: texts in full, numbers exactly."""
        row = self._rows.row
        told = [Fact(plain(name, LABEL), _exact(value)) for name, value in (row or {}).items()]
        self.query_one("#row-text", Paragraph).put(partial(laid_out, told, indented=LABEL + 2))
        number = f"{cells.count(self._rows.line + 1)} of {cells.count(self._rows.count)}" if row is not None else ""
        entitle(self.query_one("#detail"), Content.styled("row", "bold"), Content(number))

    # How it is arranged

    def _want(self, wanted: WantedTable) -> None:
        self._wanted, self._told, self._due = wanted, "", 0.0
        if self._arranging is not None and self._arranging.wanted != wanted:
            self._arranging.stop()
            self._arranging.join()  # it looks every thousand rows
            self._arranging = None
        self.paint()

    def do_sort_rows(self) -> None:
        """By the selected column: up, down, as recorded."""
        column, wanted = self._rows.column, self._wanted
        if column and wanted.sort != column:
            self._want(replace(wanted, sort=column, descending=False))
        elif wanted.sort:
            turned = not wanted.descending
            self._want(replace(wanted, sort=column if turned else "", descending=turned))

    @on(Titles.Clicked)
    def _sort_by_clicked(self, clicked: Titles.Clicked) -> None:
        """By the column that was clicked, as the key does."""
        if self._rows.select_column(clicked.cell):
            self.do_sort_rows()

    def do_group_rows(self) -> None:
        """By the selected column; again: all rows."""
        if self._wanted.group:
            self._want(replace(self._wanted, group="", value="", sort="", descending=False))
        elif column := self._rows.column:
            values = self._values(column)
            value = next((name for name in values if name not in OF_RUN), "")
            self._want(replace(self._wanted, group=column, value=value, sort="", descending=False))

    def _values(self, group: str) -> list[str]:
        return [name for name in self._numeric if name != group]

    def do_next_value(self) -> None:
        """The statistics of the next column that has numbers."""
        values = self._values(self._wanted.group)
        if not self._wanted.group or not values:
            self.post_message(Say("group by a column first (b)" if values else "no other field has numbers"))
            return
        known = self._wanted.value
        following = values[(values.index(known) + 1) % len(values)] if known in values else values[0]
        self._want(replace(self._wanted, value=following))

    def do_filter(self) -> None:
        """Ask for a filter."""
        self.query_one(FilterBar).ask()

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self._want(replace(self._wanted, query=event.query))

    @on(FilterBar.Left)
    def _filtered(self) -> None:
        self._rows.focus()

    # What leaves it

    def do_copy(self) -> None:
        """The table as CSV, all lines or those in sight: a tab in what is pasted may set something off."""
        rows = self._rows
        seen = range(rows.count) if rows.count <= COPIED else rows.in_sight
        found = [row for row in self._fetch(seen.start, seen.stop) if row is not None]
        lines = [rows.names, *[[row.get(name) for name in rows.names] for row in found]]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([[text_of(value) for value in line] for line in lines])
        where = "" if len(seen) == rows.count else " in sight"
        self.post_message(Copy(text.getvalue().removesuffix("\n"), f"{words.plural(len(lines) - 1, 'line')}{where}"))

    def do_export_rows(self) -> None:
        """Ask for the name of a file."""
        if self._table is None or self._exporting is not None:
            self.post_message(Say("a table is being written already" if self._exporting else "there is no table yet"))
            return
        field = self.query_one("#export", Field)
        field.value = f"{self.snapshot.title or 'results'}-results.csv"
        field.add_class("-open")
        field.focus()

    @on(Input.Submitted, "#export")
    def _export(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_field()
        if self._table is not None and event.value.strip():
            self._exporting = Exporting(self._table, Path(event.value.strip()).expanduser(), self._again)
            self._exporting.start()

    def _close_field(self) -> None:
        self.query_one("#export", Field).remove_class("-open")
        self._rows.focus()

    def do_back(self) -> None:
        """Stop what goes on; clear what is arranged; leave."""
        bar, wanted = self.query_one(FilterBar), self._wanted
        if self.query_one("#export", Field).has_class("-open"):
            self._close_field()
        elif self._exporting is not None:
            self._exporting.stop()
        elif self._table is not None and self._going_on():
            self._want(self._table.wanted)
        elif bar.open or wanted.query.text:
            bar.clear()
            self._want(replace(wanted, query=Query()))
            self._rows.focus()
        elif wanted.group or wanted.sort:
            self._want(replace(wanted, group="", value="", sort="", descending=False))
        else:
            self.dismiss()

    def on_unmount(self) -> None:
        """Nobody waits for the threads any more."""
        for work in (self._arranging, self._exporting):
            if work is not None:
                work.stop()
        self._reader.close()


def _exact(value: object) -> Content:
    if isinstance(value, str):
        return literal_lines(value)
    return Content("") if value is None else literal(jsontext.encode(value).decode())
