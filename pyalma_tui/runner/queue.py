"""Which run is called next: dispatch order, whatever was added when."""

from __future__ import annotations

import heapq
from array import array
from collections import deque
from collections.abc import Collection, Sequence
from itertools import chain

from pyalma_tui.model.evenly import evenly


class Queue:
    """Runs that wait for a worker, handed out in dispatch order. `order` are the ids of all planned runs."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = order
        self._ranks = _ranks_in(order)
        self._heap: list[int] = []
        self._rest = range(0)  # ranks that wait as well: all of them, where the heap need not hold each
        self._first: deque[int] = deque()  # runs that go before all others
        self._waiting = bytearray(len(self._ranks))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, run: int) -> bool:
        return 0 < run < len(self._waiting) and bool(self._waiting[run])

    @property
    def planned(self) -> Sequence[int]:
        """All runs that may ever wait, in dispatch order."""
        return self._order

    @property
    def first(self) -> tuple[int, ...]:
        """The runs that wait before all others."""
        return tuple(self._first)

    def prefer(self, runs: Sequence[int]) -> None:
        """Those of these runs that wait are before all others, and no more than these."""
        self._first = deque([run for run in runs if run in self])

    def add(self, runs: Sequence[int]) -> int:
        """Let these runs wait; those that do already, or are not planned any more, are left as they are.

        How many are new.
        """
        if runs is self._order and not self._count:  # all of them: in order already
            self._heap.clear()
            self._rest = range(len(runs))
            self._waiting = bytearray(b"\1") * len(self._waiting)
            self._count = len(runs)
            return self._count
        ranks = [rank for run in runs if (rank := self._rank_of(run)) is not None and not self._waiting[run]]
        for rank in ranks:
            self._waiting[self._order[rank]] = 1
        self._count += len(ranks)
        if len(ranks) > len(self._heap):
            self._heap += ranks
            heapq.heapify(self._heap)
        else:
            for rank in ranks:
                heapq.heappush(self._heap, rank)
        return len(ranks)

    def put_first(self, runs: Sequence[int]) -> None:
        """Let these runs wait before all others, in dispatch order among themselves."""
        self.add(runs)
        first = sorted({run for run in runs if self._rank_of(run) is not None}, key=self._ranks.__getitem__)
        self._first = deque([*first, *(run for run in self._first if run not in first)])

    def clear(self) -> None:
        """Nobody waits any more."""
        self._heap.clear()
        self._rest = range(0)
        self._first.clear()
        self._waiting = bytearray(len(self._waiting))
        self._count = 0

    def discard(self, run: int) -> bool:
        """This run waits no more; whether it did."""
        if run >= len(self._waiting) or not self._waiting[run]:
            return False
        self._waiting[run] = 0
        self._count -= 1
        if run in self._first:
            self._first.remove(run)
        return True

    def pop(self, barred: Collection[int] = ()) -> int | None:
        """The next run that is not `barred`, None if there is none; those that are wait on."""
        found = next((run for run in self._first if run not in barred), None) if self._first else None
        held = []
        while found is None and (self._heap or self._rest):
            rank = self._next_rank()
            run = self._order[rank]
            if self._waiting[run] and run in barred:
                held.append(rank)
            elif self._waiting[run]:
                found = run
        for rank in held:
            heapq.heappush(self._heap, rank)
        if found is not None:
            self.discard(found)
        return found

    def ahead(self, most: int, last: int) -> tuple[list[int], list[int]]:
        """Of those that wait about `most`, evenly chosen, and after them the last ones, so many; in dispatch order.

        All are among the last if there are not more than both.
        """
        if self._count <= most + last:
            ranks = sorted({rank for rank in chain(self._heap, self._rest) if self._waiting[self._order[rank]]})
            return [], [self._order[rank] for rank in ranks]
        at = len(self._order)
        tail: list[int] = []
        while len(tail) < last:
            at -= 1
            if self._waiting[self._order[at]]:
                tail.append(self._order[at])
        step = max(1, (len(self._heap) + len(self._rest)) // most)
        chosen = [ranks[at] for ranks in (self._heap, self._rest) for at in evenly(len(ranks), step)]
        first = sorted({rank for rank in chosen if rank < at and self._waiting[self._order[rank]]})
        return [self._order[rank] for rank in first], tail[::-1]

    def _next_rank(self) -> int:
        if self._rest and not (self._heap and self._heap[0] < self._rest[0]):
            rank, self._rest = self._rest[0], self._rest[1:]
            return rank
        return heapq.heappop(self._heap)

    def _rank_of(self, run: int) -> int | None:
        rank = self._ranks[run] if 0 < run < len(self._ranks) else -1
        return rank if rank >= 0 else None


def _ranks_in(order: Sequence[int]) -> Sequence[int]:
    """By id the rank in the order, -1 for what is not in it."""
    if isinstance(order, range) and order and order.step == -1 and order[-1] == 1:
        return range(len(order), -1, -1)  # nobody asks for the run with id 0
    ranks = array("q", [-1]) * (max(order, default=0) + 1)
    for rank, run in enumerate(order):
        ranks[run] = rank
    return ranks
