"""Which failed runs are tried again by themselves, and after which wait."""

from __future__ import annotations

from pyalma_tui.runner.retries import CRASHES, Retries


def waits(retries: Retries, run: int, times: int) -> list[float]:
    """The waits after so many failures, each told when the wait before it was over."""
    found, now = [], 0.0
    for _ in range(times):
        assert retries.failed(run, now)
        begun = now
        while not retries.due(now, lambda _: True):
            now += 0.5
        found.append(now - begun)
    return found


def test_the_wait_doubles_from_a_second_to_a_minute() -> None:
    assert waits(Retries(8), 1, 8) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_the_limit_it_is_not_tried_again() -> None:
    retries = Retries(1)
    assert retries.failed(1, 0.0)
    assert not retries.failed(1, 5.0)
    assert retries.failed(2, 5.0), "each run has its own count"
    retries.limit = 3
    assert retries.failed(1, 6.0), "a limit that is raised counts from then on"


def test_one_that_was_seen_to_meanwhile_does_not_wait_any_more() -> None:
    retries = Retries(5)
    retries.failed(1, 0.0)
    retries.failed(2, 0.0)
    assert retries.due(1.0, lambda run: run == 2) == [2]
    assert not retries


def test_a_run_that_ends_worker_after_worker_is_within_the_limit_but_does_not_wait() -> None:
    retries = Retries(100)
    for _ in range(CRASHES - 1):
        retries.crashed(1)
    retries.failed(1, 0.0)
    assert retries
    retries.clear()
    retries.crashed(1)
    assert retries.is_deadly(1)
    assert retries.failed(1, 0.0)
    assert not retries
