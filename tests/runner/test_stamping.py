"""Times beside a log: when they are written, and what becomes of them when the log loses its middle."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from pyalma_tui.logs.times import PAIR, Times
from pyalma_tui.runner import bounds, stamping
from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.stamping import Stamps


class Clock:
    """The time, as a test sets it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in (stamping, bounds):
            patch.setattr(module.time, "monotonic", lambda: self.now)
            patch.setattr(module.time, "time", lambda: 1e9 + self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def pairs(log: Path) -> list[tuple[int, float]]:
    path = log.with_suffix(".times")
    return [(size, round(at - 1e9, 3)) for size, at in PAIR.iter_unpack(path.read_bytes())] if path.exists() else []


def test_a_pair_is_written_when_output_has_arrived_and_not_more_often_than_twice_a_second(
    tmp_path: Path, clock: Clock
) -> None:
    log = tmp_path / "1.log"
    bound = Bound(log, Stamps(log, None))
    for tick in range(31):
        clock.now = 100 + tick / 10
        if tick in (1, 2, 3, 12, 13, 25):
            with log.open("a") as file:
                file.write("a line\n")
        bound.look()
    assert pairs(log) == [(21, 100.5), (28, 101.2), (35, 101.7), (42, 102.5)]
    with log.open("a") as file:
        file.write("the last words\n")
    bound.settle()
    assert pairs(log)[-1] == (57, 103.0)


def test_a_short_run_or_one_that_prints_nothing_leaves_no_times(tmp_path: Path, clock: Clock) -> None:
    for name in ("1.log", "2.log"):
        log = tmp_path / name
        bound = Bound(log, Stamps(log, None))
        if name == "1.log":
            log.write_text("quick\n")
        clock.now += 0.4
        bound.look()
        clock.now += 0.0 if name == "1.log" else 9.0
        bound.settle()
    assert not list(tmp_path.glob("*.times"))


def test_lines_behind_a_middle_that_was_dropped_keep_their_times(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LIMIT", 40_000)
    monkeypatch.setattr(bounds, "HEAD", 8_192)
    monkeypatch.setattr(bounds, "TAIL", 8_192)
    log = tmp_path / "1.log"
    bound = Bound(log, Stamps(log, None))
    for second in range(1, 101):
        clock.now = 100.0 + second
        with log.open("a") as file:
            file.write(f"{second:>999}\n")
        bound.look()
    bound.settle()
    times = Times(log.with_suffix(".times"))
    times.refresh()
    offset, told = 0, []
    for line in log.read_bytes().splitlines(keepends=True):
        if b"dropped" not in line:
            told.append((int(line), times.of([offset])[0]))
        offset += len(line)
    times.close()
    assert len(told) > 10
    assert told == [(second, 1e9 + 100 + second) for second, _ in told]


def test_a_full_disk_costs_the_times_and_nothing_else(tmp_path: Path, clock: Clock) -> None:
    log = tmp_path / "1.log"
    bound = Bound(log, Stamps(log, None))
    log.write_text("a line\n")
    log.with_suffix(".times").mkdir()  # in its place stands something else
    clock.now += 1
    bound.look()
    bound.settle()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    other = tmp_path / "2.log"
    bound = Bound(other, Stamps(other, None))
    other.write_text("a line\n")
    clock.now += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        bound.look()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert pairs(other) == []
