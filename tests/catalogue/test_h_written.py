"""Catalogue H: what a run wrote is there, and what it did to its process stays with it."""

from __future__ import annotations

import re
import signal
from textwrap import indent

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, limit_descriptors

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
    {held_up}
    def run(instance, save, state):
        OUT.write("written\\n")
        {run}
"""


@cases(
    "H94",
    exit_function=("atexit.register(for_ever)", "", "was held up at its end by wait_for() at telling.py:1", True),
    thread=("", "threading.Thread(target=for_ever, name='T').start()", "left a thread running, which ended with", True),
    finalizer=("WAITS = Waits()", "", "was still at its end after 1.5 s and was interrupted: what it had not", False),
    stubborn=("atexit.register(stubborn)", "", "did not end within 2 s and was killed: what it had not written", True),
    crash=("atexit.register(os.abort)", "", "was killed by SIGABRT while it ended: what it had not written to", False),
)
def test_what_holds_a_worker_up_at_its_end_is_told_and_ended(
    experiment: Experiment, how: tuple[str, str, str, bool]
) -> None:
    """`flushed`: whether files are, all the same; where a finalizer waits or the process crashes, nobody knows."""
    held_up, run, told, flushed = how
    names = [f"i{number}" for number in range(6)]
    result = experiment.write(HELD_UP.format(held_up=held_up, run=run or "pass"), names).run("--workers", "6")
    assert result.code == 0, "the runs are done, whatever their workers do"
    assert told in experiment.session_log()
    assert re.search(rf"worker \d+ {re.escape(told)}", result.out)
    if flushed:
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
        atexit.register(waits)
        def run(instance, save, state):
            pass
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
        atexit.register(ends)
        def run(instance, save, state):
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
        atexit.register(ends)
        def run(instance, save, state, worker_id):
            MARK.append(f"worker-{worker_id}")
            os.close(os.open(MARK[0], os.O_CREAT | os.O_EXCL))
            resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
        """,
        "abcdef",
    )
    assert experiment.run("--workers", "2").code == 0
    assert set(experiment.statuses().values()) == {"done"}
    assert "worker" not in re.sub("its worker is replaced", "", experiment.session_log()), "all ended by themselves"


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
    assert not list((experiment.state_dir / "logs" / "load").iterdir()), "nothing else was printed"
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


# --- between two runs ---------------------------------------------------------------------------------------------

LEAVES = """
    def stand():
        mask = os.umask(0)
        os.umask(mask)
        return {
            "handlers": [signal.getsignal(n) for n in signal.valid_signals()],
            "timers": [signal.getitimer(n) for n in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)],
            "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
            "umask": mask,
            "folder": os.getcwd(),
            "process": os.getpid(),
        }
    class Odd:
        def __eq__(self, other): raise RuntimeError
        def __call__(self, *args): raise TimeoutError
    SIGNALS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    def alarm(): signal.alarm(1)
    def alarm_that_came(): time.sleep(1.2)
    def timers():
        for timer in range(3): signal.setitimer(timer, 0.2, 0.001)
    def handlers():
        for number in SIGNALS: signal.signal(number, Odd())
    def ignored():
        for number in SIGNALS: signal.signal(number, signal.SIG_IGN)
    def handler_and_timer():
        signal.signal(signal.SIGALRM, Odd())
        signal.setitimer(signal.ITIMER_REAL, 0.3, 0.0005)
    def blocked():
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.kill(os.getpid(), signal.SIGTERM)
    def umask(): os.umask(0o777)
    def folder(): os.chdir("/")
    def nothing(): pass
    KEPT = {}
    def run(instance, save, state):
        found = stand()
        KEPT.update(KEPT or found)
        tell(os.path.basename(instance), *[what for what in found if found[what] != KEPT[what]])
        globals()[os.path.basename(instance)]()
"""


@case("H97-what-a-run-leaves-the-next-one-does-not-find")
def test_what_a_run_leaves_in_its_process_the_next_one_does_not_find(experiment: Experiment) -> None:
    names = ["alarm", "alarm_that_came", "timers", "handlers", "ignored", "handler_and_timer", "blocked", "umask"]
    names += ["folder", "nothing"]
    experiment.write(LEAVES, names[::-1])
    assert experiment.run("--workers", "1").code == 0, experiment.outputs()
    assert experiment.told() == names


