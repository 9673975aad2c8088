"""The two lines at the top: how far it is, what went wrong, and when it will be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.view import Tally
from pyalma_tui.runner.terms import shown_args
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import ALARM, COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.view_moment import Moment, is_complete, is_live

GAP: Final = 3
NARROW: Final = 100  # cells; below that two of air are enough between two parts
LONGEST_TITLE: Final = 40
BAR_GLYPHS: Final[dict[s.Word, str]] = {"done": "━", "failed": "×", "interrupted": "╌", "running": "╍", "pending": "─"}
RANKS: Final[tuple[tuple[int, s.Word], ...]] = ((2, "failed"), (6, "interrupted"), (5, "running"))
BAR_ORDER: Final[tuple[s.Word, ...]] = ("done", "failed", "interrupted", "running", "pending")


def headline(moment: Moment, width: int) -> Content:
    """The first line; what matters least gives way where it is narrow."""
    snapshot, counts = moment.snapshot, moment.snapshot.counts
    title = cells.fit_middle(literal(snapshot.title or "pyalma-tui").plain, LONGEST_TITLE).rstrip()
    left: list[tuple[int, Content]] = [(0, Content.styled(title, "bold $text-primary"))]
    if snapshot.phase == "opening" and not counts.total:
        left.append((1, Content.styled("opening…", MUTED)))
        return justified(left, [], width)
    if counts.total:
        runs = f"{cells.count(counts.done)}/{cells.count(counts.total)}"
        share = Content.assemble((runs, "bold"), " runs  ", cells.percent(counts.done / counts.total))
        left.append((1, share))
    for rank, word in RANKS:
        if number := counts.of(word):
            left.append((rank, Content.styled(f"{GLYPHS[word]} {cells.count(number)} {word}", COLOURS[word])))
    if snapshot.workers:  # else nobody knows how many, in a view of another process
        left.append((8, Content.styled(words.plural(snapshot.workers, "worker"), MUTED)))
    if snapshot.args:
        left.append((9, literal(f"-- {shown_args(snapshot.args, LONGEST_TITLE)}", MUTED)))
    right = [(3, time_left(moment)), (4, saved(moment))]
    return justified(left, [(rank, part) for rank, part in right if part], width)


def time_left(moment: Moment) -> Content:
    """When it will be done, with its range; `unknown` if that is so."""
    snapshot = moment.snapshot
    if is_complete(snapshot):
        return Content.styled(f"{GLYPHS['done']} all done", COLOURS["done"])
    if not is_live(snapshot):
        return Content("")
    told = words.left(snapshot.forecast, moment.now)
    return Content.styled(told, MUTED) if snapshot.forecast is None else Content(told)


def saved(moment: Moment) -> Content:
    """When something was last saved: its age while something runs, its time of the day while nothing does."""
    snapshot = moment.snapshot
    if snapshot.not_saved:
        return Content.styled("✗ NOT SAVED", ALARM)
    if snapshot.saved_at is None:
        return Content("")
    if is_live(snapshot):
        return Content.styled(f"saved {words.span(moment.now - snapshot.saved_at)} ago", MUTED)
    return Content.styled(f"saved {cells.moment(snapshot.saved_at, moment.now)}", MUTED)


def justified(left: Sequence[tuple[int, Content]], right: Sequence[tuple[int, Content]], width: int) -> Content:
    """The parts at both ends of a line; the highest ranks are left out until the rest fits."""
    kept = [(rank, part, 0) for rank, part in left] + [(rank, part, 1) for rank, part in right]
    between = GAP if width >= NARROW else GAP - 1
    while sum(part.cell_length + between for _, part, _ in kept) - between > width and len(kept) > 1:
        kept.remove(max(kept, key=lambda item: item[0]))
    gap = Content(" " * between)
    sides = [gap.join(part for _, part, side in kept if side == end) for end in (0, 1)]
    air = width - sides[0].cell_length - sides[1].cell_length
    return Content.assemble(sides[0], " " * max(0, air), sides[1])


def progress_line(counts: Tally, width: int) -> Content:
    """All runs as one line: how many cells each status has, each with its own stroke. Nobody that exists gets none."""
    if not counts.total or width <= 0:
        return Content.styled("─" * width, MUTED)
    shares = allot([counts.of(word) for word in BAR_ORDER], width)
    parts = [(BAR_GLYPHS[word] * n, COLOURS[word]) for word, n in zip(BAR_ORDER, shares, strict=True) if n]
    return Content.assemble(*parts)


def allot(numbers: Sequence[int], width: int) -> list[int]:
    """`width` cells in proportion to the numbers, at least one for each that is not 0 (while there are cells)."""
    total = sum(numbers)
    shares = [max(1, n * width // total) if n else 0 for n in numbers]
    while sum(shares) > width:
        shares[shares.index(max(shares))] -= 1
    last = max(i for i, n in enumerate(numbers) if n)
    shares[last] += width - sum(shares)
    return shares
