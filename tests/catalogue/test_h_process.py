"""Catalogue H: what a run did to its process, and what it raised, stays with it."""

from __future__ import annotations

import re
from textwrap import indent

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, limit_descriptors

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
            time.sleep(0.002)  # it is looked at once a millisecond
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


@case("H98-files")
def test_what_a_run_limits_itself_is_its_own_fault(experiment: Experiment) -> None:
    """The disk is not full: others go on, and the run fails, which waiting for room would not mend."""
    experiment.write(
        """
        import resource
        def run(instance, save, state):
            save("0")
            if instance.endswith("b"):
                resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            save("1")
        """,
        ["a", "b", "c"],
    )
    result = experiment.run("--workers", "1")
    assert (result.code, experiment.statuses()) == (1, {"a": "done", "b": "failed", "c": "done"}), result
    assert experiment.runs()["b"]["state"] == "0"
    assert "run() has limited the size of files (RLIMIT_FSIZE)" in experiment.runs()["b"]["error"]


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


@case("H100-gone-after-its-end-was-read")
def test_a_worker_that_is_gone_after_the_end_of_the_last_run_was_read_holds_nobody_up(experiment: Experiment) -> None:
    experiment.write(
        """
        class Last:
            def flush(self):
                time.sleep(0.5)  # five looks at the journal, in which the run is done
                os._exit(3)
        def run(instance, save, state):
            sys.stdout = Last()
        """
    )
    assert experiment.run().code == 0
    assert experiment.statuses() == {"a": "done"}


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