@case("H98-limits")
def test_a_worker_whose_limits_a_run_has_changed_is_replaced(experiment: Experiment) -> None:
    experiment.write(
        """
        import resource
        def run(instance, save, state):
            tell(os.path.basename(instance), os.getpid())
            name = {"c": "CORE", "n": "NOFILE", "p": "CPU"}.get(os.path.basename(instance)[0])
            if name:
                soft, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (100, hard))
        """,
        ["p1", "n1", "c2", "c1", "a3", "a2", "a1"],
    )
    result = experiment.run("--workers", "1")
    assert result.code == 0, result
    pids = [line.split()[1] for line in experiment.told()]
    assert len(set(pids[:4])) == 1, "what changes nothing stays"
    assert len(set(pids)) == 4, "a worker is replaced after each run that does"
    assert [re.sub("^[^ ]+ ", "", line) for line in result.out.splitlines() if "limits" in line] == [
        f"{name} has changed limits of its process (RLIMIT_{limit}): "
        f"its worker is replaced, as each is after such a run"
        for name, limit in (("c1", "CORE"), ("n1", "NOFILE"), ("p1", "CPU"))
    ]


@case("H99-objects-of-a-failed-run")
def test_the_objects_of_a_failed_run_are_freed(experiment: Experiment) -> None:
    experiment.write(
        """
        import weakref
        class Big: pass
        ALIVE = []
        class Kept(Exception): pass
        def cycle(big):
            try:
                raise ValueError
            except ValueError as error:
                kept = error
                raise
        def chained(big):
            try:
                cycle(big)
            except ValueError as error:
                raise KeyError from error
        def group(big):
            try:
                chained(big)
            except KeyError as error:
                raise ExceptionGroup("several", [ExceptionGroup("inner", [error])])
        def generator(big):
            def steps(big):
                yield
                raise ValueError
            for _ in steps(big):
                pass
        def attribute(big):
            error = Kept(big)
            error.me = error
            raise error
        def debugger(big):
            try:
                cycle(big)
            except ValueError as error:
                sys.last_value = sys.last_exc = error
                sys.last_traceback = error.__traceback__
                raise
        def global_error(big):
            global ERROR
            try:
                cycle(big)
            except ValueError as error:
                ERROR = error
                raise
        def leaves(big):
            me = [big]
            me.append(me)
            sys.exit(3)
        def run(instance, save, state):
            tell(*[name for name, ref in ALIVE if ref() is not None])
            name = os.path.basename(instance)
            big = Big()
            ALIVE.append((name, weakref.ref(big)))
            if name != "last":
                globals()[name](big)
        """,
        ["last", "cycle", "chained", "group", "generator", "attribute", "debugger", "global_error", "leaves"],
    )
    assert experiment.run("--workers", "1").code == 1
    assert experiment.told() == [""] * 9


@case("H99-a-lock-is-free-for-the-next-attempt-wherever-it-is-made")
def test_a_lock_of_a_failed_run_is_free_for_the_next_attempt(experiment: Experiment) -> None:
    experiment.write(
        """
        import fcntl
        def run(instance, save, state):
            if instance.endswith("long"):
                wait_for("go")
                return
            lock = open("locked", "w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if state == "":
                    save("1")
                    raise ValueError
            except ValueError as error:
                kept = error
                raise
            open("go", "w").close()
        """,
        ["long", "a"],
    )
    assert experiment.run("--workers", "2", "--retries", "1").code == 0


# --- the journal's descriptor -------------------------------------------------------------------------------------

