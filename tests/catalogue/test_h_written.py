"""Catalogue H: what a run wrote is there, since its worker ends as a Python program does."""

from __future__ import annotations

import re
import signal
from textwrap import indent

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment

# --- the end of a worker ------------------------------------------------------------------------------------------

WRITES = """
    import atexit, multiprocessing, tempfile, threading
    OUT = open("results", "a")
    TEMPORARY = tempfile.TemporaryDirectory(dir=".", prefix="tmp-")
    PIDS = os.open("finalized", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    class Last:
        def __del__(self, write=os.write): write(PIDS, b"finalized\\n")
    LAST = Last()
    atexit.register(tell, "exit function")
    def ends_later():
        time.sleep(0.3)
        OUT.write("of a thread\\n")
    def run(instance, save, state):
        OUT.write(f"of {os.path.basename(instance)}\\n")
        threading.Thread(target=ends_later).start()
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,), daemon=True).start()
"""


@cases(
    "H93",
    after_it_returned=("", 0),
    after_it_raised=("raise ValueError", 1),
    after_an_interrupt=("while True:\n    save('x')\n    tell('saves')\n    time.sleep(0.01)", 130),
)
def test_a_worker_ends_as_a_python_program_does(experiment: Experiment, how: tuple[str, int]) -> None:
    end, code = how
    running = experiment.write(WRITES + indent(end, " " * 8)).go()
    if code == 130:
        experiment.hears("saves")
        running.signal(signal.SIGINT)
    result = running.end()
    assert result.code == code, result
    assert (experiment.folder / "results").read_text() == "of a\nof a thread\n"
    assert (experiment.folder / "finalized").read_text() == "finalized\n"
    assert experiment.told()[-1] == "exit function"
    assert not list(experiment.folder.glob("tmp-*"))
    assert "worker" not in experiment.session_log(), "it ended by itself, and left nothing"


@case("H93-worker-of-a-command-that-starts-nothing")
def test_a_worker_that_was_only_to_load_ends_as_a_python_program_does(experiment: Experiment) -> None:
    experiment.write("import atexit\natexit.register(tell, 'exit function')\nrun = None\n")
    assert experiment.run().code == 2
    assert experiment.told() == ["exit function"]
    assert experiment.start("doctor", experiment.name).end().code != 0
    assert experiment.told() == ["exit function"] * 2


HELD_UP = """
    import atexit, threading
    OUT = open("results", "a")
    class Waits:
        def __del__(self, sleep=time.sleep): sleep(1000)
    def for_ever():
        wait_for("never")
    def stubborn():
        while True:
            try:
                for_ever()
            except KeyboardInterrupt:
                pass
    def run(instance, save, state):
        global WAITS
        OUT.write("written\\n")
        {held_up}
"""


@cases(
    "H94",
    exit_function=("atexit.register(for_ever)", "was held up at its end by wait_for() at telling.py:1"),
    thread=("threading.Thread(target=for_ever, name='T').start()", "left a thread running, which ended with"),
    finalizer=("WAITS = globals().get('WAITS') or Waits()", "was held up at its end by __del__() at m.py:"),
    stubborn=("atexit.register(stubborn)", "did not end within 2 s and was killed: what it had not written"),
    crash=("atexit.register(os.abort)", "was killed by SIGABRT while it ended: what it had not written to"),
    exits=("atexit.register(os._exit, 7)", "exited with code 7 while it ended: what it had not written to"),
    exit_at_once=("atexit.register(os._exit, 0)", ""),
    closes_all=("atexit.register(os.closerange, 0, 65536)", ""),
)
def test_what_holds_a_worker_up_at_its_end_is_told_and_ended(experiment: Experiment, how: tuple[str, str]) -> None:
    """What runs have written is in their files, whatever the end of their worker is like."""
    held_up, told = how
    names = [f"i{number}" for number in range(6)]
    result = experiment.write(HELD_UP.format(held_up=held_up), names).run("--workers", "6")
    assert result.code == 0, "the runs are done, whatever their workers do"
    if told:
        assert told in experiment.session_log()
        assert re.search(rf"worker \d+ {re.escape(told)}", result.out)
    assert (experiment.folder / "results").read_text() == "written\n" * len(names)
    experiment.nothing_left(1)


