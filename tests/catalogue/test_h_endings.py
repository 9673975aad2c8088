"""Catalogue H: how an attempt ended, and what is done about it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from textwrap import dedent, indent

import pytest

from pyalma_tui.cli.echo import MOMENT
from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, until
from tests.prepared import PROGRAM

RETURNED = "it returned after it was interrupted"
INTERRUPTED = ""  # nothing is to be told but that

# what a run does that was begun anew and is then interrupted, once it has told that it is "in it"
ENDINGS = {
    "bare_except": (
        """
        try:
            work(save)
        except:
            print("stopped early, cleaning up")
        """,
        RETURNED,
    ),
    "suppress": (
        """
        import contextlib
        with contextlib.suppress(BaseException):
            work(save)
        """,
        RETURNED,
    ),
    "bare_except_outside_of_save": (
        """
        try:
            idle()
        except:
            pass
        """,
        RETURNED,
    ),
    "own_handler": (
        """
        stop = []
        signal.signal(signal.SIGINT, lambda *_: stop.append(1))
        tell("in it")
        while not stop:
            time.sleep(0.01)
        """,
        RETURNED,
    ),
    "saved_in_a_thread": (
        """
        import threading
        threading.excepthook = lambda *_: None
        thread = threading.Thread(target=work, args=(save,))
        thread.start()
        thread.join()
        """,
        RETURNED,
    ),
    "task_group": (
        """
        import asyncio
        async def part():
            tell("in it")
            while True:
                await asyncio.sleep(0.01)
                save("1")
        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(part())
                group.create_task(asyncio.sleep(1000))
        asyncio.run(main())
        """,
        INTERRUPTED,
    ),
    "asyncio_with_pythons_handler": (
        """
        import asyncio
        signal.signal(signal.SIGINT, signal.default_int_handler)
        async def main():
            tell("in it")
            await asyncio.sleep(1000)
        asyncio.run(main())
        """,
        INTERRUPTED,
    ),
    "pythons_handler": (
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)
        idle()
        """,
        INTERRUPTED,
    ),
    "handler_that_exits": (
        """
        signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
        idle()
        """,
        INTERRUPTED,
    ),
    "handler_that_raises": (
        """
        def stop(*_):
            raise RuntimeError("stop")
        signal.signal(signal.SIGINT, stop)
        idle()
        """,
        INTERRUPTED,
    ),
    "no_handler": (
        """
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        idle()
        """,
        "interrupted by SIGINT",
    ),
    "child_waited_for": (
        """
        import subprocess
        tell("in it")
        try:
            subprocess.run(["sleep", "1000"], check=True)
        except BaseException:
            raise RuntimeError("solver failed") from None
        """,
        INTERRUPTED,
    ),
    "raises_while_it_cleans_up": (
        """
        try:
            work(save)
        finally:
            {}["missing"]
        """,
        INTERRUPTED,
    ),
}

MODULE = """
def work(save):
    tell("in it")
    while True:
        save("1")
        time.sleep(0.01)

def idle():
    tell("in it")
    while True:
        time.sleep(0.01)

def run(instance, save, state):
    tell("begins", state or "anew")
    if state:
        return
    save("1")
    globals()[os.path.basename(instance)](save)

def done():
    tell("done()")
"""


def module(**bodies: str) -> str:
    """A module in which each instance does what is written here for its name."""
    functions = (f"def {name}(save):\n{indent(dedent(body), '    ')}\n" for name, body in bodies.items())
    return MODULE + "".join(functions)


@case("H103-however-it-ends")
def test_work_that_was_interrupted_is_never_done_however_it_ends(experiment: Experiment) -> None:
    experiment.write(module(**{name: body for name, (body, _) in ENDINGS.items()}), tuple(ENDINGS))
    running = experiment.go("--workers", str(len(ENDINGS)))
    until(lambda: experiment.told().count("in it") == len(ENDINGS), experiment.outputs)
    running.signal(signal.SIGINT)
    result = running.end()
    assert result.code == 130, result
    for name, (_, why) in ENDINGS.items():
        assert f"{name}  interrupted{f' ({why})' if why else ''}  state 1\n" in result.out, result
    runs = experiment.runs()
    assert {name: (run["status"], run["state"]) for name, run in runs.items()} == dict.fromkeys(
        ENDINGS, ("interrupted", "1")
    )
    assert "done()" not in experiment.told(), "work is left"
    assert experiment.run().code == 0, "the same command goes on"
    assert experiment.told()[-len(ENDINGS) - 1 :] == [*["begins 1"] * len(ENDINGS), "done()"]


