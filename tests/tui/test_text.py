"""The pure parts: cells, progress, states, headline, notices, columns."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pyalma_tui.errors import StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.states import FULL, in_full, one_line
from pyalma_tui.model.view import Tally
from pyalma_tui.tui import cells
from pyalma_tui.tui.progress import Progress, instance_progress, run_progress
from pyalma_tui.tui.view_moment import Moment, at_risk
from pyalma_tui.tui.widgets.columns import NAMES, Measurements, columns
from pyalma_tui.tui.widgets.facts import facts
from pyalma_tui.tui.widgets.headline import allot, headline
from pyalma_tui.tui.widgets.notices import notices, step_text
from pyalma_tui.tui.widgets.run_rows import run_columns
from tests.tui.fake_conductor import NOW, Experiment, asked, small


@given(st.text(), st.integers(0, 40))
def test_fitted_text_has_the_width_asked_for(text: str, width: int) -> None:
    from pyalma_tui.model.printable import printable

    for fit in (cells.fit, cells.fit_middle, cells.fit_right):
        assert cell_len(fit(printable(text), width)) == width


def test_a_long_path_keeps_its_end() -> None:
    fitted = cells.fit_middle("instances/random/3sat/uf250-0100.cnf", 24)
    assert fitted.endswith("uf250-0100.cnf")
    assert "…" in fitted


@given(st.floats(-1, 2), st.integers(0, 50))
def test_a_bar_fills_its_width(fraction: float, width: int) -> None:
    filled, rest = cells.bar(fraction, width)
    assert len(filled) + len(rest) == width


def test_a_percentage_is_100_only_when_nothing_is_left() -> None:
    assert cells.percent(0.999) == "99 %"
    assert cells.percent(1.0) == "100 %"


# Progress


def run(**changes: object) -> Run:
    return Run(1, 0, 0, 0, **changes)  # type: ignore[arg-type]


def test_what_a_run_says_of_itself_comes_first() -> None:
    assert run_progress(run(progress=(3, 4), state=b'"7"', earlier=(b'"8"',), saves=1)) == Progress(0.75)


def test_states_that_count_down_give_an_estimate() -> None:
    found = run_progress(run(state=b'"7"', earlier=(b'"8"', b'"9"'), saves=41))
    assert found is not None
    assert found.estimated
    assert found.fraction == pytest.approx(41 / 48)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state": b'"7"'},
        {"state": b'"8"', "earlier": (b'"7"',), "saves": 2},
        {"state": b'"7"', "earlier": (b'"7"',), "saves": 2},
        {"state": b'"a"', "earlier": (b'"8"',), "saves": 2},
        {"state": b'"-1"', "earlier": (b'"8"',), "saves": 2},
        {"state": b'"nan"', "earlier": (b'"8"',), "saves": 2},
        {"state": b'"1"', "earlier": (b'"inf"',), "saves": 2},
        {"state": b"{}", "earlier": (b"{}",), "saves": 2},
        {"state": b"true", "earlier": (b"true",), "saves": 2},
        {"progress": (1.0, 0.0)},
    ],
)
def test_nothing_else_is_guessed(changes: dict[str, object]) -> None:
    assert run_progress(run(**changes)) is None


def test_iterations_and_the_share_of_the_one_that_runs() -> None:
    running = run(status=s.Running(1, 0, NOW), progress=(1, 2))
    assert instance_progress(Tally(pending=1, running=1, done=2), running) == Progress(2.5 / 4)


# States


def test_a_state_that_is_a_string_is_shown_as_it_is() -> None:
    assert one_line(b'"7"') == "7"
    assert in_full(b'"two\\nlines"') == "two\nlines"


def test_an_object_is_pretty_printed_if_it_is_long() -> None:
    assert in_full(b'{"a":1}') == '{"a": 1}'
    assert "\n  " in in_full(b'{"a":"' + b"x" * 80 + b'"}')


def test_a_huge_state_is_cut_before_anything_looks_at_it() -> None:
    state = b'"' + b"x" * 64_000_000 + b'"'
    assert len(one_line(state)) < 500
    full = in_full(state)
    assert len(full) < FULL + 100
    assert full.endswith("64 MB in all")


def test_a_state_that_was_cut_is_shown_as_text() -> None:
    assert one_line(b'"' + b"y" * 199) == "y" * 199


# Time


def test_what_is_at_risk_counts_from_the_last_save_of_this_attempt() -> None:
    running = s.Running(2, 0, NOW - 40)
    assert at_risk(run(status=running, last_save=1, saved_at=NOW - 5), NOW) == 5
    assert at_risk(run(status=running, last_save=0, saved_at=NOW - 500), NOW) == 40
    assert at_risk(run(status=s.PENDING), NOW) is None


def test_the_time_of_a_run_counts_all_attempts() -> None:
    resumed = s.Running(2, 0, NOW - 40)
    assert worked(run(status=resumed, seconds=60.0), NOW) == 100
    assert worked(run(status=resumed, seconds=60.0), None) == 60
    assert worked(run(status=s.Done(at=NOW, duration=40.0), seconds=100.0), NOW + 9) == 100


def test_a_clock_that_went_backwards_gives_no_negative_times() -> None:
    assert worked(run(status=s.Running(1, 0, NOW + 999)), NOW) == 0
    assert at_risk(run(status=s.Running(1, 0, NOW + 999)), NOW) == 0


# The headline


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=5).filter(any), st.integers(5, 300))
def test_the_bar_of_all_runs_has_its_width_and_forgets_nobody(numbers: list[int], width: int) -> None:
    shares = allot(numbers, width)
    assert sum(shares) == width
    assert all((share > 0) == (number > 0) for share, number in zip(shares, numbers, strict=True))


@given(st.integers(0, 250))
def test_the_headline_never_overflows(width: int) -> None:
    moment = Moment(small().snapshot(forecast=Forecast(NOW + 1, NOW + 2, NOW + 3)), NOW)
    line = headline(moment, width)
    assert line.cell_length <= max(width, 3)


def test_what_matters_most_is_left_out_last() -> None:
    moment = Moment(small().snapshot(forecast=Forecast(NOW + 2290, NOW + 2490, NOW + 3130)), NOW)
    narrow = headline(moment, 40).plain
    assert "1/6 runs" in narrow
    assert "1 failed" in narrow
    assert "worker" not in narrow


# Notices


def test_the_gravest_comes_first() -> None:
    made = small()
    made.running(1, stopping=asked())
    said = notices(Moment(made.snapshot(not_saved=StoreError("disk full").failure, paused=True), NOW, 5000))
    assert [notice.level for notice in said] == ["alarm", "warning", "warning"]
    assert "disk full" in said[0].text


def test_a_worker_that_does_not_respond_is_told_with_what_to_do() -> None:
    made = small()
    run = made.running(1)
    assert "does not respond" not in facts_of(made, run)
    made.slots = [msgspec.structs.replace(slot, responding=False) for slot in made.slots]
    assert "does not respond" in facts_of(made, run)
    assert "kill -CONT 4000" in facts_of(made, run)


def test_a_run_tells_which_code_it_ran_with_and_whether_that_is_not_the_session_s() -> None:
    made = small()
    assert "code" not in labels_of(made, made.runs[4])  # never started
    run = made.done(2, module="3f2a5c1e90ab")
    assert facts_of(made, run, code="3f2a5c1e90ab").endswith("\n3f2a5c1e90ab")
    assert facts_of(made, run, code="91bc22e0f1aa").endswith("\n3f2a5c1e90ab · not this session's, 91bc22e0f1aa")
    assert "code" in labels_of(made, run)


def labels_of(made: Experiment, run: Run) -> list[str]:
    snapshot = made.snapshot()
    return [fact.label for fact in facts(Moment(snapshot, NOW), snapshot.instances[run.instance], run)]


def facts_of(made: Experiment, run: Run, **fields: object) -> str:
    snapshot = made.snapshot(**fields)
    return "\n".join(fact.value.plain for fact in facts(Moment(snapshot, NOW), snapshot.instances[run.instance], run))


def test_a_calm_experiment_says_nothing() -> None:
    assert notices(Moment(small().snapshot(), NOW)) == []


def test_the_last_step_of_a_stop_has_no_countdown() -> None:
    from pyalma_tui.runner.snapshot import StopProgress

    assert step_text(StopProgress("SIGKILL", None, 0.0), 0.0) == "SIGKILL sent"


def test_states_of_done() -> None:
    made = Experiment(["a"], phase="idle")
    for status, text in (
        (s.HookRunning(since=NOW - 61), "done() is running, 1:01"),
        (s.HookFailed(error=s.Error("no mail"), at=NOW), "no mail · d runs it again"),
        (s.HookFailed(error=s.Error("no\nmail " * 100), at=NOW), "… · d runs it again · D shows its log"),
        (s.HookDone(at=NOW, duration=2), "after 2.0 s"),
    ):
        said = notices(Moment(made.snapshot(done_hook=s.DoneHook(status, 1)), NOW))
        assert any(text in notice.text for notice in said)
    assert notices(Moment(made.snapshot(done_hook=s.DoneHook(s.HookAbsent())), NOW)) == []


# Columns


@given(st.integers(0, 300), st.integers(0, 10_000), st.sampled_from([1, 10, 500, 100_000]), st.booleans())
def test_the_columns_fit_and_the_name_is_always_there(width: int, longest: int, iterations: int, silent: bool) -> None:
    plan = columns(width, Measurements(longest, iterations, silent=silent))
    used = 3 + sum(column.width + 2 for column in plan.shown)
    assert all(column.width > 0 for column in plan.shown)
    assert used - 1 <= max(width, 4)
    assert len(plan.titles.rstrip()) <= max(width, 4)
    if width >= 8:
        assert plan.width("name") >= 2
    assert plan.width("seed") in (0, 19), "a seed is whole or not there"
    assert not (silent and plan.width("state"))


@pytest.mark.parametrize(("width", "name"), [(80, 38), (120, 43), (220, 43)])
def test_where_nothing_is_saved_the_name_has_the_room_of_the_states(width: int, name: int) -> None:
    spoken, silent = (columns(width - 2, Measurements(43, 1, silent=each)) for each in (False, True))
    assert spoken.width("state") > 0 == silent.width("state")
    assert silent.width("name") >= max(name, spoken.width("name"))


@given(st.integers(0, 300), st.integers(0, 10_000))
def test_in_the_list_of_runs_a_seed_is_whole_or_not_there(width: int, longest: int) -> None:
    assert run_columns(width, longest).seed in (0, 19)


@given(st.integers(0, 300), st.integers(0, 10_000), st.permutations([*NAMES, "data.n"]), st.integers(1, 14))
def test_columns_of_ones_own_fit_and_come_in_their_order(
    width: int, longest: int, names: list[str], number: int
) -> None:
    plan = columns(width, Measurements(longest, 20), tuple(names[:number]))
    assert [column.name for column in plan.shown] == names[: len(plan.shown)]
    assert len(plan.titles.rstrip()) <= max(width, 4)
    if width >= 300:
        assert len(plan.shown) == number
