"""How numbers of things and bytes, lengths of time and iterations are written, wherever they are told."""

from __future__ import annotations

from typing import Final

from pyalma_tui.model.forecast import YEAR, Forecast

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
TENTH: Final = 0.1
EXACT: Final = 10  # seconds below which a part of one matters


def plural(number: int, one: str, many: str = "") -> str:
    """How many there are, as `1 run`, `2 runs`, `50,000 runs`; `many` is given where an s does not do."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Bytes as `132 MB`: never more than three digits before the unit, one after the point below ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.1f} {unit}" if number < 9.95 and unit != "B" else f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def duration(seconds: float) -> str:
    """How long something took: `40 ms`, `0.4 s`, `0:41`, `3:12`, `1:02:03` or `2d 03:04`, at most 8 characters.

    Rounded down, so that nothing has taken longer than it had.
    """
    if seconds >= EXACT:
        return clock(seconds)
    if seconds >= TENTH:
        return f"{int(seconds * 10 + 1e-9) / 10:.1f} s"
    thousandths = int(max(0.0, seconds) * 1000 + 1e-6)
    return f"{thousandths} ms" if thousandths else "0 s"


def finely(seconds: float) -> str:
    """The same beside others from which it is to be told apart, as half of the runs from most: `0.12 s`, `3.45 s`."""
    return f"{int(seconds * 100 + 1e-9) / 100:.2f} s" if TENTH <= seconds < EXACT else duration(seconds)


def clock(seconds: float) -> str:
    """How long something goes on already, which changes once a second: `0:03`, else as `duration`."""
    whole = max(0, int(seconds))
    if whole >= 1000 * DAY:
        return f"{whole // DAY}d"
    if whole >= 10 * DAY:
        return f"{whole // DAY}d {whole % DAY // HOUR:02}h"
    if whole >= DAY:
        return f"{whole // DAY}d {whole % DAY // HOUR:02}:{whole % HOUR // MINUTE:02}"
    if whole >= HOUR:
        return f"{whole // HOUR}:{whole % HOUR // MINUTE:02}:{whole % MINUTE:02}"
    return f"{whole // MINUTE}:{whole % MINUTE:02}"


def unit_of(seconds: float) -> tuple[int, str]:
    """The unit in which a length of time is told: its seconds, and its name."""
    if seconds < 100:
        return 1, "s"
    if seconds < 100 * MINUTE:
        return MINUTE, "min"
    return (HOUR, "h") if seconds < 2 * DAY else (DAY, "d")


def span(seconds: float) -> str:
    """Seconds in one unit, for sentences: `3 s`, `12 min`, `7 h`."""
    size, unit = unit_of(max(0.0, seconds))
    return f"{int(max(0.0, seconds) // size)} {unit}"


def left(forecast: Forecast | None, now: float) -> str:
    """When all is done, seen from `now`: `~41 min left (80 %: 38–52)`, `~4 min left (80 %: 90 s–2.1 h)`.

    Where nobody knows how late it may be: `~5 h left (90 %: at least 25 min)`, or `at least 25 min left (90 %)`.
    """
    if forecast is None:
        return "time left unknown"
    low, middle, high = (_amount(max(0.0, at - now)) for at in (forecast.low, forecast.middle, forecast.high))
    told = f"~{middle[0]} {middle[1]} left"
    if not forecast.is_bounded(now):
        least = f"at least {low[0]} {low[1]}"
        return f"{least} left (90 %)" if forecast.middle - now > YEAR else f"{told} (90 %: {least})"
    if low == high:
        return told
    if low[1] == middle[1] == high[1]:
        return f"{told} (80 %: {low[0]}–{high[0]})"
    return f"{told} (80 %: {low[0]} {low[1]}–{high[0]} {high[1]})"


def _amount(seconds: float) -> tuple[str, str]:
    """A number and its unit; hours and days with a tenth while they are few."""
    size, unit = unit_of(seconds)
    value = seconds / size
    return f"{value:,.1f}" if size >= HOUR and value < 9.95 else f"{value:,.0f}", unit


def numbered(iteration: int) -> str:
    """An iteration as it is written everywhere: `#7` is the one that `run` gets as 7."""
    return f"#{iteration}"


def named(iterations: int) -> str:
    """Which iterations there are: `#0 to #19`."""
    return f"{numbered(0)} to {numbered(iterations - 1)}" if iterations > 1 else numbered(0)


def run_name(label: str, iteration: int, iterations: int) -> str:
    """What a run is called: the label of its instance and, of several iterations, which one: `g003#7`."""
    return label + numbered(iteration) if iterations > 1 else label