@case("H104-handler-that-another-run-has-left")
def test_a_handler_that_another_run_has_left_does_not_turn_an_interrupt_into_a_failure(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            save("1")
            if instance.endswith("first"):
                signal.signal(signal.SIGINT, signal.default_int_handler)
                return
            if state:
                tell("again")
            while "again" not in open("told").read() if os.path.exists("told") else True:
                if not os.path.exists("told"):
                    tell("in it")
                time.sleep(0.01)
        """,
        ("second", "first"),
    )
    running = experiment.go("--workers", "1")
    experiment.hears("in it")
    running.signal(signal.SIGINT)
    assert running.end().code == 130
    assert experiment.statuses() == {"first": "done", "second": "interrupted"}
    assert experiment.run().code == 0


LATE = r"timed out after 0.3 s \(ran [0-9.]+ s\)"
AT_SAVE = {
    "returned": "time.sleep(0.8)",
    "returned_in_time_to_be_seen": "time.sleep(0.31)",
    "swallowed": "try:\n    work(save)\nexcept BaseException:\n    pass",
    "raised": "time.sleep(0.8)\nraise ValueError('no')",
}
BY_SIGNAL = {
    "swallowed_a_signal": "try:\n    idle()\nexcept BaseException:\n    pass",
    "own_handler": (
        "signal.signal(signal.SIGINT, lambda *_: stop.append(1))\nstop = []\nwhile not stop:\n    time.sleep(0.01)"
    ),
}


@cases("H105", at_a_save=(AT_SAVE, "1000"), by_a_signal=(BY_SIGNAL, "0.2"))
def test_whatever_comes_after_its_timeout_has_timed_out(
    experiment: Experiment, how: tuple[dict[str, str], str]
) -> None:
    bodies, grace = how
    experiment.write(module(**bodies), tuple(bodies))
    result = experiment.run("--timeout", "0.3", "--grace", grace, "--workers", str(len(bodies)))
    assert result.code == 1, result
    runs = experiment.runs()
    assert {name: (run["status"], run["state"]) for name, run in runs.items()} == dict.fromkeys(bodies, ("failed", "1"))
    for name, run in runs.items():
        assert re.fullmatch(LATE, run["error"]), name
    assert "done()" not in experiment.told()


@case("H105-in-time")
def test_what_returns_before_its_timeout_is_done(experiment: Experiment) -> None:
    result = experiment.write(module(a="time.sleep(0.3)")).run("--timeout", "100")
    assert result.code == 0, result


# --- what a killed worker leaves -----------------------------------------------------------------------------------


@cases("H108", same_group="", own_session="start_new_session=True", of_a_child="of_a_child")
def test_a_run_is_tried_again_when_what_its_killed_worker_left_is_gone(experiment: Experiment, how: str) -> None:
    """The run is tried again when what its killed worker has started is gone, and not beside it."""
    start = f'subprocess.Popen(["sleep", "1000"], {how})'
    if how == "of_a_child":
        start = 'subprocess.Popen(["setsid", "sh", "-c", "sleep 1000 & echo $! > pid; wait"])'
    experiment.write(f"""
        import subprocess
        def alive(pid):
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                return False
            return "State:\tZ" not in open(f"/proc/{{pid}}/status").read()
        def run(instance, save, state):
            if state:
                tell("beside it" if alive(state) else "alone")
                return
            child = {start}
            if {how == "of_a_child"}:
                wait_for("pid")
                while not (pid := open("pid").read()):
                    time.sleep(0.01)
                save(pid.strip())
            else:
                save(str(child.pid))
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    result = experiment.run("--retries", "1")
    assert result.code == 0, result
    assert experiment.told() == ["alone"]
    assert len(re.findall(r"worker \d+ left processes behind; they were killed", result.out)) == 1


# --- signals that come twice ---------------------------------------------------------------------------------------

CLEANING = """
    def run(instance, save, state):
        try:
            tell("in it")
            while True:
                time.sleep(0.3)
                save("1")
        finally:
            tell("cleaned up")
"""


@cases("H110", sigterm=(signal.SIGTERM,) * 2, sigterm_and_sighup=(signal.SIGTERM, signal.SIGHUP))
def test_two_signals_within_a_second_are_one_wish_to_end(
    experiment: Experiment, numbers: tuple[signal.Signals, ...]
) -> None:
    running = experiment.write(CLEANING).go("--grace", "1000", "--on-hangup", "interrupt")
    experiment.hears("in it")
    for number in numbers:
        running.signal(number)
        time.sleep(0.05)  # so that the second is not one with the first for the kernel already
    assert running.end().code in {128 + number for number in numbers}
    assert experiment.told() == ["in it", "cleaned up"]
    assert experiment.one()["status"] == "interrupted"


@cases("H110", timeout_sigterm="TERM", timeout_sigint="INT")
def test_a_timeout_command_that_signals_twice_lets_runs_clean_up(experiment: Experiment, number: str) -> None:
    """coreutils' timeout signals the program, and then its group with the program in it."""
    timeout = shutil.which("timeout")
    if timeout is None:
        pytest.skip("there is no timeout(1)")
    experiment.write(CLEANING)
    for _ in range(4):
        (experiment.folder / "told").unlink(missing_ok=True)
        ended = experiment.call(timeout, "-s", number, "2", PROGRAM, "m.py", "--plain", "--grace", "1000")
        assert ended.returncode == 124, ended
        assert experiment.told() in (["in it", "cleaned up"], []), "if it had begun at all"


@case("H110-sigterm-again-a-while-later")
def test_a_second_sigterm_a_while_later_ends_it_at_once(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            save("1")
            tell("in it")
            wait_for("never")
    """)
    running = experiment.go("--grace", "1000")
    experiment.hears("in it")
    running.signal(signal.SIGTERM)
    until(lambda: "interrupting 1 run" in running.printed(), experiment.outputs)
    time.sleep(MOMENT)  # within which it would be one with the first
    running.signal(signal.SIGTERM)
    assert running.end(20).code == 143
    assert experiment.one()["status"] == "interrupted"


# --- a session that was killed -------------------------------------------------------------------------------------

KILLED = "its session was killed"


def killed(experiment: Experiment, body: str, names: tuple[str, ...] = ("b", "a")) -> None:
    running = experiment.write(body, names).go()
    experiment.hears("in it")
    experiment.kill(running)


@case("H111-commands")
def test_after_its_session_was_killed_no_command_calls_a_run_running(experiment: Experiment) -> None:
    killed(experiment, "def run(instance, save, state):\n    save('1')\n    tell('in it')\n    wait_for('never')\n")
    facts = experiment.status()
    assert facts["counts"] == {"pending": 1, "running": 0, "interrupted": 1, "failed": 0, "done": 0}
    assert facts["busy_pid"] is None
    assert experiment.statuses() == {"a": "interrupted", "b": "pending"}
    said = {verb: experiment.start(verb, "m.py").end().out for verb in ("status", "export", "doctor", "logs")}
    assert f"1 interrupted ({KILLED})" in said["status"]
    assert f"1 interrupted ({KILLED}), " not in said["status"]
    assert f",interrupted,1,1,0,1,{experiment.runs()['a']['seed']}," in said["export"]
    assert f",{KILLED}," in said["export"]
    assert f"1 interrupted ({KILLED})" in said["doctor"]
    assert "running" not in "".join(said.values()).replace("not running", "").replace("it is running", "")
    rows = [json.loads(experiment.start("export", "m.py", "--format", "json").end().out) for _ in range(2)]
    assert rows[0] == rows[1], "also when it was heard of last, not when somebody looked"
    (experiment.folder / "never").touch()
    result = experiment.run()
    assert result.code == 0
    assert experiment.runs()["a"]["attempts"] == 2


@case("H111-while-it-runs")
def test_while_its_session_lives_a_run_is_running(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n    tell('in it')\n    wait_for('go')\n")
    running = experiment.go()
    experiment.hears("in it")
    assert experiment.one()["status"] == "running"
    assert experiment.status()["busy_pid"] == running.process.pid
    experiment.allow("go")
    assert running.end().code == 0


@case("H111-done")
def test_after_its_session_was_killed_done_is_cut_off(experiment: Experiment) -> None:
    body = "def run(instance, save, state):\n    save('1')\ndef done():\n    tell('in it')\n    wait_for('never')\n"
    killed(experiment, body)
    assert experiment.status()["done_hook"] == {"status": "cut off", "calls": 1}
    assert "done() was cut off at " in experiment.start("status", "m.py").end().out


# --- workers that do not come to load ------------------------------------------------------------------------------

LOADING = """
    def load():
        number = len([name for name in os.listdir(FOLDER) if name.startswith("load-")])
        open(os.path.join(FOLDER, f"load-{os.getpid()}"), "w").close()
        if DIES:
            if HOW == "raises":
                raise MemoryError("no room")
            os.kill(os.getpid(), signal.SIGKILL)
    from telling import FOLDER
    load()
    def run(instance, save, state):
        tell("begins", os.path.basename(instance))
        wait_for("go-" + os.path.basename(instance))
"""


def loading(experiment: Experiment, dies: str, how: str = "killed") -> None:
    """A module that ends its process while it is imported, depending on the `number` of imports before."""
    experiment.write(LOADING.replace("DIES", dies).replace("HOW", repr(how)), ("c", "b", "a"))


@cases("H112", killed="killed", raises="raises")
def test_a_worker_that_ends_while_it_imports_is_followed_by_another(experiment: Experiment, how: str) -> None:
    """The second worker ends while it imports, and the next does not: all goes on as if nothing had happened."""
    loading(experiment, "number == 2", how)  # after the agent, which looks at the module, and the first worker
    running = experiment.go("--workers", "2", "--import", "each")
    experiment.hears("begins a")
    experiment.hears("begins b")
    assert len(running.workers()) == 2
    for name in "abc":
        experiment.allow(f"go-{name}")
    result = running.end()
    assert result.code == 0, result
    assert result.out.count("; another one is started\n") == 1, result


@case("H112-three-in-a-row-and-the-others-go-on")
def test_three_that_end_while_they_import_stop_the_starting_and_the_others_go_on(experiment: Experiment) -> None:
    loading(experiment, "number > 1")
    running = experiment.go("--workers", "2", "--import", "each")
    experiment.hears("begins a")
    note = "no more workers can be started: a worker ended while it imported the module (killed by SIGKILL"
    until(lambda: note in running.printed(), experiment.outputs)
    assert "; 1 worker goes on\n" in running.printed()
    for name in "abc":
        experiment.allow(f"go-{name}")
    result = running.end()
    assert result.code == 0, result
    assert experiment.told() == ["begins a", "begins b", "begins c"]


@case("H112-none-is-left")
def test_where_no_worker_can_be_started_any_more_it_says_why_and_keeps_what_is_pending(experiment: Experiment) -> None:
    loading(experiment, "number > 1")
    running = experiment.go("--workers", "1", "--import", "each")
    experiment.hears("begins a")
    (worker,) = running.workers()
    worker.kill()
    result = running.end()
    assert result.code == 2, result
    assert result.last_line().startswith(f"module: {experiment.module}: a worker ended while it imported the module (")
    assert experiment.statuses() == {"a": "failed", "b": "pending", "c": "pending"}
    assert len(list(experiment.folder.glob("load-*"))) == 5, "three were tried"


@case("H112-no-agent-is-left")
def test_where_no_agent_can_be_started_any_more_it_says_why_and_keeps_what_is_left(experiment: Experiment) -> None:
    """The process that workers are forked from is killed, and none after it comes to import the module."""
    loading(experiment, "number > 0")
    running = experiment.go("--workers", "1")
    experiment.hears("begins a")
    (agent,) = running.agents()
    agent.kill()
    result = running.end()
    assert result.code == 2, result
    why = f"module: {experiment.module}: the process is killed by SIGKILL while it imports the module. "
    assert result.last_line().startswith(why)
    assert experiment.statuses() == {"a": "interrupted", "b": "pending", "c": "pending"}
    assert len(list(experiment.folder.glob("load-*"))) == 4, "three were tried"
