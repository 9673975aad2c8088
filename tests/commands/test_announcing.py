"""`--on-finish` and `--on-failure`: commands that hear of the experiment by their environment."""

from __future__ import annotations

import os
import signal

from tests.catalogue.experiment import Experiment, until

SOME_FAIL = """
def run(instance, save, state):
    save("1")
    if "bad" in instance:
        raise ValueError("no; `touch x` $(touch x)")
"""
WAITS = """
def run(instance, save, state):
    tell("begun")
    while True:
        save("1")
        time.sleep(0.01)
"""


def test_each_failure_and_the_end_are_told_with_their_facts(experiment: Experiment) -> None:
    experiment.write(SOME_FAIL, ("a", "bad;b"))
    told = 'echo "$PYALMA_TUI_INSTANCE $PYALMA_TUI_ERROR, $PYALMA_TUI_FAILED of $PYALMA_TUI_TOTAL" >> heard'
    ended = 'echo "$PYALMA_TUI_DONE of $PYALMA_TUI_TOTAL, $PYALMA_TUI_REASON, $PYALMA_TUI_EXIT_CODE" >> heard'
    result = experiment.run("--on-failure", told, "--on-finish", ended)
    assert result.code == 1
    assert (experiment.folder / "heard").read_text().splitlines() == [
        "bad;b ValueError: no; `touch x` $(touch x), 1 of 2",
        "1 of 2, 1 failed, 1",
    ]
    assert not (experiment.folder / "x").exists()


def test_what_no_environment_can_have_is_told_as_far_as_it_can_and_the_end_after_it(experiment: Experiment) -> None:
    """The thread that calls the commands ended at the first such error, and with it all that was to be told later."""
    experiment.write("""
def run(instance, save, state):
    raise ValueError("half of a pair \\ud800, \\0 and \\u6f22")
""")
    result = experiment.run("--on-failure", 'echo "$PYALMA_TUI_ERROR" >> heard', "--on-finish", "echo end >> heard")
    assert "Traceback" not in result.err
    assert (experiment.folder / "heard").read_text() == "ValueError: half of a pair ?,  and 漢\nend\n"


def test_what_was_interrupted_has_ended_too_and_a_start_without_work_has_not(experiment: Experiment) -> None:
    experiment.write(WAITS)
    running = experiment.go("--on-finish", "echo $PYALMA_TUI_REASON >> heard")
    experiment.hears("begun")
    running.signal(signal.SIGINT)
    assert running.end().code == 130
    assert (experiment.folder / "heard").read_text() == "interrupted\n"
    experiment.run("--paused", "--on-finish", "echo again >> heard")
    assert (experiment.folder / "heard").read_text() == "interrupted\n"


def test_a_command_that_fails_is_told_with_what_it_said_and_changes_nothing(experiment: Experiment) -> None:
    experiment.write(SOME_FAIL)
    result = experiment.run("--on-finish", "echo one; echo no such host >&2; exit 7")
    assert result.code == 0
    assert "exit code 7: no such host" in result.err + experiment.session_log()


def test_a_command_that_does_not_end_is_told_and_left_to_itself_at_ctrl_c(experiment: Experiment) -> None:
    """Its number is its session's, which is none of the program's."""
    experiment.write(SOME_FAIL, ("a", "bad"))
    running = experiment.go("--on-failure", "echo $$ > begun; exec sleep 600", "--on-finish", "true")
    until(lambda: "waiting for echo $$ > begun; exec sleep 600; ctrl+c" in running.complained(), running.complained)
    running.signal(signal.SIGINT)
    ended = running.end()
    called = int((experiment.folder / "begun").read_text())
    os.kill(called, signal.SIGKILL)  # it was there
    assert ended.code == 1
    assert "goes on by itself; 1 command behind it is not called" in ended.last_line()
