"""Two runs: side by side where there is room, else one below the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from textual.content import Content

from pyalma_tui.model.difference import Difference
from pyalma_tui.tui import cells
from pyalma_tui.tui.comparing import Comparison, Pair, compared
from pyalma_tui.tui.keys import bindings
from pyalma_tui.tui.literal import literal, log_line, plain, shortened
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.page import Page
from pyalma_tui.tui.view_moment import Moment

LABEL: Final = 12  # cells of a label, the sign of a difference and the air after it
SIDE_BY_SIDE: Final = 100  # cells from which on there is room for two columns
DIFFERS, SAME = "≠", " "
GAP: Final = 2


class ComparePage(Page):
    """What two runs have in common, and what not."""

    scope = "compare"
    BINDINGS = bindings("compare")

    def __init__(self, moment: Moment, one: int, other: int) -> None:
        super().__init__(moment)
        self._one, self._other = one, other

    def title_text(self) -> Content:
        """Which two."""
        names = [self.moment.name(self.moment.run(run)) for run in (self._one, self._other)]
        room = max(8, (self.size.width - 16) // 2)
        one, other = (shortened(name, room) for name in names)
        return Content.assemble(("compare ", "bold"), one, (f" {DIFFERS} ", MUTED), other)

    def subject(self) -> object:
        """Both runs."""
        return self.moment.run(self._one), self.moment.run(self._other)

    def text(self, width: int) -> Content:
        """Read both, and lay them out."""
        one, other = self.moment.run(self._one), self.moment.run(self._other)
        return compare_text(compared(self.moment, one, other), width)


def compare_text(known: Comparison, width: int) -> Content:
    """Facts, places of the states and of the rows that differ, ends of the logs; `width` in cells."""
    column = (width - LABEL - GAP) // 2 if width >= SIDE_BY_SIDE else width - LABEL
    lines = list(_lines(Pair("", *known.names), column, width, style="bold"))
    for pair in known.facts:
        if pair.one or pair.other:
            lines += _lines(pair, column, width)
    lines += _places("state", known.state, known.more_of_state, column, width)
    lines += _places("rows", known.rows, known.more_of_rows, column, width)
    lines += _logs(known, column, width)
    return Content("\n").join(lines)


def _lines(pair: Pair, column: int, width: int, style: str = "") -> Iterator[Content]:
    """What both have under a name: once where it is the same, and marked where it is not."""
    differs = pair.one != pair.other and bool(pair.label)
    label = Content.assemble((f"{DIFFERS if differs else SAME} ", COLOURS["interrupted"]), (pair.label, MUTED))
    label = label.pad_right(max(0, LABEL - label.cell_length))
    texts = [cells.fit(plain(text, column), column) for text in (pair.one or "–", pair.other or "–")]
    look = style or ("" if differs else MUTED)
    if width >= SIDE_BY_SIDE:
        yield Content.assemble(label, (texts[0], look), " " * GAP, (texts[1].rstrip(), look))
    else:
        yield Content.assemble(label, (texts[0].rstrip(), look))
        if differs or style:
            yield Content.assemble(" " * LABEL, (texts[1].rstrip(), look))


def _places(what: str, found: Sequence[Difference], more: bool, column: int, width: int) -> Iterator[Content]:
    if not found:
        return
    yield Content("")
    yield Content.styled(f"where the {what} differ{'s' * (what == 'state')}", "bold")
    for each in found:
        if each.remark:
            yield _cut(f"  {each.where}: {each.remark}", width)
            continue
        yield _cut(f"  {each.where}", width, MUTED)
        yield from _lines(Pair(" ", each.one, each.other), column, width)
    if more:
        yield Content.styled("  … and more", MUTED)


def _logs(known: Comparison, column: int, width: int) -> Iterator[Content]:
    if not any(known.tails):
        return
    yield Content("")
    yield Content.styled("the ends of the logs", "bold")
    one, other = ([_log_cells(line, width, column) for line in tail] for tail in known.tails)
    if width >= SIDE_BY_SIDE:
        half = (width - GAP) // 2
        for left, right in zip_longest(one, other, fillvalue=Content("")):
            yield Content.assemble(left.pad_right(max(0, half + GAP - left.cell_length)), right)
        return
    for name, tail in zip(known.names, (one, other), strict=True):
        yield _cut(f"  {name}", width, MUTED)
        yield from tail or [Content.styled("  no output", MUTED)]


def _cut(text: str, width: int, style: str = "") -> Content:
    """One line of anybody's text, cut where there is no more room."""
    return literal(cells.fit(plain(text, width), width).rstrip(), style)


def _log_cells(line: bytes, width: int, column: int) -> Content:
    room = (width - GAP) // 2 if width >= SIDE_BY_SIDE else column + LABEL
    return log_line(line, room).truncate(room, ellipsis=True)
