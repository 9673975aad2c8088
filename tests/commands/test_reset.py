"""`pyalma-tui reset`: forgetting is asked for, told, and durable."""

from __future__ import annotations

import re
import signal

import pexpect
import pytest

from tests.catalogue.experiment import PATIENCE, Experiment, Result
from tests.prepared import PROGRAM

COUNTING = """
def run(instance, save, state, seed):
    tell(os.path.basename(instance), repr(state), seed)
    save("1")
    save("2")
    if instance.endswith("bad"):
        raise ValueError("no")

def done():
    tell("done()")
"""


def reset(experiment: Experiment, *arguments: str) -> Result:
    return experiment.says("reset", experiment.name, *arguments)


def test_all_runs_are_forgotten_and_run_anew_with_their_seeds(experiment: Experiment) -> None:
    assert experiment.write(COUNTING, ("a", "b")).run().code == 0
    first = experiment.told()
    result = reset(experiment, "--yes")
    assert (result.code, result.out) == (0, "")
    forgot = r"forgot 2 runs \(2 done, 2 saved states of 4 saves, [0-9.]+ m?s of running\)"
    assert re.match(forgot, result.last_line())
    assert experiment.statuses() == {"a": "pending", "b": "pending"}
    assert {run["state"] for run in experiment.status()["runs"]} == {None}
    assert experiment.status()["done_hook"] == {"status": "not yet", "calls": 1}
    assert experiment.run().code == 0
    assert experiment.told() == first + first


def test_only_the_named_instances_are_forgotten(experiment: Experiment) -> None:
    experiment.write(COUNTING, ("a", "b.x", "bad")).run()
    assert reset(experiment, "bad", "*.x", "--yes").last_line().startswith("forgot 2 runs (1 done, 1 failed, ")
    assert experiment.statuses() == {"a": "done", "b.x": "pending", "bad": "pending"}
    assert "2 runs forgotten by `reset`" in experiment.session_log()


def test_only_runs_of_a_status_are_forgotten(experiment: Experiment) -> None:
    experiment.write(COUNTING, ("a", "b", "bad", "worse-bad")).run()
    assert reset(experiment, "--status", "interrupted", "--yes").last_line() == (
        "nothing to forget: none of these runs is interrupted"
    )
    assert reset(experiment, "a", "bad", "--status", "failed", "--yes").last_line().startswith("forgot 1 run (1 failed")
    assert experiment.statuses() == {"a": "done", "b": "done", "bad": "pending", "worse-bad": "failed"}


def test_without_a_yes_nothing_is_changed(experiment: Experiment) -> None:
    experiment.write(COUNTING, ("a",)).run()
    before = (experiment.state_dir / "db.json").read_bytes()
    assert "not confirmed. Nothing was changed; --yes does not ask" in reset(experiment).refusal()
    assert (experiment.state_dir / "db.json").read_bytes() == before


@pytest.mark.parametrize(("answer", "status"), [("", "done"), ("n", "done"), ("y", "pending")])
def test_at_a_terminal_the_answer_counts_and_is_no_by_itself(experiment: Experiment, answer: str, status: str) -> None:
    experiment.write(COUNTING, ("a",)).run()
    child = pexpect.spawn(
        PROGRAM,
        ["reset", experiment.name],
        cwd=str(experiment.folder),
        env=experiment.environment(),
        timeout=PATIENCE,
        dimensions=(24, 200),
        use_poll=True,
    )
    child.expect(r"Forget 1 run \(1 done, 1 saved state of 2 saves, [0-9.]+ m?s of running\)\? ")
    child.expect_exact("[y/N] ")
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == (0 if answer == "y" else 2)
    assert experiment.statuses() == {"a": status}


def test_what_has_not_run_has_nothing_to_forget(experiment: Experiment) -> None:
    experiment.write(COUNTING, ("a",)).run("--paused")
    result = reset(experiment)
    assert (result.code, result.last_line()[:17]) == (0, "nothing to forget")


def test_while_it_runs_it_is_refused(experiment: Experiment) -> None:
    running = experiment.write(
        "def run(instance, save, state):\n    save('1')\n    tell('in')\n    wait_for('go')\n"
    ).go()
    experiment.hears("in")
    result = reset(experiment, "--yes")
    assert result.code == 4
    assert f"in use by process {running.process.pid}" in result.last_line()
    experiment.allow("go")
    assert running.end().code == 0
    assert experiment.one()["status"] == "done"


def test_what_a_killed_session_left_running_is_forgotten_too(experiment: Experiment) -> None:
    running = experiment.write(
        "def run(instance, save, state):\n    save('1')\n    tell('in')\n    wait_for('go')\n"
    ).go()
    experiment.hears("in")
    running.signal(signal.SIGKILL)
    running.end()
    experiment.nothing_left()
    assert experiment.one()["state"] == "1"
    assert reset(experiment, "a", "--yes").code == 0
    assert (experiment.one()["status"], experiment.one()["state"]) == ("pending", None)
    experiment.allow("go")
    assert experiment.run().code == 0