REPLACES = """
    MINE = []
    def ours(kind):
        for fd in os.listdir("/proc/self/fd"):
            if os.path.exists(f"/proc/self/fd/{fd}") and kind in os.readlink(f"/proc/self/fd/{fd}"):
                yield int(fd)
    def mine():
        MINE.append(os.open(f"mine{len(MINE)}", os.O_RDWR | os.O_CREAT))
        return MINE[-1]
    def replace(kind="/journal/"):
        for fd in ours(kind): os.dup2(mine(), fd)
    def closed(save):
        for fd in ours("/journal/"): os.close(fd)
        save("lost")
    def closed_and_caught(save):
        for fd in ours("/journal/"): os.close(fd)
        for _ in range(3):
            try:
                save("lost")
            except BaseException as error:
                tell(type(error).__name__)
    def another_file(save):
        replace()
        save("lost")
    def of_the_same_size(save):
        for fd in ours("/journal/"):
            os.lseek(mine(), os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
            os.dup2(MINE[-1], fd)
    def a_device(save):
        for fd in ours("/journal/"): os.dup2(os.open(os.devnull, os.O_RDWR), fd)
        save("lost")
    def a_pipe(save):
        for fd in ours("/journal/"): os.dup2(os.pipe()[1], fd)
        save("lost")
    def without_a_save(save): replace()
    def and_fails(save):
        replace()
        raise ValueError
    def all_closed(save):
        os.closerange(0, 4096)
        save("lost")
    def all_closed_then_opened(save):
        os.closerange(3, 4096)
        for _ in range(800): mine()
        save("lost")
    def few_closed_then_opened(save):
        os.closerange(3, 256)
        for _ in range(100): mine()
        save("lost")
    def sockets_too(save):
        replace("/journal/")
        replace("socket:[")
        save("lost")
    def sockets_only(save):
        replace("socket:[")
        save("end")
    def before_a_new_segment(save):
        replace()
        for _ in range(20): save("x" * 1_000_000)
    def run(instance, save, state):
        save("kept")
        globals()[os.path.basename(instance)](save)
        tell("returned")
"""
LOST = "the descriptor of the journal was closed or replaced. The state saved before is kept"


@case("H100-what-is-no-journal-any-more")
def test_a_save_into_what_is_no_journal_any_more_fails_and_writes_into_no_file_of_the_run(
    experiment: Experiment,
) -> None:
    names = ["closed", "closed_and_caught", "another_file", "of_the_same_size", "a_device", "a_pipe", "without_a_save"]
    names += ["and_fails", "all_closed", "all_closed_then_opened", "sockets_too", "before_a_new_segment"]
    experiment.write(REPLACES, names)
    assert experiment.run("--workers", "1").code == 1
    assert experiment.told() == ["returned"] * 2 + ["SaveFailed"] * 3 + ["returned"], "save() never returned"
    runs = experiment.runs()
    assert {name: run["error"] for name, run in runs.items()} == dict.fromkeys(
        names, f"SaveFailed: the state could not be stored: {LOST}"
    ) | {"and_fails": "ValueError"}
    assert {(run["state"], run["saves"], run["attempts"]) for run in runs.values()} == {("kept", 1, 1)}
    assert {mine.read_bytes() for mine in experiment.folder.glob("mine*")} == {b""}, "what is the run's own stays so"
    assert experiment.session_log().count("closed or replaced the descriptor of its journal") == 1, "told once"


@case("H100-few-descriptors")
def test_with_few_descriptors_too_a_file_of_the_run_is_not_written_into(experiment: Experiment) -> None:
    """There the journal is among the low ones, and what run() opens takes their numbers."""
    experiment.write(REPLACES, ["few_closed_then_opened"])
    assert experiment.run(before=limit_descriptors).code == 1
    run = experiment.one()
    assert (run["state"], run["error"]) == ("kept", f"SaveFailed: the state could not be stored: {LOST}")
    assert {mine.read_bytes() for mine in experiment.folder.glob("mine*")} == {b""}


@case("H100-sockets-only")
def test_a_run_that_replaced_its_sockets_ends_as_the_journal_says(experiment: Experiment) -> None:
    experiment.write(REPLACES, ["sockets_only"])
    assert experiment.run("--iterations", "2").code == 0, "the journal says how it ended"
    assert {(run["status"], run["state"]) for run in experiment.status()["runs"]} == {("done", "end")}
    assert {mine.read_bytes() for mine in experiment.folder.glob("mine*")} == {b""}


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


# --- exceptions that break while they are looked at ---------------------------------------------------------------

