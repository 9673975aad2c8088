"""Catalogue D: all workers of a machine are forked from one process, the agent, which has imported the module once."""

from __future__ import annotations

import random
import signal
import time

import psutil

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, until
from tests.family import is_over

# --- what is imported once ----------------------------------------------------------------------------------------


@case("D150-a-lock-of-the-module")
def test_a_lock_that_the_module_makes_protects_across_all_workers(experiment: Experiment) -> None:
    experiment.write(
        """
        import multiprocessing
        lock = multiprocessing.Lock()
        def run(instance, save, state):
            tell(os.getpid())
            while len(set(open("told"))) < 4:
                time.sleep(0.01)
            for _ in range(50):
                with lock:
                    number = int(open("count").read()) if os.path.exists("count") else 0
                    time.sleep(0)
                    with open("count", "w") as file:
                        file.write(str(number + 1))
        """,
        [f"i{number}" for number in range(8)],
    )
    assert experiment.run("--workers", "4").code == 0, experiment.outputs()
    assert len(set(experiment.told())) == 4
    assert (experiment.folder / "count").read_text() == "400"


@case("D151-what-the-module-makes")
def test_the_module_is_imported_and_asked_for_its_instances_once_for_a_start(experiment: Experiment) -> None:
    experiment.write(
        """
        os.mkdir("made")
        def instances():
            tell("asked")
            for name in "abcdef":
                with open(name, "w") as file:
                    file.write(f"{time.time()}")
            return list("abcdef")
        def run(instance, save, state):
            with open(instance) as file:
                before = file.read()
            tell("process", os.getpid())
            while len({line for line in open("told") if "process" in line}) < 3:
                time.sleep(0.01)
            with open(instance) as file:
                assert file.read() == before
        """
    )
    experiment.module.with_suffix(".batch").unlink()
    result = experiment.run("--workers", "3")
    assert result.code == 0, result
    assert experiment.told().count("asked") == 1
    assert len(experiment.statuses()) == 6


@case("D152-a-replaced-worker")
def test_a_worker_is_replaced_without_importing_again_what_takes_long(experiment: Experiment) -> None:
    experiment.write(
        """
        time.sleep(2)
        def run(instance, save, state):
            tell(os.getpid(), time.monotonic())
        """,
        [f"i{number}" for number in range(10)],
    )
    assert experiment.run("--runs-per-worker", "1", "--workers", "1").code == 0
    pids, times = zip(*(map(float, line.split()) for line in experiment.told()), strict=True)
    assert len(set(pids)) == 10
    assert times[-1] - times[0] < 9 * 1.0, "nine imports would take 18 s"


# --- the agent is killed or stopped -------------------------------------------------------------------------------

COUNTS = """
def run(instance, save, state):
    name = os.path.basename(instance)
    tell("begins", name, state, os.getpid())
    for number in range(int(state or 0) + 1, 4):
        save(str(number))
        tell("saved", name, number)
        if number == 2:
            wait_for("go")
def done():
    tell("done")
"""


@case("D153-a-killed-agent")
def test_runs_of_a_killed_agent_go_on_in_the_same_session_from_their_last_states(experiment: Experiment) -> None:
    running = experiment.write(COUNTS, ("a", "b")).go("--workers", "2")
    for name in "ab":
        experiment.hears(f"saved {name} 2")
    workers = running.workers()
    running.agent().kill()
    until(lambda: all(map(is_over, workers)), lambda: f"{workers} end", 5)
    experiment.allow("go")
    result = running.end()
    assert result.code == 0, result
    starts = sorted(line.split()[1:-1] for line in experiment.told() if line.startswith("begins"))
    assert starts == [["a"], ["a", "2"], ["b"], ["b", "2"]]
    assert experiment.told().count("done") == 1
    assert [run["state"] for run in experiment.runs().values()] == ["3", "3"]
    note = "the process that workers are forked from is killed by SIGKILL: another one is started when it is needed"
    assert note in experiment.session_log()
    assert note in result.out


