"""All sessions, what people did, and code versions; the newest first, and filtered by any text."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from pyalma_tui.model import words
from pyalma_tui.model.query import Query, Vocabulary
from pyalma_tui.tui import cells
from pyalma_tui.tui.chronicle import CodeVersion, Happening, Versions, entries
from pyalma_tui.tui.keys import bindings
from pyalma_tui.tui.lacking import FilterFields, lacking
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.page import Page
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.filter_bar import FilterBar

AT_ONCE: Final = 0.03  # seconds of counting at each look
SHOWN: Final = 2000  # entries
TIME: Final = 17  # cells before what happened
FIELDS: Final = ("kind",)


class HistoryPage(Page):
    """What the experiment has been through."""

    scope = "history"
    BINDINGS = bindings("history")

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self._query = Query()
        self._versions = Versions(moment.snapshot.runs)
        self._seen: object = None
        self._entries: Sequence[Happening] = ()

    def below(self) -> ComposeResult:
        """Where a filter is typed."""
        fields = FilterFields(lambda: FIELDS, lambda query: lacking(query, ENTRIES, self._entries), "no entry")
        yield FilterBar(self._query, fields)

    @property
    def pending(self) -> bool:
        """Whether runs are still to be counted."""
        return self.composed and not self._versions.ready

    def title_text(self) -> Content:
        """How many sessions there were."""
        sessions = sum(entry.kind == "session" for entry in self._entries)
        told = Content.assemble(("history", "bold"), f" {words.plural(sessions, 'session')}")
        if self._query.terms:
            told += Content.styled(f" · /{literal(self._query.text[:40]).plain}", COLOURS["interrupted"])
        return told

    def paint(self) -> None:
        """Count on, read again what has changed, and show it."""
        end = time.monotonic() + AT_ONCE
        self._versions.go_on(lambda: time.monotonic() > end)
        if self.snapshot.notes != self._seen:
            self._seen = self.snapshot.notes
            self._entries = entries(self.snapshot.state_dir)
        super().paint()

    def subject(self) -> object:
        """What has happened, how far runs are counted, and the filter."""
        return self._seen, self._versions.counted, self._query

    def text(self, width: int) -> Content:
        """Versions of the code, then everything else."""
        snapshot = self.snapshot
        versions = self._versions.told(snapshot.state_dir, snapshot.target.name, snapshot.code)
        return history_text(self._entries, versions, self._query, self.moment.now or snapshot.at, width)

    def do_filter(self) -> None:
        """Ask for a filter."""
        self.query_one(FilterBar).ask()

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        self._query = event.query
        self.paint()

    @on(FilterBar.Left)
    def _filtered(self) -> None:
        self.query_one(VerticalScroll).focus()

    def do_back(self) -> None:
        """Clear the filter, else leave."""
        bar = self.query_one(FilterBar)
        if bar.open or self._query.text:
            bar.clear()
            self.query_one(VerticalScroll).focus()
        else:
            self.dismiss()


def _entry_field(name: str) -> Any:
    return lambda entry: entry.kind if name == "kind" else None


ENTRIES: Final[Vocabulary[Happening]] = Vocabulary(lambda entry: "\n".join((entry.text, *entry.more)), _entry_field)
VERSIONS: Final[Vocabulary[CodeVersion]] = Vocabulary(
    lambda each: each.text, lambda name: lambda each: "code" * (name == "kind")
)


def history_text(
    all_entries: Sequence[Happening], versions: Sequence[CodeVersion], query: Query, now: float, width: int
) -> Content:
    """One line for each version and for what was told, a few for each session.

    `now` are seconds of the epoch, `width` is in cells.
    """
    shown = list(filter(query.over(ENTRIES), all_entries)) if query.terms else list(all_entries)
    codes = list(filter(query.over(VERSIONS), versions)) if query.terms else list(versions)
    lines: list[Content] = []
    if codes:
        lines.append(Content.styled("code versions", "bold"))
        lines += [literal(f"  {each.text}", "" if each.now else MUTED) for each in codes]
        lines.append(Content(""))
    for entry in shown[:SHOWN]:
        lines += _told(entry, now, width)
    if len(shown) > SHOWN:
        lines.append(Content.styled(f"… and {len(shown) - SHOWN:,} more; / finds them", MUTED))
    if not lines:
        nothing = "nothing matches. Escape clears the filter." if query.terms else "nothing is known of any session"
        return Content.styled(nothing, MUTED)
    return Content("\n").join(lines)


def _told(entry: Happening, now: float, width: int) -> Iterator[Content]:
    when = Content.styled(cells.fit(cells.exact(entry.at, now), TIME), MUTED)
    told = literal(entry.text, "bold" if entry.kind == "session" else "")
    for i, line in enumerate(told.wrap(max(8, width - TIME))):
        yield Content.assemble(" " * TIME if i else when, line)
    for line in _filled(entry.more, width - TIME):
        yield Content.assemble(" " * TIME, line)


def _filled(parts: Sequence[str], width: int) -> Iterator[Content]:
    """The parts on as few lines as hold them, none of them torn apart where it fits on a line."""
    line = Content("")
    for part in (literal(part, MUTED) for part in parts):
        if line.cell_length and line.cell_length + 3 + part.cell_length > width:
            yield line
            line = part
        else:
            line = Content.assemble(line, (" · ", MUTED), part) if line.cell_length else part
    if line.cell_length:
        yield line
