"""What goes into a forecast, and how seldom it is made."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.foretelling import Known, forecast
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import Progressed, Returned, Started
from pyalma_tui.runner import foretold
from pyalma_tui.runner.foresight import BULK, LAST, Foresight, Waiting, foreseen, longest_of, waiting_of
from pyalma_tui.runner.queue import Queue
from pyalma_tui.store.ledger import Ledger

PATIENCE = 20.0  # seconds


def ledger(instances: int, iterations: int = 1, done: int = 0, seconds: float = 10.0) -> Ledger:
    """So many of the runs, in dispatch order, are done after so many seconds each."""
    runs = list(plan(instances, iterations, 1))
    for number in order(instances, iterations)[:done]:
        runs[number - 1] = replace(runs[number - 1], status=s.Done(1.0, seconds), seconds=seconds, attempt=1)
    return Ledger([Instance(i, str(i), f"/{i}") for i in range(instances)], runs, s.DoneHook())


def order(instances: int, iterations: int = 1) -> list[int]:
    return [k * instances + i + 1 for k in range(iterations) for i in range(instances - 1, -1, -1)]


def none() -> Waiting:
    return Waiting((), (), 0)


def test_a_queue_tells_what_is_ahead_in_dispatch_order() -> None:
    queue = Queue(order(1000))
    queue.add(queue._order)
    for _ in range(100):
        queue.pop()
    queue.discard(500)
    sample, last = queue.ahead(40, 20)
    assert last == order(1000)[-20:]
    assert 35 <= len(sample) <= 60
    assert sample == [run for run in order(1000)[100:-20] if run in sample]
    assert 500 not in sample
    assert queue.ahead(1000, 20) == ([], [run for run in order(1000)[100:] if run != 500])


def test_who_only_reads_the_files_finds_the_same_ahead() -> None:
    small = waiting_of(ledger(20, 3, done=25))
    assert list(small.last) == order(20, 3)[25:]
    large = waiting_of(ledger(500, 3, done=100))
    assert large.count == 1400
    assert list(large.last) == order(500, 3)[-LAST:]
    assert BULK <= len(large.sample) <= 2 * BULK
    assert list(large.sample) == [run for run in order(500, 3)[100:-LAST] if run in set(large.sample)]


def test_a_forecast_is_kept_until_another_is_due_or_the_workers_are_others() -> None:
    known, looked = ledger(50, done=20), []

    def waiting() -> Waiting:
        looked.append(1)
        return waiting_of(known)

    foresight = Foresight(first=0.0)
    first = foresight.look(known, (), waiting, 2)
    assert first is not None
    assert [foresight.look(known, (), waiting, 2) for _ in range(100)] == [first] * 100
    assert len(looked) == 1
    faster = foresight.look(known, (), waiting, 4)
    assert faster is not None
    assert faster.middle < first.middle


def test_who_decides_does_not_wait_for_a_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(known: Known) -> Forecast | None:
        go_on.wait(PATIENCE)
        return forecast(known)

    monkeypatch.setattr(foretold, "forecast", slow)
    known, foresight = ledger(50, done=20), Foresight(first=0.0, aside=True)
    assert [foresight.look(known, (), lambda: waiting_of(known), workers) for workers in (2, 2, 4)] == [None] * 3
    go_on.set()
    first = made(known, foresight, 2)
    assert first.workers[0][0] == 3
    assert made(known, foresight, 4, before=first).workers[0][0] == 5  # also while one was made for another number


def made(known: Ledger, foresight: Foresight, workers: int, before: Forecast | None = None) -> Forecast:
    """The next one, as soon as it is there."""
    deadline = time.monotonic() + PATIENCE
    while (found := foresight.look(known, (), lambda: waiting_of(known), workers)) is before or found is None:
        assert time.monotonic() < deadline, "no forecast is made"
        time.sleep(0.001)
    return found


def test_what_goes_wrong_aside_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(known: Known) -> Forecast | None:
        raise ZeroDivisionError(known.workers)

    monkeypatch.setattr(foretold, "forecast", wrong)
    with pytest.raises(ZeroDivisionError):
        made(ledger(50, done=20), Foresight(first=0.0, aside=True), 2)


def test_the_runner_and_who_reads_its_files_say_the_same() -> None:
    known = ledger(900, 3, done=700)
    queue = Queue(order(900, 3))
    queue.add(queue._order)
    for _ in range(700):
        queue.pop()
    theirs = foreseen(known, Chosen(workers=4, timeout=60.0, retries=1))
    ours = Foresight(first=0.0).look(
        known, (), lambda: Waiting(*queue.ahead(BULK, LAST), len(queue)), 4, longest=longest_of(60.0, 1)
    )
    assert theirs is not None
    assert ours is not None
    for mine, other in ((ours.low, theirs.low), (ours.middle, theirs.middle), (ours.high, theirs.high)):
        assert mine - time.time() == pytest.approx(other - time.time(), rel=0.002)


def test_it_costs_a_hundredth_of_a_core_at_most() -> None:
    known = ledger(100_000, done=50_000)
    foresight = Foresight(first=0.0)
    began = time.thread_time()
    foresight.look(known, (), lambda: waiting_of(known), 2)
    cost = time.thread_time() - began
    assert foresight._next - time.monotonic() > 60 * cost


def test_a_sample_tells_what_all_would() -> None:
    found = foreseen(ledger(30_000, done=10_000, seconds=10.0), Chosen(workers=10))
    assert found is not None
    assert found.middle - time.time() == pytest.approx(20_000, rel=0.1)
    again = foreseen(ledger(3_000, 10, done=10_000, seconds=10.0), Chosen(workers=10))
    assert again is not None
    assert again.middle - time.time() == pytest.approx(20_000, rel=0.1)


def advance(known: Ledger, foresight: Foresight, records: Sequence[Started | Progressed | Returned]) -> None:
    for record in records:
        run = known.apply(record)
        assert run is not None
        foresight.learn(record, run)


def test_progress_is_heeded_and_held_to_what_came() -> None:
    known, foresight = ledger(3), Foresight(first=0.0)
    advance(known, foresight, [Started(1, 1, 0, time.time() - 50, "", 1), Progressed(1, 1, 1.0, 2.0)])
    found = foresight.look(known, [1], none, 1)
    assert found is not None
    assert found.basis.progress == 1
    assert found.middle - time.time() == pytest.approx(50, rel=0.2)
    advance(known, foresight, [Returned(1, 1, 150.0)])
    assert list(foresight._told) == pytest.approx([0.585], rel=0.01)  # by the logarithm of 150 / 100, half done


def test_what_a_run_had_before_counts_only_if_it_goes_on_from_a_state() -> None:
    known = ledger(40, done=39)
    number = order(40)[39]
    stopped = replace(known.run(number), status=s.Interrupted("", 1.0), seconds=8.0, attempt=1)
    left = []
    for state in (None, b"1"):
        known.runs[number - 1] = replace(stopped, state=state)
        found = foreseen(known, Chosen(workers=1))
        assert found is not None
        left.append(found.middle - time.time())
    assert left == pytest.approx([10, 2], rel=0.15)


def test_as_many_seem_to_fail_as_do_where_instances_come_again() -> None:
    known = ledger(300, 20, done=3000)
    for number in random.Random(1).sample(order(300, 20)[:3000], 300):
        failed = replace(known.run(number), status=s.Failed(s.Error("ValueError: x"), 1.0))
        known.runs[number - 1] = failed
    found = Foresight(first=0.0).look(known, (), lambda: waiting_of(known), 2)
    assert found is not None
    assert 0.08 < found.basis.failing < 0.12
    assert found.basis.ended < found.basis.of == known.counts.done + known.counts.failed


def test_a_grid_whose_every_third_run_is_another_is_foreseen_by_all_of_it() -> None:
    """Of 3,000 runs every sixth is looked at: by its place alone that would be one of two kinds, and no failed one."""
    known = ledger(300, 20, done=3000)
    for place, number in enumerate(order(300, 20)[:3000]):
        run = known.run(number)
        if place % 9 == 1:
            known.runs[number - 1] = replace(run, status=s.Failed(s.Error("ValueError: x"), 1.0))
    found = Foresight(first=0.0).look(known, (), lambda: waiting_of(known), 2)
    assert found is not None
    assert found.basis.failing == pytest.approx(1 / 9, abs=0.02)
    known = ledger(30_000, done=10_000)
    for place, number in enumerate(order(30_000)[:10_000]):
        seconds = (1.0, 19.0)[place % 2]
        known.runs[number - 1] = replace(known.run(number), status=s.Done(1.0, seconds), seconds=seconds)
    found = foreseen(known, Chosen(workers=10))
    assert found is not None
    assert found.middle - time.time() == pytest.approx(20_000, rel=0.1)


def test_runs_that_will_be_tried_again_are_ahead_and_have_not_ended() -> None:
    known = ledger(40, done=38)
    for number in (again := order(40)[38:]):
        failed = replace(known.run(number), status=s.Failed(s.Error(""), 1.0), seconds=0.5, attempt=1)
        known.runs[number - 1] = failed
    foresight = Foresight(first=0.0)
    found = foresight.look(known, (), lambda: Waiting((), again, 2), 1, again=set(again))
    assert found is not None
    assert found.basis.failing == 0
    assert found.middle - time.time() == pytest.approx(20, rel=0.1)