@case("H94-killed-runner")
def test_a_worker_that_is_held_up_at_its_end_does_not_outlive_a_killed_runner(experiment: Experiment) -> None:
    """Whoever sets the deadline may be gone."""
    experiment.write("""
        import atexit, subprocess
        def waits():
            subprocess.Popen(["setsid", "sleep", "1000"])
            tell("ends")
            wait_for("never")
        def run(instance, save, state):
            atexit.register(waits)
    """)
    running = experiment.go()
    experiment.hears("ends")
    experiment.kill(running)


@case("H95-all-leave-at-the-same-time")
def test_workers_leave_at_the_same_time(experiment: Experiment) -> None:
    experiment.write(
        """
        import atexit
        def ends():
            tell("begins")
            time.sleep(1)
            tell("ended")
        def run(instance, save, state):
            atexit.register(ends)
            tell("runs")
            while sum(line == "runs\\n" for line in open("told")) < 4:
                time.sleep(0.01)
        """,
        "abcd",
    )
    assert experiment.run("--workers", "4").code == 0
    assert experiment.told()[-8:] == ["begins"] * 4 + ["ended"] * 4


@case("H95-a-slot-is-taken-again-when-its-worker-is-gone")
def test_a_slot_is_taken_again_when_its_worker_is_gone(experiment: Experiment) -> None:
    experiment.write(
        """
        import atexit, resource
        MARK = []
        def ends():
            time.sleep(0.3)
            os.unlink(MARK[0])
        def run(instance, save, state, worker_id):
            atexit.register(ends)
            MARK.append(f"worker-{worker_id}")
            os.close(os.open(MARK[0], os.O_CREAT | os.O_EXCL))
            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
            time.sleep(0.002)
        """,
        "abcdef",
    )
    assert experiment.run("--workers", "2").code == 0
    assert set(experiment.statuses().values()) == {"done"}
    assert not re.search(r"worker \d", experiment.session_log()), "all ended by themselves"


# --- done() -------------------------------------------------------------------------------------------------------

COUNTS = """
    OUT = open("results", "a")
    CALLED = []
    def run(instance, save, state):
        CALLED.append(instance)
        OUT.write("x\\n")
        if instance.endswith("last"):
            save("saved")
            tell("saved")
            {last}
    def done():
        tell("done", len(CALLED), sum(1 for line in open("results")))
        OUT.write("of done()")
"""


@cases("H96", one_worker="1", three_workers="3")
def test_done_sees_all_that_runs_have_written(experiment: Experiment, workers: str) -> None:
    experiment.write(COUNTS.format(last="pass"), ("last", "b", "c", "d", "e"))
    assert experiment.run("--workers", workers).code == 0
    assert experiment.told()[-1] == "done 0 5"
    assert (experiment.folder / "results").read_text() == "x\n" * 5 + "of done()", "its own end is waited for, too"
    assert experiment.log("done") == (
        "pyalma-tui: done() runs in a process of its own: the module's globals are as its import leaves them, "
        "not as runs do\n"
    )
    assert not list(experiment.state_dir.glob("logs/load/*")), "nothing else was printed"
    assert experiment.run("--rerun-done").code == 0
    assert experiment.told()[-1] == "done 0 6", "an unterminated line is one"


@case("H96-after-an-interrupt")
def test_done_sees_what_was_written_before_an_interrupt(experiment: Experiment) -> None:
    experiment.write(COUNTS.format(last="wait_for('go')"), ("last", "b", "c"))
    running = experiment.go("--workers", "2")
    experiment.hears("saved")
    running.signal(signal.SIGINT)
    assert running.end().code == 130
    experiment.allow("go")
    assert experiment.run().code == 0
    assert experiment.told()[-1] == "done 0 4", "one was called twice"


@case("H102-without-descriptors-nothing-outlives-the-runner")
def test_what_has_closed_all_descriptors_does_not_outlive_the_runner(experiment: Experiment) -> None:
    """What guards a worker hears that the runner is gone, whatever run() has closed."""
    experiment.write("""
        import subprocess
        def run(instance, save, state):
            os.closerange(3, 4096)
            time.sleep(1.2)
            subprocess.Popen(["sleep", "1000"])
            tell("started")
            wait_for("never")
    """)
    running = experiment.go()
    experiment.hears("started")
    experiment.kill(running)
