"""Catalogue E: done()."""

from __future__ import annotations

import signal

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, until

RUN = """
def run(instance, save, state):
    save("kept")

"""


ALONE = (
    "pyalma-tui: done() runs in a process of its own: the module's globals are as its import leaves them, "
    "not as runs do\n"
)


def hook(experiment: Experiment) -> tuple[str, int]:
    """Where done() stands and how often it was called; the runs must be untouched by it."""
    facts = experiment.status()
    assert {(run["status"], run["state"], run["attempts"]) for run in facts["runs"]} == {("done", "kept", 1)}
    return facts["done_hook"]["status"], facts["done_hook"]["calls"]


def mended(experiment: Experiment) -> None:
    """A later start never calls done() by itself, `--rerun-done` does."""
    experiment.write(RUN + "def done(): tell('done() again')\n", ("a", "b"))
    assert experiment.run().code == 1
    assert "done() again" not in experiment.told()
    assert experiment.run("--rerun-done").code == 0
    assert experiment.told()[-1] == "done() again"
    assert hook(experiment) == ("done", 2)


@case("E58-absent")
def test_without_a_done_the_experiment_is_finished(experiment: Experiment) -> None:
    result = experiment.write(RUN, ("a", "b")).run()
    assert (result.code, result.err) == (0, "")
    assert hook(experiment) == ("absent", 0)


@cases(
    "E59",
    raises=("raise ValueError('no mail server')", "ValueError: no mail server"),
    sys_exit=("sys.exit(0)", "called sys.exit(0) instead of returning"),
    keyboard_interrupt=("raise KeyboardInterrupt", "KeyboardInterrupt"),
)
def test_an_exception_in_done_fails_done_alone(experiment: Experiment, fault: tuple[str, str]) -> None:
    result = experiment.write(f"{RUN}def done():\n    {fault[0]}\n", ("a", "b")).run()
    assert result.code == 1
    assert f"done()  failed: {fault[1]}\n" in result.out
    assert hook(experiment) == ("failed", 1)
    if "ValueError" in fault[0]:
        log = experiment.log("done")
        assert log.startswith(f'{ALONE}Traceback (most recent call last):\n  File "{experiment.module}", line '), log
        assert log.endswith("\nValueError: no mail server\n")
        mended(experiment)


