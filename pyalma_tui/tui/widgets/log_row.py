"""One row of a log on the screen: the line or a part of it, its matches, and signs for what lies outside the window."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual.content import Content, Span
from textual.strip import Strip
from textual.style import Style

from pyalma_tui.logs.needle import Needle
from pyalma_tui.logs.reader import Line
from pyalma_tui.tui.literal import EVERYTHING, from_cell, log_line

DROPPED = "… dropped: of a long log begin and end are kept …"
GOES_ON = "↪ "  # before a piece of a line too long for the reader
# No colours: these are seen in any theme, with NO_COLOR and on top of a log's own colours. (`get_visual_style` of
# Textual 8.2.8 would lose `reverse` on its way from a stylesheet.)
MATCH = Style(bold=True, underline=True)
CURRENT = Style(bold=True, reverse=True)


@dataclass(frozen=True, slots=True)
class Look:
    """What all rows are painted with: the first column and the number of columns in sight, what to mark, styles."""

    left: int
    width: int
    needle: Needle | None
    base: Style
    mark: Style


def content(line: Line, most: int = EVERYTHING) -> Content:
    """The line as it is shown, not much more than `most` cells of it."""
    if line.cut_after and not line.data.strip(b"\0"):
        return Content(DROPPED)
    shown = log_line(line.data, most)
    return Content(GOES_ON) + shown if line.cut_before else shown


def column(line: Line, needle: Needle, most: int) -> tuple[int, int] | None:
    """The first column of the first match and how many it has, if there is one in the first `most` cells."""
    text = content(line, most)
    found = next(needle.matches(text.plain), None)
    return (text[: found.start()].cell_length, text[found.start() : found.end()].cell_length) if found else None


def row(line: Line, look: Look, *, current: bool, selected: tuple[int, int, Style] | None = None) -> Strip:
    """The line as a strip of just the width in sight; ‹ and › say that there is more of it.

    `current`: the search stands at this line. `selected`: a range of characters, to the end if it ends at -1, and its
    style.
    """
    right = look.left + look.width
    text = with_selection(with_matches(line, content(line, right + 1), look, current=current), selected)
    cells = text.cell_length
    text = from_cell(text, look.left)
    strip = Strip(text.render_segments(look.base), text.cell_length).crop_extend(0, look.width, look.base.rich_style)
    sign = (look.base + look.mark).rich_style
    if cells > right:
        strip = Strip.join([strip.crop(0, look.width - 1), Strip([Segment("›", sign)], 1)])
    if look.left and cells:
        strip = Strip.join([Strip([Segment("‹", sign)], 1), strip.crop(1, look.width)])
    return strip


def part(text: Content, look: Look, selected: tuple[int, int, Style] | None = None) -> Strip:
    """A part of a wrapped line, which fits, as a strip of the width in sight."""
    text = with_selection(text, selected)
    return Strip(text.render_segments(look.base), text.cell_length).crop_extend(0, look.width, look.base.rich_style)


def with_matches(line: Line, text: Content, look: Look, *, current: bool) -> Content:
    """The text of a line with its matches marked."""
    return text.add_spans(_marked(line, text, look, current=current))


def _marked(line: Line, text: Content, look: Look, *, current: bool) -> list[Span]:
    """What is marked in a line, from left to right."""
    spans = [Span(0, len(GOES_ON), look.mark)] if line.cut_before else []
    if look.needle is not None:
        style = CURRENT if current else MATCH
        found = look.needle.matches(text.plain)
        spans += [Span(match.start(), match.end(), style) for match in found if match.end() > match.start()]
    return spans


class Wrapped:
    """A line in rows of so many cells. What one row takes does not grow with the line, which may have tens of thousands
    of colours and matches: a slice of a `Content` looks at each of them.
    """

    def __init__(self, line: Line, look: Look, *, current: bool) -> None:
        text = content(line)
        self._text = text.plain
        self._begins = folds(self._text, look.width)
        self._layers = [_Layer(text.spans), _Layer(_marked(line, text, look, current=current))]

    def row(self, number: int) -> Content:
        """One of its rows, nothing behind the last."""
        if number >= len(self._begins):
            return Content()
        start = self._begins[number]
        stop = self._begins[number + 1] if number + 1 < len(self._begins) else len(self._text)
        spans = [span for layer in self._layers for span in layer.between(start, stop)]
        return Content(self._text[start:stop], spans, strip_control_codes=False)


class _Layer:
    """Spans from left to right, none of which lies over another."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._ends = [span.end for span in spans]

    def between(self, start: int, stop: int) -> Iterator[Span]:
        """Their parts in this stretch of the text, as of a text that begins there."""
        for number in range(bisect_right(self._ends, start), len(self._spans)):
            if (span := self._spans[number]).start >= stop:
                break
            yield Span(max(span.start, start) - start, min(span.end, stop) - start, span.style)


def with_selection(text: Content, selected: tuple[int, int, Style] | None) -> Content:
    """The text with what is selected in another style."""
    if selected is None:
        return text
    start, stop, style = selected
    stop = len(text) if stop < 0 else min(stop, len(text))
    return text.add_spans([Span(start, stop, style)]) if start < stop else text  # an empty span is an error to Textual


def folds(text: str, width: int) -> list[int]:
    """Where the rows begin, by characters, if the text is wrapped at so many cells."""
    if text.isascii():  # each is one cell wide, for none is a control character
        return list(range(0, len(text), width)) or [0]
    return list(_folds(text, width))


def _folds(text: str, width: int) -> Iterator[int]:
    yield 0
    cells = 0
    for index, character in enumerate(text):
        size = get_character_cell_size(character)
        if cells + size > width and cells:
            yield index
            cells = 0
        cells += size


def thumb(start: int, stop: int, size: int, height: int) -> range:
    """The rows of a scrollbar that stand for what is in sight, the bytes from `start` to `stop` of `size`."""
    if stop - start >= size or not height:
        return range(0)
    length = max(1, height * (stop - start) // size)
    first = (height - length) * start // (size - (stop - start))
    return range(min(first, height - length), min(first, height - length) + length)
