"""`pyalma-tui logs`: what a run printed, which logs there are, and following one."""

from __future__ import annotations

import signal

import pexpect
import pytest

from tests.catalogue.experiment import PATIENCE, Experiment, Result, until
from tests.prepared import PROGRAM

NOISY = """
def run(instance, save, state):
    os.write(1, b"\\x1b[31mred\\x1b[0m \\x1b]52;c;eA==\\x07 \\xff " + os.path.basename(instance).encode() + b"\\n")
    save("1")
    if instance.endswith("bad") and state == "":
        raise ValueError("no")

def done():
    print("over")
"""


def logs(experiment: Experiment, *arguments: str) -> Result:
    return experiment.says("logs", experiment.name, *arguments)


def test_in_a_pipe_a_log_comes_byte_for_byte(experiment: Experiment) -> None:
    assert experiment.write(NOISY).run().code == 0
    result = logs(experiment, "a")
    assert (result.code, result.err) == (0, "")
    assert result.out.encode("utf-8", "surrogateescape") == b"\x1b[31mred\x1b[0m \x1b]52;c;eA==\x07 \xff a\n"


def test_in_a_terminal_colours_stay_and_nothing_else_is_obeyed(experiment: Experiment) -> None:
    assert experiment.write(NOISY).run().code == 0
    shown = pexpect.run(
        f"{PROGRAM} logs {experiment.name} a",
        cwd=str(experiment.folder),
        env=experiment.environment(),
        timeout=PATIENCE,
        encoding="utf-8",
    )
    assert shown == "\x1b[31mred\x1b[0m ␛]52;c;eA==␇ \\xff a\x1b[0m\r\n"


def test_the_latest_attempt_is_the_one_unless_another_is_named(experiment: Experiment) -> None:
    experiment.write(NOISY, ("a", "bad")).run()
    (experiment.state_dir / "logs" / "2" / "1.log").write_text("first\n")
    experiment.run("--retry-failed")
    assert logs(experiment, "bad").out.endswith(" bad\n")
    assert logs(experiment, "bad", "--attempt", "1").out == "first\n"
    assert "--attempt 3: bad has had 2 attempts." in logs(experiment, "bad", "--attempt", "3").refusal()


def test_without_an_instance_it_lists_what_there_is(experiment: Experiment) -> None:
    experiment.write(NOISY, ("a", "bad")).run()
    experiment.run("--retry-failed")
    result = logs(experiment)
    listed = [line.split(maxsplit=2)[1:] for line in result.out.splitlines()]
    assert listed == [
        ["logs/1/1.log", "a, attempt 1, done"],
        ["logs/2/1.log", "bad, attempt 1, earlier"],
        ["logs/2/2.log", "bad, attempt 2, done"],
        ["logs/done/1.log", "done(), call 1"],
    ]
    assert logs(experiment, "done()").out.splitlines()[1:] == ["over"], "after the line that tells where it runs"


def test_each_iteration_has_its_own(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state, iteration):\n    print('iteration', iteration)\n")
    experiment.run("--iterations", "3")
    assert logs(experiment, "a").out == "iteration 2\n"
    assert logs(experiment, "a", "--iteration", "1").out == "iteration 1\n"
    assert logs(experiment).out.splitlines()[1].endswith("a#1, attempt 1, done")
    assert "--iteration 3: a has #0 to #2, counted from 0" in logs(experiment, "a", "--iteration", "3").refusal()


def test_after_a_reset_the_last_log_there_is_comes(experiment: Experiment) -> None:
    experiment.write(NOISY).run()
    experiment.says("reset", experiment.name, "--yes")
    assert logs(experiment, "a").out.endswith(" a\n")


def test_what_printed_nothing_is_told_apart_from_what_has_not_run(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n", ("a", "b")).run("--paused")
    assert "a: it has not been started" in logs(experiment, "a").refusal()
    experiment.run()
    result = logs(experiment, "a")
    assert (result.code, result.out) == (0, "")
    assert result.last_line() == "a, attempt 1: it printed nothing"
    assert logs(experiment).last_line() == "no run of m.py has printed anything"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["c.txt"], 'instance: "c.txt": the experiment has none of this name. Did you mean '),
        (["*.txt"], "logs: *.txt: 2 instances are meant: a.txt, b.txt. Name one of them"),
        (["--follow"], "logs: m.py: of which instance? `pyalma-tui logs m.py` lists the logs there are"),
        (["done()"], "logs: done(): it has not been called, so there is no log yet"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(experiment: Experiment, arguments: list[str], why: str) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n", ("a.txt", "b.txt")).run("--paused")
    line = logs(experiment, *arguments).refusal()
    assert line.startswith(why)


def test_nothing_remembered_is_said(experiment: Experiment) -> None:
    result = experiment.write(NOISY).start("logs", experiment.name, "a")
    assert result.end().code == 3
    assert "nothing is remembered of m.py" in result.complained()


SLOW = """
def run(instance, save, state):
    print("one")
    tell("began")
    wait_for("go")
    print("two")
    save("2")
"""


def test_following_prints_what_comes_and_ends_with_the_attempt(experiment: Experiment) -> None:
    running = experiment.write(SLOW, ("a", "b")).go()
    experiment.hears("began")
    following = experiment.start("logs", experiment.name, "b", "--follow")
    until(lambda: following.printed() == "one\n", experiment.outputs)
    assert following.process.poll() is None
    experiment.allow("go")
    result = following.end()
    assert (result.code, result.out, result.err) == (0, "one\ntwo\n", "")
    assert running.end().code == 0


def test_following_waits_for_a_run_whose_turn_has_not_come(experiment: Experiment) -> None:
    running = experiment.write(SLOW, ("a", "b")).go()
    experiment.hears("began")
    following = experiment.start("logs", experiment.name, "a", "--follow")
    experiment.allow("go")
    result = following.end()
    assert (result.code, result.out, result.err) == (0, "one\ntwo\n", "")
    assert running.end().code == 0


def test_following_ends_at_ctrl_c_and_with_the_session(experiment: Experiment) -> None:
    running = experiment.write(SLOW).go()
    experiment.hears("began")
    following = [experiment.start("logs", experiment.name, "a", "--follow") for _ in range(2)]
    until(lambda: all(each.printed() == "one\n" for each in following), experiment.outputs)
    following[0].signal(signal.SIGINT)
    assert following[0].end().code == 0
    running.signal(signal.SIGKILL)
    assert following[1].end().code == 0
    assert logs(experiment, "a", "--follow").out == "one\n"
