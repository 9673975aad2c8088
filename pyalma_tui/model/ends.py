"""When runs ended and how long they took, as columns: all that plots over time are made of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nlargest
from typing import TypeVar

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.evenly import evenly
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.vector import Frozen

LEAST_PAUSE = 60.0  # seconds without any run that are a pause, at least, …
SHARE_OF_PAUSE = 0.02  # … and this share of all the time
SLOWEST = 40
C = TypeVar("C")
WANTED = bytes(s.LETTER[word] for word in ("done", "failed", "interrupted", "running"))


class EndColumns(msgspec.Struct, frozen=True, gc=False):
    """Runs that ended, of one block or of all: when (seconds of the epoch) and how, after which attempt.

    `took` are the seconds of the last attempt, `worked` those of all attempts. `word` are the letters of `status`.
    """

    run: list[int]
    instance: list[int]
    at: list[float]
    took: list[float]
    worked: list[float]
    word: bytearray


def empty() -> EndColumns:
    """No runs."""
    return EndColumns([], [], [], [], [], bytearray())


def columns_of(block: Iterable[Run]) -> EndColumns:
    """The runs of a block that ended."""
    found = empty()
    for run in block:
        status = run.status
        if type(status) is s.Done:
            took = status.duration
        elif type(status) is s.Failed or type(status) is s.Interrupted:
            took = min(run.seconds, max(0.0, status.at - run.began)) if run.began is not None else 0.0
        else:
            continue
        found.run.append(run.id)
        found.instance.append(run.instance)
        found.at.append(status.at)
        found.took.append(took)
        found.worked.append(run.seconds)
        found.word.append(s.LETTER[s.word(status)])
    return found


class Ends:
    """The columns, kept up to date: only blocks of runs that changed since the last call are looked at.

    Blocks are gone through far apart first, so what is known after a while is a sample of all.
    """

    def __init__(self) -> None:
        self._seen: list[Sequence[Run] | None] = []
        self._parts: list[EndColumns] = []
        self.behind = False
        self.looked_at = 0.0  # the share of blocks that are known

    def update(self, runs: Frozen[Run], enough: Callable[[], bool] = lambda: False) -> bool:
        """Whether anything changed. Once `enough` says so it looks no further, and `behind` tells that."""
        blocks, changed = runs.blocks, False
        seen, parts = self._seen, self._parts
        if len(blocks) < len(seen):
            seen.clear()
            parts.clear()
        parts.extend(empty() for _ in range(len(blocks) - len(parts)))
        seen.extend(None for _ in range(len(blocks) - len(seen)))
        self.behind = False
        todo = [index for index, block in enumerate(blocks) if seen[index] is not block]
        for index in spread(todo):
            if enough():
                self.behind = True
                break
            block = blocks[index]
            words: bytes | None = getattr(block, "words", None)  # of runs that nobody has made yet
            nothing = words is not None and not any(letter in words for letter in WANTED)
            parts[index] = empty() if nothing else columns_of(block)
            seen[index] = block
            changed = True
        known = sum(1 for block in seen if block is not None)
        self.looked_at = known / len(seen) if seen else 1.0
        return changed

    def all(self) -> EndColumns:
        """All that are known, by the ids of the runs."""
        found = empty()
        for part in self._parts:
            found.run.extend(part.run)
            found.instance.extend(part.instance)
            found.at.extend(part.at)
            found.took.extend(part.took)
            found.worked.extend(part.worked)
            found.word.extend(part.word)
        return found


def every(columns: EndColumns, step: int) -> EndColumns:
    """One of so many runs, evenly from all."""
    if step == 1:
        return columns
    places = evenly(len(columns.run), step)

    def taken(values: Sequence[C]) -> list[C]:
        return [values[at] for at in places]

    return EndColumns(
        taken(columns.run), taken(columns.instance), taken(columns.at), taken(columns.took),
        taken(columns.worked), bytearray(taken(columns.word)),
    )  # fmt: skip


def spread(numbers: Sequence[int]) -> Iterator[int]:
    """The same numbers in an order in which the first few are spread over all of them (bits from the last one)."""
    bits = max(1, (len(numbers) - 1).bit_length())
    for place in range(1 << bits):
        at = int(f"{place:0{bits}b}"[::-1], 2)
        if at < len(numbers):
            yield numbers[at]


class Timeline(msgspec.Struct, frozen=True):
    """Time in which something ran: the spans between pauses, in seconds of the epoch, one after the other."""

    spans: tuple[tuple[float, float], ...] = ()

    @property
    def length(self) -> float:
        """The seconds without the pauses."""
        return sum(end - start for start, end in self.spans)

    def place(self, at: float) -> float:
        """How many seconds something had run by then."""
        number = bisect_right(self.spans, at, key=lambda span: span[0]) - 1
        before = sum(end - start for start, end in self.spans[: max(number, 0)])
        return before + min(at, self.spans[number][1]) - self.spans[number][0] if number >= 0 else 0.0

    def moment(self, place: float) -> float:
        """When something had run for so many seconds."""
        for start, end in self.spans:
            if place <= end - start:
                return start + place
            place -= end - start
        return self.spans[-1][1] if self.spans else 0.0

    def pauses(self) -> list[tuple[float, float]]:
        """Each pause as its place and its length, both in seconds."""
        found, place = [], 0.0
        for (start, end), (following, _) in zip(self.spans, self.spans[1:], strict=False):
            place += end - start
            found.append((place, following - end))
        return found


def timeline(columns: EndColumns, running: Iterable[float] = (), now: float | None = None) -> Timeline:
    """When anything ran; `running` are when the runs began that run `now`."""
    attempts = [(at - took, at) for at, took in zip(columns.at, columns.took, strict=True)]
    if now is not None:
        attempts += [(since, now) for since in running]
    if not attempts:
        return Timeline()
    attempts.sort()
    whole = max(end for _, end in attempts) - attempts[0][0]
    least = max(LEAST_PAUSE, SHARE_OF_PAUSE * whole)
    spans: list[tuple[float, float]] = []
    start, end = attempts[0]
    for begun, ended in attempts:
        if begun - end > least:
            spans.append((start, end))
            start, end = begun, ended
        elif ended > end:
            end = ended
    return Timeline((*spans, (start, end)))


def counted(columns: EndColumns, line: Timeline, bins: int, *words: s.Word) -> list[int]:
    """How many runs with one of these statuses ended in each of so many equal parts of the timeline."""
    counts, length = [0] * bins, line.length
    letters = {s.LETTER[word] for word in words}
    starts, before = _offsets(line)
    for at, letter in zip(columns.at, columns.word, strict=True):
        if letter in letters:
            number = max(bisect_right(starts, at) - 1, 0)
            place = before[number] + min(at, line.spans[number][1]) - starts[number]
            counts[min(max(int(place * bins / length), 0), bins - 1) if length else 0] += 1
    return counts


def occupied(
    columns: EndColumns, line: Timeline, bins: int, running: Iterable[float] = (), now: float | None = None
) -> list[float]:
    """How many runs were being called in each part of the timeline, on average; earlier attempts are not known."""
    length = line.length
    if not length:
        return [0.0] * bins
    width = length / bins
    starts, before = _offsets(line)

    def place(at: float) -> float:
        number = max(bisect_right(starts, at) - 1, 0)
        return before[number] + max(0.0, min(at, line.spans[number][1]) - starts[number])

    # each attempt adds to the bins where it begins and ends what it had of them, to those between all: by differences
    partial, full = [0.0] * (bins + 1), [0] * (bins + 1)
    attempts = [(at - took, at) for at, took in zip(columns.at, columns.took, strict=True)]
    attempts += [] if now is None else [(since, now) for since in running]
    for begun, ended in attempts:
        low, high = place(begun) / width, place(ended) / width
        first, last = min(int(low), bins - 1), min(int(high), bins - 1)
        if first == last:
            partial[first] += high - low
        else:
            partial[first] += first + 1 - low
            partial[last] += high - last
            full[first + 1] += 1
            full[last] -= 1
    found, within = [], 0
    for number in range(bins):
        within += full[number]
        found.append(partial[number] + within)
    return found


def _offsets(line: Timeline) -> tuple[list[float], list[float]]:
    starts, before, total = [], [], 0.0
    for start, end in line.spans:
        starts.append(start)
        before.append(total)
        total += end - start
    return starts, before


def durations(columns: EndColumns) -> list[float]:
    """The seconds that each run took that is done, ascending."""
    done = s.LETTER["done"]
    return sorted(took for took, letter in zip(columns.worked, columns.word, strict=True) if letter == done)


def slowest(columns: EndColumns, most: int = SLOWEST) -> list[tuple[int, float]]:
    """The runs that are done and took longest, as (run, seconds)."""
    done = s.LETTER["done"]
    known = zip(columns.run, columns.worked, columns.word, strict=True)
    return nlargest(most, ((run, took) for run, took, letter in known if letter == done), key=lambda pair: pair[1])


def by_instance(columns: EndColumns, most: int = SLOWEST) -> list[tuple[int, float, int]]:
    """The instances whose done runs took longest on average, as (instance, mean seconds, runs)."""
    done = s.LETTER["done"]
    sums: dict[int, tuple[float, int]] = {}
    for instance, took, letter in zip(columns.instance, columns.worked, columns.word, strict=True):
        if letter == done:
            total, number = sums.get(instance, (0.0, 0))
            sums[instance] = (total + took, number + 1)
    means = ((instance, total / number, number) for instance, (total, number) in sums.items())
    return nlargest(most, means, key=lambda each: each[1])
