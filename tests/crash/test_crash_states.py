"""After any crash the store opens, and has everything that it had promised (RELIABILITY.md §7, 2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crash.enumerator import after_kill, after_power_cut, play
from tests.crash.lab import Lab
from tests.crash.workloads import SYNCED_WORKLOADS, WORKLOADS

Workload = Callable[[Lab], None]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.__name__)
def test_f70_after_a_kill_at_any_byte_of_any_call_every_save_is_there(
    workload: Workload, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "flush"))
    verdict = after_kill(disk, history)
    with capsys.disabled():
        print(f"\nkill: {workload.__name__}: {verdict.states} states, {verdict.different} different")
    assert verdict.problems == []


@pytest.mark.parametrize("workload", SYNCED_WORKLOADS, ids=lambda w: w.__name__)
def test_f65_after_a_power_cut_every_synced_save_is_there(
    workload: Workload, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "fsync"))
    verdict = after_power_cut(disk, history, seed=1)
    with capsys.disabled():
        print(f"\npower cut: {workload.__name__}: {verdict.states} states, {verdict.different} different")
    assert verdict.problems == []


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.__name__)
def test_f65_after_a_power_cut_a_store_that_was_not_synced_opens_and_invents_nothing(
    workload: Workload, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, history = play(workload, lambda disk: Lab(disk, "flush"))
    verdict = after_power_cut(disk, history, seed=2, promised=False, share=0.1)
    with capsys.disabled():
        print(f"\npower cut, not synced: {workload.__name__}: {verdict.states} states, {verdict.different} different")
    assert verdict.problems == []
