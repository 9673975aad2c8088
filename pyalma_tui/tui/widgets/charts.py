"""The four plots of an experiment, each as a text for so many cells."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal, TypeAlias

from rich.cells import cell_len
from textual.content import Content

from pyalma_tui.model import ends, words
from pyalma_tui.model import status as s
from pyalma_tui.model.ends import EndColumns, Timeline
from pyalma_tui.model.scale import bounds, clock_step, histogram, quantile, short, ticks
from pyalma_tui.model.series import Consumed, Samples, Series, line_of
from pyalma_tui.model.words import clock, duration, finely, span
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.look import COLOURS, ESTIMATE, GLYPHS, MUTED
from pyalma_tui.tui.view_moment import Moment, is_live
from pyalma_tui.tui.widgets.braille import (
    BLANK,
    FAINT,
    Curve,
    bar,
    columns,
    curves,
    pieced,
    with_axis,
    x_labels,
    y_labels,
)

HUES = ("$text-primary", "$text-success", "$text-warning", "$text-error", "$text-accent", "$text-secondary")
SIGNS = "●▲■◆★✚"
MOST = len(HUES)  # curves in one plot
NAME = 24
LEGEND = 3  # rows
Over: TypeAlias = Literal["saves", "rows"]
OVER: Final[tuple[Over, ...]] = ("saves", "rows")
Number: TypeAlias = tuple[str, Over]
"""The name of a number, and whether states or rows hold it."""


@dataclass
class Drawn:
    """All that the plots are made of at a moment: what ended, when anything ran, and what is chosen.

    Of `step` runs that ended `columns` have one.
    """

    moment: Moment
    columns: EndColumns = field(default_factory=ends.empty)
    line: Timeline = field(default_factory=Timeline)
    durations: Sequence[float] = ()
    slowest: Sequence[tuple[int, float]] = ()
    step: int = 1
    looked_at: float = 1.0
    chosen: frozenset[int] = frozenset()
    rows: dict[int, Series] = field(default_factory=dict)
    wanted: Number | None = None

    @property
    def samples(self) -> Samples:
        """What runs saved, and workers took."""
        return self.moment.snapshot.samples

    def begun(self) -> list[float]:
        """When the runs began that run now."""
        runs = (self.moment.run(slot.run).status for slot in self.moment.snapshot.slots if slot.run is not None)
        return [status.since for status in runs if isinstance(status, s.Running)]

    @property
    def now(self) -> float | None:
        """The time while it passes."""
        return self.moment.now if is_live(self.moment.snapshot) else None

    def lines(self, over: Over) -> list[tuple[int, Series]]:
        """The chosen runs of which anything is known, else all such, first those that saved last."""
        known, wanted = (self.samples.series if over == "saves" else self.rows), self.chosen
        latest = [(run, series) for run, series in reversed(known.items()) if len(series.points) > 1]
        return [pair for pair in latest if pair[0] in wanted] or latest

    def numbers(self) -> list[Number]:
        """The numbers that their states hold, and those of their rows."""
        found = ((name, over) for over in OVER for _, series in self.lines(over) for name in series.fields)
        return list(dict.fromkeys(found))

    @property
    def shown(self) -> Number | None:
        """The number that is drawn, None if there is none."""
        numbers = self.numbers()
        return self.wanted if self.wanted in numbers else numbers[0] if numbers else None


def lone(text: str, width: int, height: int) -> Content:
    """A sentence in the middle of an empty plot."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width - 2:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    above = max(0, (height - len(lines)) // 2)
    return Content.styled("\n" * above + "\n".join(line.center(width).rstrip() for line in lines), MUTED)


def finished(drawn: Drawn, width: int, height: int) -> Content:
    """How many runs ended when, failures upon them, and where nothing ran."""
    line = drawn.line
    if not line.length or height < 4:
        return lone("no run has ended yet", width, height)
    margin = 5
    room = max(8, width - margin - 1)
    words_shown: tuple[s.Word, ...] = ("done", "interrupted", "failed")
    stacked = [[drawn.step * count for count in ends.counted(drawn.columns, line, room, word)] for word in words_shown]
    tall = height - 3
    high = max(map(sum, zip(*stacked, strict=True))) or 1
    parts = [(counts, COLOURS[word]) for counts, word in zip(stacked, words_shown, strict=True)]
    rows = with_axis(columns(parts, tall, high), y_labels(0, high, tall, counts=True), margin)
    return Content("\n").join(
        [_ends_told(drawn, line.length / room), *rows, *time_axis(drawn, margin, room, stacked[-1])]
    )


def _ends_told(drawn: Drawn, width: float) -> Content:
    counts, aside = drawn.moment.snapshot.counts, drawn.moment.snapshot.aside
    words_shown: tuple[s.Word, ...] = ("done", "failed", "interrupted")
    parts = [
        (f"{GLYPHS[word]} {number:,} {word}  ", COLOURS[word])
        for word in words_shown
        if (number := counts.of(word) + aside.of(word))
    ]
    about = ESTIMATE if drawn.step > 1 else ""
    parts.append((f"{about}a bar {duration(width)}", MUTED))
    return Content.assemble(*parts)