@cases(
    "E60",
    exits=("os._exit(0)", "the process exited with code 0 instead of returning from done()"),
    segfaults=("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
    killed=("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL, not by pyalma-tui: usually out of memory"),
)
def test_a_done_whose_process_ends_has_failed(experiment: Experiment, fault: tuple[str, str]) -> None:
    result = experiment.write(f"{RUN}def done():\n    {fault[0]}\n", ("a", "b")).run()
    assert result.code == 1
    assert f"done()  failed: {fault[1]}\n" in result.out
    assert hook(experiment) == ("failed", 1)
    if "_exit" in fault[0]:
        mended(experiment)


@case("E60-kill-9-of-all")
def test_a_done_that_a_kill_cut_off_is_not_repeated_by_itself(experiment: Experiment) -> None:
    running = experiment.write(f"{RUN}def done():\n    tell('in done()')\n    wait_for('never')\n", ("a", "b")).go()
    experiment.hears("in done()")
    experiment.kill(running)
    assert hook(experiment) == ("cut off", 1)
    mended(experiment)


@cases("E60", growth=(), growth_after_a_start=((),))
def test_after_a_done_that_was_cut_off_grown_results_are_a_completion_of_their_own(
    experiment: Experiment, starts: tuple[tuple[str, ...], ...]
) -> None:
    """done() was cut off, and then the batch has grown: another completion is ahead."""
    running = experiment.write(f"{RUN}def done():\n    tell('in done()')\n    wait_for('never')\n", ("a", "b")).go()
    experiment.hears("in done()")
    experiment.kill(running)
    experiment.write(RUN + "def done(): tell('done() again')\n", ("a", "b"))
    for options in starts:
        assert experiment.run(*options).code == 1
    experiment.batch(("a", "b", "c"))
    assert experiment.run().code == 0
    assert experiment.told() == ["in done()", "done() again"]
    assert hook(experiment) == ("done", 2)


@case("E61-prints-and-shells-out")
def test_what_done_and_its_children_print_is_in_the_log_only(experiment: Experiment) -> None:
    experiment.write(
        RUN
        + """
def done():
    print("\\x1b[2J printed")
    os.system("printf '\\033[31m shelled\\n'; printf ' out\\n' >&2")
""",
        ("a", "b"),
    )
    result = experiment.run()
    assert result.code == 0
    assert experiment.log("done") == ALONE + "\x1b[2J printed\n\x1b[31m shelled\n out\n"
    assert "\x1b" not in result.out + result.err
    assert "printed" not in result.out
    assert "shelled" not in result.out + result.err
    assert hook(experiment) == ("done", 1)


@cases("E62", gives_in=1, stubborn=2)
def test_an_interrupted_done_is_cut_off_and_not_repeated_by_itself(experiment: Experiment, interrupts: int) -> None:
    ignore = "signal.signal(signal.SIGINT, signal.SIG_IGN)" if interrupts > 1 else ""
    experiment.write(f"{RUN}def done():\n    {ignore}\n    tell('in done()')\n    wait_for('never')\n", ("a", "b"))
    running = experiment.go()
    experiment.hears("in done()")
    for _ in range(interrupts):
        running.signal(signal.SIGINT)
        until(running.complained, experiment.outputs)
    result = running.end()
    assert result.code == 1
    assert hook(experiment) == ("cut off", 1)
    assert "it may or may not have taken effect" in result.out
    mended(experiment)


@cases("E62", swallows="return", exits="sys.exit(0)", raises="raise ValueError('of its own')")
def test_a_done_that_was_interrupted_is_cut_off_whatever_it_makes_of_that(experiment: Experiment, then: str) -> None:
    done = f"""
def done():
    try:
        tell("in done()")
        wait_for("never")
    except BaseException:
        {then}
"""
    experiment.write(RUN + done, ("a", "b"))
    running = experiment.go("--grace", "0.3")
    experiment.hears("in done()")
    running.signal(signal.SIGTERM)
    assert running.end().code == 143
    assert hook(experiment) == ("cut off", 1)
    mended(experiment)


@case("E62-ends-within-the-grace")
def test_a_done_that_ends_within_the_grace_has_returned(experiment: Experiment) -> None:
    experiment.write(f"{RUN}def done():\n    tell('in done()')\n    wait_for('go')\n", ("a", "b"))
    running = experiment.go("--grace", "1000")
    experiment.hears("in done()")
    running.signal(signal.SIGINT)
    experiment.allow("go")
    assert running.end().code == 0
    assert hook(experiment) == ("done", 1)


@case("E62-called-when-asked-only")
def test_done_is_called_once_and_not_where_it_is_declined(experiment: Experiment) -> None:
    experiment.write(f"{RUN}def done():\n    tell('done()')\n", ("a", "b"))
    assert experiment.run("--no-done").code == 0
    assert hook(experiment) == ("not yet", 0)
    assert experiment.run().code == 0
    assert experiment.run().code == 0
    assert len(experiment.told()) == 1, "once for a completion"


@case("E109-a-subset-and-then-the-whole")
def test_done_is_called_once_for_each_set_of_results(experiment: Experiment) -> None:
    """Once for each set of results, whatever was planned in between."""
    experiment.write(f"{RUN}def done(): tell('done()')\n", ("a", "b"))
    results: list[tuple[tuple[str, ...], int]] = [
        (("m.py", "a"), 1),
        (("m.py", "a", "b"), 2),
        (("m.py", "a"), 2),
        (("m.py", "a", "b"), 2),
        (("m.py", "a", "b", "--iterations", "2"), 3),
        (("m.py", "a", "b", "--iterations", "1"), 3),
    ]
    for arguments, calls in results:
        assert experiment.start(*arguments, "--plain").end().code == 0, arguments
        facts = experiment.status()["done_hook"]
        assert (facts, experiment.told()) == ({"status": "done", "calls": calls}, ["done()"] * calls), arguments


@case("E109-still-to-come")
def test_an_interrupt_under_the_last_run_leaves_done_for_the_next_start(experiment: Experiment) -> None:
    """The last run returned although everything was interrupted: done() is left, and nobody may take that for all."""
    experiment.write(
        """
        def run(instance, save, state):
            save("kept")
            tell("in run")
            wait_for("go")
        def done():
            tell("done()")
        """
    )
    running = experiment.go("--grace", "1000")
    experiment.hears("in run")
    running.signal(signal.SIGINT)
    until(lambda: "interrupting 1 run" in running.printed(), running.printed)
    experiment.allow("go")
    result = running.end()
    assert (result.code, hook(experiment)) == (130, ("not yet", 0))
    assert result.last_line() == "interrupted; the same command continues where it stopped"
    assert experiment.run("--paused").code == 130
    assert experiment.run("--no-done").code == 0
    assert experiment.run().code == 0
    assert experiment.told() == ["in run", "done()"]
