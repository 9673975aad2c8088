"""Which columns the list of instances has at a width, and how wide each is."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from pyalma_tui.model.checks import brief, text_of
from pyalma_tui.model.data_value import data_of
from pyalma_tui.model.instance import Instance
from pyalma_tui.tui import cells
from pyalma_tui.tui.literal import plain

FRONT = 3  # mark, glyph, space
GAP = "  "
LEAST_STATE = 16  # enough to tell two errors apart
ENOUGH_STATE, LEAST_LOG = 24, 20  # what these keep before other columns come in …
CLOSE_STATE, CLOSE_LOG = 18, 16  # … and before the last of them do
NUMBER = 7  # a space and `≈100 %`
BAR, SHORT_BAR = 16, 8  # cells of a bar: that is wide enough, and beside other columns
SEED, SHORT_SEED = 19, 9  # digits of the longest seed, and of one that somebody wants to see where there is no room
LOOKED_AT = 2000  # names: enough to know how long they are
SAMPLE = 100  # instances whose data is looked into
MOST_PARAMETERS = 6
LONGEST_NAME, LONGEST_PARAMETER = 40, 14
LONGEST_ALONE = 60  # of a name that has the room of the states
DATA: Final = "data."

TITLES: Final[dict[str, str]] = {
    "name": "instance",
    "status": "status",
    "runs": "runs",
    "progress": "progress",
    "state": "last saved state",
    "log": "last line of its log",
    "time": "time",
    "attempts": "attempts",
    "saves": "saves",
    "worker": "worker",
    "memory": "memory",
    "seed": "seed",
    "host": "host",
}
"""All columns by the names that preferences know; `data.` and a key of an instance's data is another."""
SHORT: Final = {"progress": "   done", "state": "state", "log": "log"}
WIDTHS: Final = {"time": 8, "attempts": 8, "saves": 6, "worker": 6, "memory": 7, "seed": SEED}
LONGEST_HOST = 12
TO_THE_RIGHT: Final = frozenset({"runs", "time", "attempts", "saves", "worker", "memory"})
MORE: Final = ("attempts", "saves", "log", "worker", "memory", "host", "seed")
"""What comes in where there is room, the most telling first; a seed is whole or not there: nobody can use a part."""
NAMES: Final = tuple(TITLES)
"""The order on the screen, if nobody prefers another; parameters stand behind the name."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its cells; one of numbers has them at its right end."""

    name: str
    width: int
    to_the_right: bool = False

    @property
    def title(self) -> str:
        """What stands above it, cut to its width."""
        title = TITLES.get(self.name) or plain(self.name.removeprefix(DATA), self.width)
        if self.width < len(title) or (self.name == "progress" and self.width <= NUMBER):
            title = SHORT.get(self.name, title)
        return self.fit(title)

    def fit(self, text: str) -> str:
        """The text in the cells of the column."""
        return (cells.fit_right if self.to_the_right else cells.fit)(text, self.width)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns from left to right."""

    shown: tuple[Column, ...] = ()

    def width(self, name: str) -> int:
        """The cells of a column, 0 if it is not shown."""
        return next((column.width for column in self.shown if column.name == name), 0)

    @property
    def titles(self) -> str:
        """The line above the list."""
        return " " * FRONT + "".join(column.title + GAP for column in self.shown)

    def at(self, cell: int) -> str:
        """The name of the column that a cell of the line belongs to, "" if none does."""
        end = FRONT
        for column in self.shown:
            end += column.width + len(GAP)
            if cell < end:
                return column.name
        return ""


@dataclass(frozen=True, slots=True)
class Measurements:
    """What the widths follow from: the longest name, how many runs an instance has, what tells instances apart.

    Of an experiment that is `silent` there is nothing to say in the column of states and errors.
    """

    longest: int = 0
    iterations: int = 1
    parameters: tuple[Column, ...] = ()
    hosts: int = 0  # the cells of their names, 0 where all runs are on one
    silent: bool = False


def known_of(instances: Sequence[Instance], iterations: int, hosts: int, *, silent: bool = False) -> Measurements:
    """What is known of these instances by a look at some of them."""
    step = max(1, len(instances) // LOOKED_AT)
    longest = max((len(instances[i].label) for i in range(0, len(instances), step)), default=0)
    places = random.Random(0).sample(range(len(instances)), min(SAMPLE, len(instances)))  # every tenth may be alike
    some = (instances[i] for i in sorted(places))
    return Measurements(longest, iterations, tuple(_parameters(some)), hosts, silent)


def _parameters(instances: Iterable[Instance]) -> Iterable[Column]:
    """The keys of objects that instances hold: those that tell them apart, each as wide as its values."""
    values: dict[str, list[Any]] = {}
    looked = 0
    for instance in instances:
        data = data_of(instance)
        looked += data is not None
        for key, value in (data or {}).items():
            if isinstance(value, str | int | float | None) and len(key) <= LONGEST_NAME:
                values.setdefault(key, []).append(value)
    for key, found in values.items():
        if len({text_of(value) for value in found}) > 1 or looked == 1:
            width = min(LONGEST_PARAMETER, max(len(key), *(len(brief(value)) for value in found)))
            numbers = all(isinstance(value, int | float) for value in found)
            yield Column(DATA + key, max(1, width), to_the_right=numbers)


@lru_cache(8)
def columns(width: int, known: Measurements, preferred: tuple[str, ...] | None = None) -> Columns:
    """The columns that fit into `width` cells: those that are preferred, else the most telling."""
    if preferred is not None:
        return _preferred(width, known, preferred)
    wanted = [
        *known.parameters[:MOST_PARAMETERS],
        *(_of(name, known) for name in MORE if name != "host" or known.hosts),
    ]
    enough, close = (0, 0) if known.silent else (ENOUGH_STATE, CLOSE_STATE)
    found = _joined(width, known, wanted, enough, LEAST_LOG, SHORT_BAR)
    if "log" in found and any(column.name not in found for column in wanted):  # it is broad: all may find room
        found = _joined(width, known, wanted, close, CLOSE_LOG, 0)
    if known.silent:
        del found["state"]
    parameters = [replace(each, width=found[each.name]) for each in known.parameters if each.name in found]
    shown = [replace(_of(name, known), width=found[name]) for name in NAMES if found.get(name)]
    return Columns((*shown[:1], *parameters, *shown[1:]))


def _joined(
    width: int, known: Measurements, wanted: Iterable[Column], enough: int, log: int, bar: int
) -> dict[str, int]:
    """The cells of the usual columns and of what else is wanted, as far as the state keeps enough; a log has its least.

    A bar longer than this one gives way; where there are several iterations it may do so wholly, for they are counted.
    """
    found = _usual(width, known)
    state, bar = found.get("state", 0), bar if known.iterations > 1 else SHORT_BAR
    if found.get("progress", 0) > NUMBER + bar and state >= enough:
        state += found["progress"] - NUMBER - bar
        found["progress"] = NUMBER + bar
    for column in wanted:
        need = (log if column.name == "log" else column.width) + len(GAP)
        if state - need >= enough:
            state -= need
            found[column.name] = need - len(GAP)
    if "log" in found:
        spare = (state - enough) // 2  # both are cut by the end of the line
        found["log"], state = found["log"] + spare, state - spare
    if state or known.silent:
        found["state"] = state
    return found


def _of(name: str, known: Measurements) -> Column:
    """A column as wide as what stands in it mostly is."""
    if name.startswith(DATA):
        return next((each for each in known.parameters if each.name == name), Column(name, LONGEST_PARAMETER))
    least = {
        "name": min(max(known.longest, 8), LONGEST_NAME),
        "status": 14 if known.iterations > 1 else 11,  # `12 interrupted`
        "runs": _digits(known.iterations),
        "progress": NUMBER + BAR,
        "state": LEAST_STATE,
        "log": LEAST_LOG,
        "host": min(known.hosts, LONGEST_HOST) or LONGEST_HOST,
    }
    return Column(name, least.get(name) or WIDTHS[name], name in TO_THE_RIGHT)


def _digits(iterations: int) -> int:
    return max(len("runs"), 2 * len(cells.count(iterations)) + 1)


def _usual(width: int, known: Measurements) -> dict[str, int]:
    """The cells of the columns that tell how it goes, the most telling first; all that is left is the state's."""
    left = width - FRONT + 1  # the last gap is one cell of air
    if left < 20:
        return {"name": max(0, left - 2)}
    status = time = done = bar = 0
    if left >= 36:
        status = 14 if known.iterations > 1 else 11
        left -= status + 2
    if left >= 32:
        time, left = WIDTHS["time"], left - WIDTHS["time"] - 2
    digits = _digits(known.iterations)
    if known.iterations > 1 and left >= 16 + digits:
        done, left = digits, left - digits - 2
    if left >= 28:
        spare = (left - NUMBER - 6 - min(known.longest, 28)) * 2 // 5  # the larger part is the state's
        bar = NUMBER + (min(spare, BAR) if spare >= 5 else 0)
        left -= bar + 2
    if known.silent:
        name = min(max(known.longest, 8), LONGEST_ALONE, left - 2)
        return {"name": name, "status": status, "runs": done, "progress": bar, "state": left - name - 2, "time": time}
    name, state = _name_and_state(left, known.longest)
    if known.iterations > 1 and bar and state < LEAST_STATE:  # how many runs are done is told already
        left, bar = left + bar + 2, 0
        name, state = _name_and_state(left, known.longest)
    if state < 5:
        name, state = left - 2, 0
    return {"name": name, "status": status, "runs": done, "progress": bar, "state": state, "time": time}


def _name_and_state(left: int, longest: int) -> tuple[int, int]:
    name = min(max(longest, 8), left - 2 if left < 22 else max(12, left // 2))
    return name, left - name - 4


def _preferred(width: int, known: Measurements, names: Sequence[str]) -> Columns:
    """These columns in this order, as many as fit; what is left is for the texts that are cut."""
    full = [_of(name, known) for name in names]
    short = {"seed": SHORT_SEED, "progress": NUMBER + SHORT_BAR}
    left = width - FRONT + 1
    if sum(column.width + len(GAP) for column in full) > left:
        full = [replace(column, width=short.get(column.name, column.width)) for column in full]
    found: list[Column] = []
    for column in full:
        if column.width + len(GAP) > left:
            if not found:
                found.append(replace(column, width=max(0, left - len(GAP))))
                left = 0
            break
        found.append(column)
        left -= column.width + len(GAP)
    texts = [place for place, column in enumerate(found) if column.name in ("state", "log")]
    for number, place in enumerate(texts):
        share = left // (len(texts) - number)
        found[place] = replace(found[place], width=found[place].width + share)
        left -= share
    return Columns(tuple(column for column in found if column.width))