def time_axis(drawn: Drawn, margin: int, room: int, failed: Sequence[int] = ()) -> list[Content]:
    """Times of the day beneath a plot over time, with a mark for each pause that was cut out, and where runs failed."""
    line, length = drawn.line, drawn.line.length
    pauses = {min(int(place * room / length), room - 1): gap for place, gap in line.pauses()}
    marks = {x: (GLYPHS["failed"], COLOURS["failed"]) for x, number in enumerate(failed) if number}
    marks |= dict.fromkeys(pauses, ("‖", COLOURS["interrupted"]))
    axis = pieced(marks.get(x, ("─", FAINT)) for x in range(room))
    labels = [(place, f"‖{span(gap)}") for place, gap in pauses.items()]
    first, last = line.spans[0][0], line.spans[-1][1]
    long = last - first > 86400
    told = [(0, _clock(first, long, length)), (room - 1, _clock(last, long, length))]
    if not labels:
        step = clock_step(length / max(1, room // 14))
        offset = time.localtime(first).tm_gmtoff
        at = (int(first + offset) // step + 1) * step - offset
        while at < last and step >= 1:
            labels.append((int(line.place(at) * room / length), _clock(at, long, length)))
            at += step
        told = []
    ends_first = x_labels([*told, *labels] if not told else [told[0], *labels, told[1]], room)
    return [Content.assemble((" " * margin + "└", FAINT), axis), Content.styled(" " * (margin + 1) + ends_first, MUTED)]


def _clock(at: float, with_day: bool, length: float) -> str:
    form = "%H:%M:%S" if length < 600 else "%b %d %H:%M" if with_day else "%H:%M"
    return time.strftime(form, time.localtime(at))


def took(drawn: Drawn, width: int, height: int) -> Content:
    """How long runs took: a histogram, what most took at most, and the slowest where there is room."""
    known = drawn.durations
    if not known:
        return lone("no run is done yet", width, height)
    beside = width >= 76 and height >= 8
    room = min(width // 2, 64) if beside else width
    marks = [(name, quantile(known, share)) for name, share in (("p50", 0.5), ("p95", 0.95))]
    marks.append(("max", drawn.slowest[0][1] if drawn.slowest else known[-1]))
    told = [Content.styled("  ".join(f"{name} {finely(value)}" for name, value in marks), MUTED)]
    bins = histogram(known, max(1, min(height - 1, 24)))
    texts = [_length(each.low) for each in bins]
    margin, most = max(map(len, texts)), max(each.count for each in bins)
    about = ESTIMATE if drawn.step > 1 else ""
    wide = max(1, room - margin - 3 - len(f"{about}{most * drawn.step:,}"))
    for text, each in zip(texts, bins, strict=True):
        number = f" {about}{each.count * drawn.step:,}"
        drawn_bar = bar(each.count / most, wide), COLOURS["done"]
        told.append(Content.assemble((f"{text:>{margin}} ", MUTED), drawn_bar, (number, MUTED)))
    if not beside:
        return Content("\n").join(told[:height])
    return side_by_side(told, _slowest(drawn, width - room - 3, height), room)


def _length(seconds: float) -> str:
    return f"{short(seconds)}s" if seconds < 60 else clock(seconds)


def _slowest(drawn: Drawn, width: int, height: int) -> list[Content]:
    """The runs that took longest, and the instances."""
    several = max(map(len, drawn.moment.snapshot.runs_of[:1]), default=1) > 1
    part = (height - 3) // 2 if several else height - 1
    rows = [Content.styled("slowest runs", "bold")]
    slow = drawn.slowest[:part]
    most = slow[0][1] if slow else 1.0
    for run_id, seconds in slow:
        rows.append(_named(drawn.moment.name(drawn.moment.run(run_id)), seconds, most, width))
    if several:
        rows += [Content(""), Content.styled("slowest instances, on average", "bold")]
        means = ends.by_instance(drawn.columns, part)
        most = means[0][1] if means else 1.0
        labels = drawn.moment.snapshot.instances
        rows += [_named(labels[instance].label, mean, most, width) for instance, mean, _ in means]
    return rows


def _named(name: str, seconds: float, most: float, width: int) -> Content:
    room = max(8, min(NAME, width // 2))
    wide = max(1, width - room - 10)
    return Content.assemble(
        cells.fit_middle(plain(name, room), room), (f"{duration(seconds):>9} ", MUTED),
        (bar(seconds / most if most else 0.0, wide), COLOURS["running"]),
    )  # fmt: skip


def side_by_side(left: Sequence[Content], right: Sequence[Content], width: int) -> Content:
    """Two columns of lines, the first so many cells wide."""
    rows = []
    for number in range(max(len(left), len(right))):
        first = left[number] if number < len(left) else Content("")
        second = right[number] if number < len(right) else Content("")
        rows.append(Content.assemble(first, " " * max(0, width + 3 - first.cell_length), second))
    return Content("\n").join(rows)


def saved(drawn: Drawn, width: int, height: int) -> Content:
    """A number in the states of the chosen runs over their saves, or of their rows over these."""
    if drawn.shown is None:
        return lone("no run has saved or recorded a number twice", width, height)
    name, over = drawn.shown
    lines = ((run, line_of(series, name)) for run, series in drawn.lines(over))
    known = list(islice(((run, points) for run, points in lines if points), MOST))
    legend = _legend(drawn, [run for run, _ in known], width, LEGEND if height >= 10 else 1)
    tall = max(1, height - 2 - len(legend))
    low, high = bounds(value for _, points in known for _, value in points)
    first = min(points[0][0] for _, points in known)
    last = max(points[-1][0] for _, points in known)
    shown = [Curve(points, HUES[number], SIGNS[number]) for number, (_, points) in enumerate(known)]
    shown.reverse()  # the first is drawn last, on top
    labels = y_labels(low, high, tall)
    margin = max((len(text) for _, text in labels), default=0)
    room = max(1, width - margin - 1)
    rows = with_axis(curves(shown, room, tall, (first, last), (low, high)), labels, margin)
    marks = [
        (int((tick - first) / (last - first) * (room - 1)) if last > first else 0, short(tick))
        for tick in ticks(first, last, max(2, room // 10))
    ]
    axis = Content.styled(" " * margin + "└" + "─" * room, FAINT)
    return Content("\n").join([*legend, *rows, axis, Content.styled(" " * (margin + 1) + x_labels(marks, room), MUTED)])


def _legend(drawn: Drawn, runs: Sequence[int], width: int, most: int) -> list[Content]:
    """What each colour stands for, in so many rows at most; how many more there are behind the last."""
    rows: list[list[tuple[str, str]]] = [[]]
    used = 0
    for number, run in enumerate(runs):
        name = plain(drawn.moment.name(drawn.moment.run(run)), NAME)
        text = f"{SIGNS[number]} {cells.fit_middle(name, NAME).rstrip()}  "
        size = cell_len(text)
        last = len(rows) == most
        if rows[-1] and used + size > width - (4 if last and number < len(runs) - 1 else 0):
            if last:
                rows[-1].append((f"+{len(runs) - number}", MUTED))
                break
            rows.append([])
            used = 0
        rows[-1].append((text, HUES[number]))
        used += size
    return [Content.assemble(*row) for row in rows]


def load(drawn: Drawn, width: int, height: int) -> Content:
    """How many runs ran at a time, and what the workers took of the machine."""
    line = drawn.line
    if not line.length or height < 4:
        return lone("nothing has run yet", width, height)
    margin = 5
    room = max(8, width - margin - 1)
    ended = ends.occupied(drawn.columns, line, room)
    running = ends.occupied(ends.empty(), line, room, drawn.begun(), drawn.now)
    busy = [drawn.step * runs + more for runs, more in zip(ended, running, strict=True)]
    tall = height - 3
    taken = [each for each in drawn.samples.taken if line.spans[0][0] <= each.at <= line.spans[-1][1] + 5]
    high = max([*busy, *(each.cpu for each in taken), 1.0])
    points = [(line.place(each.at), each.cpu) for each in taken]
    solid = columns([(busy, FAINT)], tall, high)
    over = curves([Curve(points, COLOURS["interrupted"])], room, tall, (0.0, line.length), (0.0, high))
    rows = [_over(below, above) for below, above in zip(solid, over, strict=True)] if points else solid
    labels = y_labels(0, high, tall, counts=True)
    return Content("\n").join(
        [_load_told(sum(busy) / room, taken, width), *with_axis(rows, labels, margin), *time_axis(drawn, margin, room)]
    )


def _load_told(mean: float, taken: Sequence[Consumed], width: int) -> Content:
    """What the bars and the curve stand for, the latter only as far as there is room."""
    if not taken:
        return Content.assemble(("█ ", FAINT), (f"runs, {short(mean)} on average", MUTED))
    used, memory = f"{taken[-1].cpu:.1f} processors", words.size(taken[-1].rss)
    longest = f"runs, {short(mean)} on average", f"{used} · {memory}"
    tries = (longest, (longest[0], used), ("runs", used), ("runs", "processors"))
    runs, processors = next((pair for pair in tries if sum(map(len, pair)) + 6 <= width), tries[-1])
    signs = ("█ ", FAINT), (f"{runs}  ", MUTED), ("⣀ ", COLOURS["interrupted"]), (processors, MUTED)
    return Content.assemble(*signs)


def _over(below: Content, above: Content) -> Content:
    """A curve over bars: where it has no point, the bar is seen."""
    pairs = zip(below.plain, above.plain, strict=True)
    return pieced((below, FAINT) if point == chr(BLANK) else (point, _upon(below)) for below, point in pairs)


def _upon(below: str) -> str:
    """The colour of a curve upon what is there."""
    return f"{COLOURS['interrupted']} on {FAINT}" if below == "█" else COLOURS["interrupted"]
