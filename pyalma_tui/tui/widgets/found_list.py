"""Instances whose logs have what was searched for, a line for each: how often, and the first line that has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyalma_tui.logs.sweep import FoundLog
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import log_line, plain
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.columns import GAP, SAMPLE
from pyalma_tui.tui.widgets.rows import Piece, merged
from pyalma_tui.tui.widgets.thing_list import ThingList
from pyalma_tui.tui.widgets.virtual_list import Look

LEAST_TEXT = 20


@dataclass(frozen=True, slots=True)
class Where:
    """What was found in the logs of one instance: lines, in how many logs, and the first of these."""

    instance: int
    lines: int
    logs: int
    first: FoundLog


@dataclass(frozen=True, slots=True)
class FoundColumns:
    """The width of each column in cells."""

    lines: int = 5
    logs: int = 4
    name: int = 0
    text: int = 0

    @property
    def titles(self) -> str:
        """The line above the instances."""
        counts = f" {cells.fit_right('lines', self.lines)}{GAP}{cells.fit_right('logs', self.logs)}{GAP}"
        return f"{counts}{cells.fit('instance', self.name)}{GAP}{cells.fit('the first of these lines', self.text)}"


class FoundList(ThingList[FoundColumns, Where]):
    """Its numbers are ids of instances; nothing in it is marked."""

    def show_found(self, moment: Moment, found: Sequence[Where]) -> None:
        """Show these."""
        self.show_things(moment, {each.instance: each for each in found})

    def fitted(self, width: int) -> FoundColumns:
        """The columns at this width."""
        found, instances = list(self.things.values()), self.moment.snapshot.instances
        lines = max((len(cells.count(each.lines)) for each in found), default=0)
        logs = max((len(cells.count(each.logs)) for each in found), default=0)
        name = max((len(instances[each.instance].label) for each in found[:SAMPLE]), default=0)
        columns = FoundColumns(max(lines, 5), max(logs, 4))
        left = width - 1 - columns.lines - columns.logs - 2 * len(GAP)
        name = max(8, min(name, left - LEAST_TEXT - len(GAP), 48))
        return FoundColumns(columns.lines, columns.logs, name, max(0, left - name - len(GAP)))

    def look(self, key: int) -> Look:
        """All at once: they change seldom."""
        return self.things[key], None

    def pieces(self, key: int) -> list[Piece]:
        """The line of an instance."""
        where, plan = self.things[key], self.columns
        label = self.moment.snapshot.instances[where.instance].label
        text = log_line(where.first.data.lstrip(), plan.text + 1).plain
        return merged(
            [
                (f" {cells.fit_right(cells.count(where.lines), plan.lines)}{GAP}", "mark"),
                (cells.fit_right(cells.count(where.logs), plan.logs) + GAP, "quiet"),
                (cells.fit_middle(plain(label, plan.name), plan.name) + GAP, ""),
                (cells.fit(text, plan.text), "state"),
            ]
        )