@case("D153-again-and-again")
def test_an_agent_may_be_killed_again_and_again(experiment: Experiment) -> None:
    """That is not the fault of its runs, unless each of them was killed under the same one."""
    experiment.write(
        """
        def run(instance, save, state):
            number = int(state or 0) + 1
            save(str(number))
            tell("saved", number)
            wait_for(f"go {number}")
            if number < 5:
                time.sleep(600)
        """
    )
    running = experiment.go()
    for number in range(1, 5):
        experiment.hears(f"saved {number}")
        experiment.allow(f"go {number}")
        running.agent().kill()
    experiment.allow("go 5")
    result = running.end()
    assert result.code == 0, result
    assert experiment.one()["state"] == "5"


@case("D153-its-log-is-ours")
def test_what_a_later_agent_has_printed_is_forgotten_with_the_rest(experiment: Experiment) -> None:
    experiment.write(
        """
        print("imported")
        def run(instance, save, state):
            tell("begins")
            wait_for("go")
        """
    )
    running = experiment.go()
    experiment.hears("begins")
    running.agent().kill()
    until(lambda: experiment.told().count("begins") == 2, experiment.outputs)
    experiment.allow("go")
    assert running.end().code == 0
    assert list(experiment.state_dir.glob("logs/load/*-agent2.log"))
    result = experiment.run("--fresh", "--yes")
    assert (result.code, result.err) == (0, "")
    assert not list(experiment.state_dir.glob("logs/load/*-agent2.log"))


@case("D153-a-stopped-agent-goes-on")
def test_an_agent_that_was_stopped_for_a_while_goes_on(experiment: Experiment) -> None:
    running = experiment.write(COUNTS, ("a", "b", "c")).go("--workers", "2")
    experiment.hears("saved c 2")
    agent = running.agent()
    agent.suspend()
    experiment.allow("go")
    experiment.hears("saved a 3")  # workers need no agent to go on
    agent.resume()
    result = running.end()
    assert result.code == 0, result
    assert len([line for line in experiment.told() if line.startswith("begins")]) == 3


STARTS = """
import subprocess
def run(instance, save, state):
    save("kept")
    for new_session in (False, True):
        subprocess.Popen(["sleep", "600"], start_new_session=new_session)
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        tell("started")
        time.sleep(600)
    time.sleep(600)
"""


@cases("D154", program=("program",), agent=("agent",), guard_and_agent=("guard", "agent"), all=("agent", "program"))
def test_nothing_of_a_run_outlives_its_agent_or_the_program(experiment: Experiment, victims: tuple[str, ...]) -> None:
    running = experiment.write(STARTS).go()
    experiment.hears("started")
    program = psutil.Process(running.process.pid)
    known = {"program": program, "agent": running.agent(), "guard": running.guard()}
    before = [process for process in experiment.processes() if process != program]
    assert len(before) >= 6, "agent, guard, worker, three that it has started"
    for victim in victims:
        known[victim].kill()
    until(lambda: all(map(is_over, before)), lambda: f"{before} end", 5)
    experiment.kill(running)


@case("D155-ctrl-c-twice")
def test_ctrl_c_twice_ends_a_program_whose_agent_is_stopped(experiment: Experiment) -> None:
    running = experiment.write(
        """
        def run(instance, save, state):
            save("kept")
            tell("saved")
            time.sleep(600)
        """
    ).go("--grace", "0.5")
    experiment.hears("saved")
    running.agent().suspend()
    began = time.monotonic()
    running.signal(signal.SIGINT)
    until(lambda: "interrupting" in running.complained(), experiment.outputs)
    running.signal(signal.SIGINT)
    result = running.end()
    assert result.code == 130, result
    assert time.monotonic() - began < 8
    assert experiment.one()["state"] == "kept"
    assert experiment.statuses() == {"a": "interrupted"}


@case("D155-nothing-runs-any-more")
def test_ctrl_c_ends_a_program_whose_workers_have_ended_below_a_stopped_agent(experiment: Experiment) -> None:
    running = experiment.write(
        """
        def run(instance, save, state):
            tell("begins")
            wait_for("go")
        """
    ).go()
    experiment.hears("begins")
    running.agent().suspend()
    experiment.allow("go")
    until(lambda: "done in" in running.printed(), experiment.outputs)
    running.signal(signal.SIGINT)
    until(lambda: "interrupting" in running.complained(), experiment.outputs)
    running.signal(signal.SIGINT)
    running.end(15)
    assert experiment.statuses() == {"a": "done"}


