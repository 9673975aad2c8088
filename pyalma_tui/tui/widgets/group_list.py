"""Kinds of failures, a line for each: how many, what, and where in the user's code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyalma_tui.model.failures import Group
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import MARK
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.columns import GAP
from pyalma_tui.tui.widgets.rows import Piece, merged
from pyalma_tui.tui.widgets.thing_list import ThingList
from pyalma_tui.tui.widgets.virtual_list import Look

MARKED = 2  # the mark, and a space
WHEN = 5  # a time of the day
LEAST_TEXT = 42
LONGEST_LOCATION, LONGEST_FUNCTION = 32, 24


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """The width of each column in cells; 0 means that it is not shown."""

    count: int = 4
    text: int = 0
    location: int = 0
    function: int = 0
    instances: int = 0
    first: int = 0
    last: int = 0

    @property
    def titles(self) -> str:
        """The line above the kinds."""
        texts = (
            cells.fit_right("runs", self.count),
            cells.fit("what was raised, # for each number", self.text),
            cells.fit("where", self.location),
            cells.fit("in", self.function),
            cells.fit_right("instances", self.instances),
            cells.fit_right("first", self.first),
            cells.fit_right("last", self.last),
        )
        return " " * MARKED + "".join(text + GAP for text in texts if text)


def group_columns(width: int, groups: Sequence[Group], when: int = WHEN) -> GroupColumns:
    """The columns that fit into `width` cells, the most telling first; times take `when` cells."""
    count = max((len(cells.count(len(group.runs))) for group in groups), default=0)
    location = max((len(str(group.kind.location)) for group in groups), default=0)
    function = max((len(group.kind.location.function) for group in groups), default=0)
    found = {"count": max(count, 4)}
    left = width - MARKED - found["count"] - len(GAP)
    wanted = {
        "location": min(location, LONGEST_LOCATION),
        "last": when,
        "first": when,
        "function": min(function, LONGEST_FUNCTION),
        "instances": len("instances"),
    }
    for column, cell in wanted.items():
        if cell and left - cell - len(GAP) >= LEAST_TEXT:
            found[column] = cell
            left -= cell + len(GAP)
    return GroupColumns(text=max(0, left - len(GAP)), **found)


class GroupList(ThingList[GroupColumns, Group]):
    """Its numbers are those of the groups."""

    def show_groups(self, moment: Moment, groups: Sequence[Group]) -> None:
        """Show these."""
        self.show_things(moment, {group.number: group for group in groups})

    def fitted(self, width: int) -> GroupColumns:
        """The columns at this width."""
        groups, now = list(self.things.values()), self.moment.now
        when = max((len(cells.moment(at, now)) for group in groups for at in (group.first, group.last)), default=WHEN)
        return group_columns(width, groups, when)

    def look(self, key: int) -> Look:
        """All at once: they change seldom."""
        group = self.things[key]
        return (group.kind, len(group.runs), group.instances, group.first, group.last), None

    def pieces(self, key: int) -> list[Piece]:
        """The line of a kind."""
        group, plan = self.things[key], self.columns
        location, now = group.kind.location, self.moment.now
        pieces: list[Piece] = [(f"{MARK} ", "mark") if group.number in self.marks else ("  ", "")]
        pieces.append((cells.fit_right(cells.count(len(group.runs)), plan.count) + GAP, "failed"))
        pieces.append((cells.fit(plain(str(group.kind), plan.text), plan.text) + GAP, ""))
        if plan.location:
            pieces.append((cells.fit_middle(plain(str(location), plan.location), plan.location) + GAP, "bar"))
        if plan.function:
            pieces.append((cells.fit(plain(location.function, plan.function), plan.function) + GAP, "quiet"))
        if plan.instances:
            pieces.append((cells.fit_right(cells.count(group.instances), plan.instances) + GAP, "quiet"))
        if plan.first:
            pieces.append((cells.fit_right(cells.moment(group.first, now), plan.first) + GAP, "time"))
        if plan.last:
            pieces.append((cells.fit_right(cells.moment(group.last, now), plan.last), "time"))
        return merged(pieces)
