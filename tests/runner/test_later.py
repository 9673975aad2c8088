"""What is tried again later: starts of workers, and runs that a full disk has interrupted."""

from __future__ import annotations

from pyalma_tui.runner import room
from pyalma_tui.runner.queue import Queue
from pyalma_tui.runner.room import Room
from pyalma_tui.runner.starting import TRIES, Starting


def waits(starting: Starting, *, others: bool = True) -> float:
    """Seconds until a worker may be started, after something failed at 0."""
    return next(tenth / 10 for tenth in range(10_000) if starting.may(tenth / 10, others=others))


def test_a_shortage_is_told_once_and_tried_again_for_ever_at_most_a_minute_apart() -> None:
    starting = Starting()
    assert starting.may(0.0, others=False)
    assert [starting.short(0.0) for _ in range(3)] == [True, False, False]
    for _ in range(20):
        starting.short(0.0)
    assert waits(starting) == 60.0
    starting.loaded()
    assert starting.may(0.0, others=False)
    assert starting.short(1.0), "the next one is news again"


def test_after_three_deaths_in_a_row_no_worker_is_started_while_others_go_on() -> None:
    starting = Starting()
    assert [starting.died(0.0) for _ in range(TRIES)] == [False, False, True]
    assert not starting.may(1e9, others=True)
    assert waits(starting, others=False) == 2.0, "without any other, one is"
    starting.anew()
    assert starting.may(0.0, others=True), "the user wants it"


def test_a_worker_that_loads_ends_the_row() -> None:
    starting = Starting()
    for _ in range(5):
        assert not starting.died(0.0)
        assert not starting.died(0.0)
        starting.loaded()


def looks(disk: Room, *, begun: float = 0.0) -> float:
    """Seconds after which it goes on if the disk takes a checkpoint at once."""
    disk.refused(begun)
    found = next(tenth / 10 for tenth in range(10_000) if disk.is_found(begun + tenth / 10, stored=True))
    return round(found, 1)


def test_a_disk_that_is_full_again_and_again_is_looked_at_less_often() -> None:
    disk = Room()
    assert not disk.is_found(1e9, stored=True), "nobody waits"
    assert [looks(disk) for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert looks(disk, begun=1000.0) == 2, "it had room for a while"


def test_a_disk_that_takes_no_checkpoint_has_no_room() -> None:
    disk = Room()
    disk.refused(0.0)
    disk.refused(5.0)  # another worker: the same fullness
    assert not disk.is_found(3000.0, stored=False)
    assert disk.is_expected(3000.0)
    assert not disk.is_expected(room.PATIENCE), "a program without a screen ends then"
    assert disk.is_found(2 * room.PATIENCE, stored=True), "one with a screen goes on"


def test_what_is_barred_waits_on_in_its_place() -> None:
    queue = Queue([3, 1, 2, 4])
    queue.add([1, 2, 3, 4])
    queue.put_first([4])
    assert queue.pop({4, 3}) == 1
    assert queue.pop({4, 3, 2}) is None
    assert len(queue) == 3
    assert [queue.pop() for _ in range(4)] == [4, 3, 2, None]
