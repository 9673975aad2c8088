"""Failed runs by kind: what was raised, where in the user's code, and with which words, numbers aside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.vector import BITS, Frozen

BLANK = "#"
LONGEST = 200  # characters of a text that tell kinds apart
KNOWN = 5_000  # errors that are remembered by their frames
LIBRARY = ("/site-packages/", "/dist-packages/", "/lib/python3", "/lib64/python3")

_KIND = re.compile(r"([^\W\d][\w.]*)(?:: |:?$)")
_DIGITS = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_NUMBER = re.compile(r"(?:(?<![\w#])[+-])?#(?:[.,]#)*(?:[eE][+-]?#)?")
_FRAME = '\n  File "'
_GROUPED = re.compile(r'\n *\|? +File "')


class Location(msgspec.Struct, frozen=True):
    """A line of a file and the function that it is in, "" and 0 where nothing tells."""

    file: str = ""
    line: int = 0
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file.rpartition('/')[2]}:{self.line}" if self.file else ""


class Kind(msgspec.Struct, frozen=True):
    """What makes two failures one kind.

    `raised` is the name of the exception, "" for what was no exception, such as a killed worker; `text` is what it
    said, with `#` for each number.
    """

    raised: str
    text: str
    location: Location

    def __str__(self) -> str:
        return ": ".join(part for part in (self.raised, self.text) if part)


def kind_of(error: s.Error, folder: str = "") -> Kind:
    """The kind that an error is of; `folder` is where the user's code is, with a slash at its end."""
    raised, text = _said(error.message)
    return Kind(raised, _NUMBER.sub(BLANK, text), place_of(error.traceback, folder))


def _said(message: str) -> tuple[str, str]:
    """The name of an exception, and what it said with a sign for each row of digits.

    A sentence of ours keeps them: they tell kinds apart, as an exit code does.
    """
    found = _KIND.match(message)
    if found is None:
        return "", message[:LONGEST]
    return found[1], _DIGITS.sub(BLANK, message[found.end() : found.end() + LONGEST])


def place_of(traceback: str, folder: str = "") -> Location:
    """The innermost line of a traceback that is in this folder, else in no library, else at all.

    Of a chain of exceptions the last one counts. The format is that of `traceback.format_exception`.
    """
    last = max(traceback.rfind("\nTraceback (most recent call last):\n"), 0)
    innermost = own = None
    for location in _frames(traceback, last):
        innermost = innermost or location
        if location.file.startswith("<") or any(part in location.file for part in LIBRARY):
            continue
        if location.file.startswith(folder):
            return location
        own = own or location
    return own or innermost or Location()


def _frames(traceback: str, start: int) -> Iterator[Location]:
    """The places of its frames, the innermost first."""
    end = len(traceback)
    while (at := traceback.rfind(_FRAME, start, end)) >= 0:
        if (frame := _frame(traceback, at + len(_FRAME))) is not None:
            yield frame
        end = at
    if end == len(traceback):  # that of a group of exceptions is indented
        for found in reversed(list(_GROUPED.finditer(traceback, start))):
            if (frame := _frame(traceback, found.end())) is not None:
                yield frame


def _frame(traceback: str, at: int) -> Location | None:
    line = traceback[at : traceback.find("\n", at)]  # each line of a traceback ends with a newline
    file, found, rest = line.rpartition('", line ')
    number, _, function = rest.partition(", in ")
    return Location(file, int(number), function) if found and number.isdecimal() and len(number) < 12 else None


class Group(msgspec.Struct, frozen=True):
    """The failed runs of one kind. `number` names it for as long as the program runs.

    `runs` are their ids, the latest failure first; `first` and `last` are when they failed, in seconds of the epoch.
    `instances` is of how many instances they are.
    """

    number: int
    kind: Kind
    runs: tuple[int, ...]
    instances: int
    first: float
    last: float


class Failures:
    """The groups, kept up to date: only blocks of runs that changed since the last call are looked at."""

    def __init__(self, folder: str = "") -> None:
        """`folder` is where the user's code is."""
        self._folder = folder.rstrip("/") + "/" if folder else ""
        self._seen: list[Sequence[Run]] = []  # blocks
        self._numbers: dict[Kind, int] = {}
        self._alike: dict[tuple[str, str, str], int] = {}  # what was said and by which frames: the number of its kind
        self._kinds: list[Kind] = []
        self._failed: dict[int, int] = {}  # by run: the number of its kind
        self._at: dict[int, float] = {}
        self._members: list[dict[int, int]] = []  # by number of the kind: runs, and the instance of each
        self._groups: dict[int, Group] = {}
        self._order: Sequence[Group] = ()
        self.behind = False

    def update(self, runs: Frozen[Run], enough: Callable[[], bool] = lambda: False) -> Sequence[Group]:
        """The groups, the largest first: the same object as before if nothing changed.

        Once `enough` says so it looks no further; `behind` tells then that another call has to go on.
        """
        touched: set[int] = set()
        seen, blocks = self._seen, runs.blocks
        del seen[len(blocks) :]
        seen.extend(() for _ in range(len(blocks) - len(seen)))
        self.behind = False
        for index, block in enumerate(blocks):
            if seen[index] is not block:
                if enough():
                    self.behind = True
                    break
                words: bytes | None = getattr(block, "words", None)  # of runs that nobody has made yet
                if seen[index] or words is None or s.LETTER["failed"] in words:
                    self._look_at(index << BITS, block, touched)
                seen[index] = block
        if touched:
            for number in touched:
                self._regroup(number)
            self._order = sorted(self._groups.values(), key=lambda group: (-len(group.runs), group.number))
        return self._order

    def group(self, number: int) -> Group | None:
        """The group with this number, None if none of its runs stands failed any more."""
        return self._groups.get(number)

    def _look_at(self, first: int, block: Sequence[Run], touched: set[int]) -> None:
        failed, at = self._failed, self._at
        for run_id, run in enumerate(block, first + 1):
            status = run.status
            if type(status) is s.Failed:
                number = self._number_of(status.error)
                known = failed.get(run_id)
                if known == number and at[run_id] == status.at:
                    continue
                at[run_id], failed[run_id] = status.at, number
                self._members[number][run_id] = run.instance
                touched.add(number)
                if known is None or known == number:
                    continue
            elif run_id in failed:
                known = failed.pop(run_id)
            else:
                continue
            del self._members[known][run_id]
            touched.add(known)

    def _number_of(self, error: s.Error) -> int:
        """The number of the kind, new if there was none like it. Most errors are known by what tells two apart: a look
        into each of 50,000 tracebacks takes 150 ms."""
        frames = error.traceback[: error.traceback.rfind("\n", 0, -1)]
        alike = (*_said(error.message), frames)
        number = self._alike.get(alike)
        if number is None:
            kind = kind_of(error, self._folder)
            number = self._numbers.setdefault(kind, len(self._kinds))
            if number == len(self._kinds):
                self._kinds.append(kind)
                self._members.append({})
            if len(self._alike) >= KNOWN:
                self._alike.clear()
            self._alike[alike] = number
        return number

    def _regroup(self, number: int) -> None:
        members = self._members[number]
        if not members:
            self._groups.pop(number, None)
            return
        at = self._at
        runs = sorted(members)
        runs.sort(key=at.__getitem__, reverse=True)
        instances = len(set(members.values()))
        self._groups[number] = Group(number, self._kinds[number], tuple(runs), instances, at[runs[-1]], at[runs[0]])
