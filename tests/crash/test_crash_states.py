"""After any crash the store opens, and has everything that it had promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from pyalma_tui.store import layout
from tests.crash.disk import Allocate, Disk, Files, killed, lay_out, power_cut
from tests.crash.enumerator import after_kill, after_power_cut, play, scratch
from tests.crash.history import BLANK, Facts, Reopened, reopen
from tests.crash.lab import Lab
from tests.crash.workloads import KILLED_WORKLOADS, SYNCED_WORKLOADS, WORKLOADS, deaths_and_resets, synced_together

Workload = Callable[[Lab], None]


@pytest.mark.parametrize("workload", KILLED_WORKLOADS, ids=lambda w: w.__name__)
def test_f70_after_a_kill_at_any_byte_of_any_call_every_save_is_there(
    workload: Workload, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "flush"))
    verdict = after_kill(disk, history)
    with capsys.disabled():
        print(f"\nkill: {workload.__name__}: {verdict.states} states, {verdict.different} different")
    assert verdict.problems == []
    assert verdict.different >= 20


@pytest.mark.parametrize("workload", SYNCED_WORKLOADS, ids=lambda w: w.__name__)
def test_f65_after_a_power_cut_every_synced_save_is_there(
    workload: Workload, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "fsync"))
    verdict = after_power_cut(disk, history, seed=1)
    with capsys.disabled():
        print(f"\npower cut: {workload.__name__}: {verdict.states} states, {verdict.different} different")
    assert verdict.problems == []
    assert verdict.different >= 20


def test_f65_after_a_power_cut_what_was_put_on_the_disk_together_is_there() -> None:
    disk, history = play(synced_together, lambda disk: Lab(disk, "group"))
    verdict = after_power_cut(disk, history, seed=1)
    assert verdict.problems == []
    assert verdict.different >= 20


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.__name__)
def test_f70_after_a_kill_at_any_byte_of_what_was_allocated_ahead_every_save_is_there(workload: Workload) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "fsync"))
    assert any(isinstance(event, Allocate) for event in disk.events)
    verdict = after_kill(disk, history)
    assert verdict.problems == []
    assert verdict.different >= 20


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.__name__)
def test_f65_after_a_power_cut_a_store_that_was_not_synced_opens_and_invents_nothing(
    workload: Workload, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "flush"))
    verdict = after_power_cut(disk, history, seed=2, promised=False, share=0.1)
    with capsys.disabled():
        print(f"\npower cut, not synced: {workload.__name__}: {verdict.states} states, {verdict.different} different")
    assert verdict.problems == []
    assert verdict.different >= 20


@pytest.mark.parametrize("crash", ["kill", "power cut"])
def test_f70_a_start_after_a_crash_ends_with_what_was_found_and_an_empty_journal(crash: str) -> None:
    """Of every 25th state: start and quit; a second start, killed at once, finds the same."""
    assert sum(map(_started_again, _every(25, crash))) >= 50


def test_the_test_above_reports_copies_of_damaged_segments_that_meet_in_one_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layout, "aside_name", lambda segment, why, moment: f"{why}-{moment}")
    with pytest.raises(AssertionError, match="a damaged segment is lost"):
        sum(map(_started_again, _every(5, "power cut")))


def _every(step: int, crash: str) -> Iterator[Files]:
    disk, _ = play(deaths_and_resets, lambda disk: Lab(disk, "flush"))
    states = killed(disk.events) if crash == "kill" else power_cut(disk.events, seed=3, share=0.2)
    return (files for _, files in islice(states, 0, None, step))


def _started_again(files: Files) -> bool:
    with scratch() as base:
        lay_out(files, base)
        found = reopen(base / "x.alma")
        lab = Lab(Disk(base), "flush")
        lab.open()
        lab.die()
        assert reopen(base / "x.alma").facts == _interrupted(found)
        lab.open()
        lab.close()
        after = reopen(base / "x.alma")
        assert after.facts == _interrupted(found)
        journal = base / "x.alma" / "journal"
        assert (after.damaged, list(journal.glob("*.jsonl"))) == (frozenset(), [])
        damaged = {content for path, content in files if path.rpartition("/")[2] in found.damaged}
        assert {path.read_bytes() for path in journal.glob("*damaged-*")} == damaged, "a damaged segment is lost"
    return True


def _interrupted(found: Reopened) -> tuple[Facts, ...]:
    facts = found.facts or (BLANK,) * 4
    return tuple(("interrupted", *rest) if word == "running" else (word, *rest) for word, *rest in facts)  # type: ignore[misc]
