"""Lists of a few things that are handed over whole, each known by a number of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.virtual_list import C, VirtualList

T = TypeVar("T")


class ThingList(VirtualList[C], Generic[C, T]):
    """A list whose `order`, `cursor` and `marks` are the numbers of `things`."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.things: Mapping[int, T] = {}

    @property
    def selected(self) -> T | None:
        """What the cursor is on."""
        return None if self.cursor is None else self.things.get(self.cursor)

    def show_things(self, moment: Moment, things: Mapping[int, T]) -> None:
        """Take in these, in their order, and repaint the lines that look different."""
        self.things = things
        self.moment = moment
        self.replan()
        order = list(things)
        self.show(moment, self.order if order == self.order else order)