BROKEN = """
    import traceback
    class Text(str):
        def __getattribute__(self, name): raise LookupError(name)
        def __repr__(self): raise LookupError
        def __str__(self): return self
    class Unprintable(Exception):
        def __str__(self): raise LookupError
    class Exits(Exception):
        def __str__(self): sys.exit(7)
        __repr__ = __str__
    class Closed(Exception):
        def __getattribute__(self, name): raise SystemExit(name)
        def __setattr__(self, name, value): raise SystemExit(name)
    class Lies(Exception):
        @property
        def __class__(self): raise LookupError
        @property
        def __traceback__(self): raise LookupError
        @property
        def __cause__(self): return self
    class Meta(type):
        @property
        def __name__(cls): raise LookupError
        @property
        def __module__(cls): raise LookupError
    class Nameless(Exception, metaclass=Meta): pass
    class Notes(Exception):
        @property
        def __notes__(self): raise KeyboardInterrupt
    class Members(ExceptionGroup):
        @property
        def exceptions(self): raise LookupError
    class Code:
        def __repr__(self): raise LookupError
        __str__ = __repr__
    def unprintable(): raise Unprintable
    def exits(): raise Exits
    def closed(): raise Closed
    def lies(): raise Lies
    def nameless(): raise Nameless
    def notes(): raise Notes("noted")
    def members(): raise Members("all", [ValueError()])
    def text(): raise ValueError(Text("said"))
    def code(): sys.exit(Code())
    def text_code(): sys.exit(Text("bye"))
    def huge(): raise type("E" * 1_000_000, (Exception,), {})("x" * 10_000_000)
    def hostile(): raise type("A\\nB\\x1b]0;x\\x07", (Exception,), {})("\\ud800")
    def deep():
        error = ValueError("inner")
        for _ in range(10_000): error = ExceptionGroup("outer", [error])
        raise error
    def cycle():
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        raise first
    def endless(): endless()
    def syntax():
        error = SyntaxError("bad")
        error.lineno, error.filename, error.msg = Text("x"), Code(), Code()
        raise error
    def patched():
        def raises(*args, **more): raise SystemExit
        traceback.format_exception = traceback.format_exception_only = traceback.TracebackException = raises
        raise ValueError("patched")
    def patched_otherwise():
        traceback.format_exception = traceback.format_exception_only = lambda *args: [1]
        raise ValueError("patched")
"""
LOOKED_AT = {
    "unprintable": "Unprintable: <exception str() failed>",
    "exits": "Exits: <exception str() failed>",
    "closed": "Closed (it cannot be shown: looking at it raises SystemExit)",
    "lies": "Lies",
    "nameless": "Nameless (it cannot be shown: looking at it raises LookupError)",
    "notes": "Notes (it cannot be shown: looking at it raises KeyboardInterrupt)",
    "members": "Members (it cannot be shown: looking at it raises LookupError)",
    "text": "ValueError: said",
    "code": "called sys.exit() with a Code instead of returning",
    "text_code": "called sys.exit() with a Text instead of returning",
    "huge": "E" * 2_000,
    "hostile": "A",
    "deep": "ExceptionGroup: outer (1 sub-exception)",
    "cycle": "ValueError: first",
    "endless": "RecursionError: maximum recursion depth exceeded",
    "syntax": "SyntaxError",
    "patched": "ValueError (it cannot be shown: looking at it raises SystemExit)",
    "patched_otherwise": "ValueError (it cannot be shown: looking at it raises TypeError)",
}


@case("H101-in-run")
def test_an_exception_that_breaks_while_it_is_looked_at_is_told_by_its_type(experiment: Experiment) -> None:
    experiment.write(
        BROKEN + "    def run(instance, save, state): globals()[os.path.basename(instance)]()\n", list(LOOKED_AT)[::-1]
    )
    assert experiment.run("--workers", "1").code == 1
    found = {name: run["error"] for name, run in experiment.runs().items()}
    assert {name: error for name, error in found.items() if not error.startswith(LOOKED_AT[name])} == {}
    traces = [run["traceback"] for run in experiment.table("runs").values()]
    assert all(f'  File "{experiment.module}", line ' in trace for trace in traces), "where is always told"


@cases("H101", **{name: name for name in ("closed", "syntax")})
def test_an_exception_that_breaks_is_told_of_done_and_of_the_import_too(experiment: Experiment, name: str) -> None:
    end = f"def run(instance, save, state): pass\ndef done(): {name}()\n"
    experiment.write(BROKEN + indent(end, "    "))
    result = experiment.run()
    assert result.code == 1
    assert f"done()  failed: {LOOKED_AT[name]}" in result.out
    experiment.write(BROKEN + indent(f"{name}()\n" + end, "    "), name="n.py")
    result = experiment.run()
    assert result.code == 2
    assert LOOKED_AT[name].removeprefix("called ").removesuffix(" instead of returning") in result.err
    assert not experiment.state_dir.exists()
