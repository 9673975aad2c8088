"""The enumerator reports a broken promise for every way we know to break it: a test that caught none proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import pytest

from pyalma_tui.store.journal import Journal
from tests.crash import mutants as m
from tests.crash import workloads as w
from tests.crash.enumerator import after_kill, after_power_cut, play
from tests.crash.lab import Lab
from tests.crash.mutants import Patch


class Mutant(NamedTuple):
    change: Callable[[Patch], None]
    workload: Callable[[Lab], None]
    crash: Literal["kill", "power cut"]
    sync: Literal["flush", "group", "fsync"]
    says: str  # part of the broken promise


MUTANTS = [
    Mutant(m.no_directory_sync_of_a_new_segment, w.rotations_and_carries, "power cut", "fsync", "run 1 is ('pending'"),
    Mutant(m.no_directory_sync_after_the_rename, w.deaths_and_resets, "power cut", "flush", "refused to open"),
    Mutant(m.no_sync_of_the_checkpoint_file, w.rotations_and_carries, "power cut", "fsync", "refused to open"),
    Mutant(m.no_sync_before_save_returns, w.rotations_and_carries, "power cut", "fsync", "expected one of"),
    Mutant(m.segments_go_before_the_checkpoint_is_durable, w.deaths_and_resets, "kill", "flush", "expected one of"),
    Mutant(
        m.runs_are_handed_out_before_the_first_checkpoint, w.rotations_and_carries, "kill", "flush", "refused to open"
    ),
    Mutant(m.the_checkpoint_is_written_in_place, w.rotations_and_carries, "kill", "flush", "refused to open"),
    Mutant(m.positions_count_what_was_not_read, w.in_the_middle, "kill", "fsync", "expected one of"),
    Mutant(m.no_positions_and_a_fold_that_counts_twice, w.in_the_middle, "kill", "fsync", "expected one of"),
    Mutant(m.no_positions_and_no_attempts_in_the_fold, w.deaths_and_resets, "kill", "flush", "expected one of"),
    Mutant(m.no_checksum, w.long_states, "power cut", "flush", "which was never saved"),
    Mutant(m.a_flooded_segment_goes_before_its_copy_is_synced, w.many_floods, "power cut", "fsync", "expected one of"),
    Mutant(
        m.a_carried_copy_may_end_in_a_segment_that_is_not_synced, w.many_floods, "power cut", "fsync", "expected one of"
    ),
    Mutant(m.a_started_run_counts_as_done, w.in_the_middle, "kill", "flush", "is ('done'"),
    Mutant(m.what_was_lost_in_between_is_not_made_up_for, w.deaths_and_resets, "power cut", "flush", "refused to open"),
    Mutant(m.a_segment_shorter_than_its_position_is_refused, w.in_the_middle, "power cut", "fsync", "refused to open"),
    Mutant(m.a_row_counts_as_soon_as_it_is_in_a_file, w.rows_of_results, "kill", "flush", "expected one of"),
    Mutant(m.rows_of_a_dropped_attempt_are_kept, w.rows_of_results, "kill", "flush", "expected one of"),
    Mutant(m.rows_of_before_a_reset_are_kept, w.rows_of_results, "kill", "flush", "expected one of"),
    Mutant(m.rows_of_what_is_reset_go_at_once, w.resets_taken_back, "kill", "flush", "rows that count are"),
    Mutant(m.what_is_taken_back_has_its_old_attempt, w.resets_taken_back, "kill", "flush", "expected one of"),
    Mutant(m.what_is_taken_back_may_have_begun, w.resets_taken_back, "kill", "flush", "expected one of"),
    Mutant(
        m.files_of_rows_go_before_the_checkpoint_is_durable, w.rows_of_results, "kill", "flush", "rows that count are"
    ),
    Mutant(
        m.moved_rows_are_not_synced_before_the_checkpoint,
        w.rows_of_results,
        "power cut",
        "fsync",
        "rows that count are",
    ),
    Mutant(
        m.rows_are_not_synced_before_the_save_that_counts_them,
        w.rows_of_results,
        "power cut",
        "fsync",
        "rows that count are",
    ),
    Mutant(
        m.an_attempt_does_not_say_what_counted_when_it_began,
        w.rows_of_results,
        "power cut",
        "flush",
        "no part of what it recorded",
    ),
    Mutant(m.lines_go_behind_what_was_allocated_for_them, w.in_the_middle, "kill", "fsync", "expected one of"),
    Mutant(m.more_than_the_zeros_is_cut_off, w.rotations_and_carries, "kill", "fsync", "expected one of"),
    Mutant(m.what_is_allocated_may_be_what_was_written, w.in_the_middle, "kill", "fsync", "expected one of"),
    Mutant(m.zeros_are_taken_for_records, w.in_the_middle, "kill", "fsync", "expected one of"),
    Mutant(m.zeros_are_taken_for_a_torn_line, w.in_the_middle, "kill", "fsync", "counts as damaged and is not"),
    Mutant(m.the_seal_is_not_checked, w.edited_by_others, "kill", "flush", "counted are"),
    Mutant(m.who_follows_a_segment_does_not_sync_its_name, w.synced_together, "power cut", "group", "expected one of"),
    Mutant(m.a_failed_sync_is_tried_again_on_the_same_file, w.a_failed_sync, "power cut", "fsync", "expected one of"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.change.__name__)
def test_the_enumerator_reports_the_mutant(mutant: Mutant, monkeypatch: Patch) -> None:
    mutant.change(monkeypatch)
    disk, history = play(mutant.workload, lambda disk: Lab(disk, mutant.sync))
    if mutant.crash == "kill":
        verdict = after_kill(disk, history, first=mutant.says)
    else:
        verdict = after_power_cut(disk, history, seed=1, promised=mutant.sync != "flush", first=mutant.says)
    assert any(mutant.says in problem for problem in verdict.problems), verdict


def test_leaving_out_the_positions_alone_breaks_nothing_because_the_fold_knows_what_it_has(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Journal, "positions", lambda self: {})
    disk, history = play(w.in_the_middle, lambda disk: Lab(disk, "fsync"))
    assert after_kill(disk, history).problems == []