# --- the guard ----------------------------------------------------------------------------------------------------


@cases("D159", program="program", agent="agent")
def test_a_guard_that_was_killed_has_a_successor(experiment: Experiment, victim: str) -> None:
    running = experiment.write(STARTS).go()
    experiment.hears("started")
    first = running.guard()
    first.kill()
    until(lambda: is_over(first) and running.guard() != first, lambda: "another guard comes", 5)
    program = psutil.Process(running.process.pid)
    before = [process for process in experiment.processes() if process != program]
    assert len(before) >= 6, "agent, guard, worker, three that it has started"
    (program if victim == "program" else running.agent()).kill()
    until(lambda: all(map(is_over, before)), lambda: f"{before} end", 5)
    experiment.kill(running)


# --- how workers come about ---------------------------------------------------------------------------------------


@case("D156-each-run-in-its-own-process")
def test_what_a_run_leaves_is_gone_with_its_process(experiment: Experiment) -> None:
    """Limits are set by one run only: a worker that finds others than it had goes in any case."""
    experiment.write(
        """
        import resource
        LEAK, LIMITS = [], resource.getrlimit(resource.RLIMIT_CPU)
        def run(instance, save, state):
            limits, alarm = resource.getrlimit(resource.RLIMIT_CPU), signal.getitimer(signal.ITIMER_REAL)[0]
            tell(os.path.basename(instance), os.getpid(), os.environ.get("LEFT"), len(LEAK), limits == LIMITS, alarm)
            os.environ["LEFT"] = instance
            LEAK.append(bytearray(1_000_000))
            signal.alarm(100)
            if instance.endswith("limits"):
                resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
        """,
        ["last", "limits", "first"],
    )
    result = experiment.run("--workers", "1", "--runs-per-worker", "1")
    assert result.code == 0, result
    told = [line.split() for line in experiment.told()]
    assert [name for name, *_ in told] == ["first", "limits", "last"]
    assert len({pid for _, pid, *_ in told}) == 3
    assert {tuple(rest) for _, _, *rest in told} == {("None", "0", "True", "0.0")}


IMPORTED = """
tell("imported", os.getpid())
def run(instance, save, state):
    tell("run", os.getpid())
    while len({line for line in open("told") if "run" in line}) < 2:
        time.sleep(0.01)
"""


@case("D157-in-each-worker")
def test_each_worker_imports_the_module_where_that_is_asked_for_which_is_remembered(experiment: Experiment) -> None:
    experiment.write(IMPORTED, ("a", "b"))
    assert experiment.run("--workers", "2", "--import", "each").code == 0
    imported = {line.split()[1] for line in experiment.told() if line.startswith("imported")}
    ran = {line.split()[1] for line in experiment.told() if line.startswith("run")}
    assert len(ran) == 2
    assert ran < imported
    experiment.batch(("a", "b", "c"))
    result = experiment.run()
    assert result.code == 0, result
    assert "as last time: 2 workers, each worker imports the module\n" in result.out


@case("D158-a-thread-of-the-module")
def test_where_the_module_has_started_a_thread_each_worker_imports_it_by_itself(experiment: Experiment) -> None:
    experiment.write(
        "import threading\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n" + IMPORTED, "ab"
    )
    result = experiment.run("--workers", "2")
    assert result.code == 0, result
    note = "each worker imports the module by itself: a thread that it has started runs (Thread-1 (sleep))"
    assert experiment.session_log().count(note) == 1
    assert note in result.out
    imported = {line.split()[1] for line in experiment.told() if line.startswith("imported")}
    ran = {line.split()[1] for line in experiment.told() if line.startswith("run")}
    assert len(ran) == 2
    assert ran < imported


@cases("D160", seeded="random.seed(42)", unseeded="pass")
def test_workers_have_the_random_state_of_the_import(experiment: Experiment, seed: str) -> None:
    experiment.write(
        f"""
        import random
        {seed}
        def run(instance, save, state):
            save(random.random())
        """,
        ("a", "b"),
    )
    assert experiment.run("--runs-per-worker", "1").code == 0
    first, second = (run["state"] for run in experiment.runs().values())
    assert first == second
    assert (float(first) == random.Random(42).random()) is (seed != "pass")
