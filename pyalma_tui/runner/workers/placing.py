"""Which worker is at which place, and which ones wait until a place has room for them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable

from pyalma_tui.model import afar
from pyalma_tui.runner.workers.place import Place
from pyalma_tui.runner.workers.protocol import Assignment


class Placing:
    """Owned by the runner thread; workers have the numbers that the runner gives them."""

    def __init__(self) -> None:
        self._of: dict[int, Place] = {}
        self._waiting: deque[tuple[int, Assignment]] = deque()
        self._signalled: set[int] = set()  # those that we have sent a signal

    @property
    def wanted(self) -> int:
        """How many workers there are, or are to be."""
        return len(self._waiting) + len(self._of)

    def awaited(self, places: Iterable[Place]) -> set[Place]:
        """The places that workers wait for: of those that are to come as many as these need, the oldest first."""
        coming, missing = [], len(self._waiting)
        for place in places:
            if missing > 0 and not (place.ready or place.lost or place.gone):
                coming.append(place)
                missing -= place.channel.site.slots
        return set(coming)

    def of(self, worker: int) -> Place | None:
        """Where it is, None if it waits, or has left."""
        return self._of.get(worker)

    def wait(self, worker: int, assignment: Assignment) -> None:
        """Let it wait for a place."""
        self._waiting.append((worker, assignment))

    def give_up(self, worker: int) -> bool:
        """Let it wait no more; whether it did."""
        there = len(self._waiting)
        self._waiting = deque(each for each in self._waiting if each[0] != worker)
        return len(self._waiting) < there

    def give_up_all(self) -> list[int]:
        """Let nobody wait any more; who did."""
        given_up = [worker for worker, _ in self._waiting]
        self._waiting.clear()
        return given_up

    def assign(self, places: Iterable[Place]) -> None:
        """Let those begin that places have room for, where there is most of it first."""
        while self._waiting and (place := max(places, key=lambda each: each.room, default=None)) is not None:
            if place.room <= 0:
                return
            worker, one = self._waiting.popleft()
            place.workers.add(worker)
            place.served = True
            self._of[worker] = place
            place.send(afar.Hire(worker, one.slot, one.segment, one.segment_limit, os.path.abspath(one.log)))

    def signalled(self, worker: int) -> None:
        """It was sent a signal: that it is killed is no wonder."""
        self._signalled.add(worker)

    def may_follow(self, worker: int, code: int) -> bool:
        """Whether it was killed by an engine that may be about to kill its place as well."""
        place = self._of.get(worker)
        return place is not None and place.may_follow(code) and worker not in self._signalled

    def part(self, worker: int) -> None:
        """It has left its place."""
        if (place := self._of.pop(worker, None)) is not None:
            place.workers.discard(worker)
            place.loads.pop(worker, None)
        self._signalled.discard(worker)
