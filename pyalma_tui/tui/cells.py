"""Numbers, times of the day and bars as text of a known width in terminal cells. Nothing here knows a widget."""

from __future__ import annotations

import time

from rich.cells import cell_len, set_cell_size

FULL, HALF, EMPTY = "━", "╾", "─"


def count(number: int) -> str:
    """1732 as `1,732`."""
    return f"{number:,}"


def moment(at: float, now: float) -> str:
    """A time of the day, with the date in front if that is not today's."""
    then, today = time.localtime(at), time.localtime(now)
    form = "%H:%M" if then[:3] == today[:3] else "%b %d %H:%M" if then.tm_year == today.tm_year else "%Y-%m-%d %H:%M"
    return time.strftime(form, then)


def exact(at: float, now: float) -> str:
    """A time of the day to the second, with the date in front if that is not today's."""
    return f"{moment(at, now)}{time.strftime(':%S', time.localtime(at))}"


def stamp(at: float) -> str:
    """A time with its date, as in messages about the lock."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def percent(fraction: float) -> str:
    """A share as `86 %`, rounded down: 100 only if nothing is left."""
    return f"{int(min(max(fraction, 0.0), 1.0) * 100)} %"


def bar(fraction: float, width: int) -> tuple[str, str]:
    """The filled and the empty part of a bar, in steps of half a cell."""
    halves = int(min(max(fraction, 0.0), 1.0) * width * 2)
    filled = FULL * (halves // 2) + HALF * (halves % 2)
    return filled, EMPTY * (width - len(filled))


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells: padded, or cut at its end with `…`."""
    if width <= 0:
        return ""
    text = text[: 4 * width + 8]
    size = cell_len(text)
    if size <= width:
        return text + " " * (width - size)
    return str(set_cell_size(text, width - 1)) + "…"


def fit_middle(text: str, width: int) -> str:
    """The text in exactly `width` cells; a long one loses its middle, for the end of a path tells files apart."""
    if width < 8 or (len(text) <= 4 * width and cell_len(text) <= width):
        return fit(text, width)
    tail_width = (width - 1) * 2 // 3
    tail = text[-tail_width:]
    while cell_len(tail) > tail_width:
        tail = tail[1:]
    head = str(set_cell_size(text[: 4 * width], width - 1 - cell_len(tail)))
    return f"{head}…{tail}"


def fit_right(text: str, width: int) -> str:
    """The text at the right end of `width` cells."""
    size = cell_len(text)
    return " " * (width - size) + text if size <= width else fit(text, width)
