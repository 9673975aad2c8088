"""Catalogue D: run()."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any, cast

import pexpect
import psutil

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import PATIENCE, Experiment, limit_descriptors, until
from tests.prepared import PROGRAM


def faults(experiment: Experiment, *options: str, **bodies: str) -> dict[str, dict[str, Any]]:
    """The runs that save and then do these, each beside the others; after them another run must have gone well."""
    does = {name: indent(body.strip("\n"), "    ") for name, body in bodies.items()}
    functions = "\n".join(f"def {name}(save):\n{body}" for name, body in does.items())
    experiment.write(
        f"""{functions}

def run(instance, save, state):
    name = os.path.basename(instance)
    if name == "after":
        return
    print("before", flush=True)
    save("kept")
    globals()[name](save)
""",
        ("after", *bodies),
    )
    result = experiment.run(*options)
    assert result.code == 1, result
    runs = experiment.runs()
    assert runs.pop("after")["status"] == "done"
    for name, run in runs.items():
        assert (run["status"], run["state"], run["attempts"]) == ("failed", "kept", 1), name
        assert f"{name}  failed: {run['error']}  state kept\n" in result.out, "told when it happens"
        assert experiment.log(run["id"]).startswith("before\n"), name
    return runs


def fault(experiment: Experiment, body: str, *options: str) -> dict[str, Any]:
    """The one run that saves and then does this."""
    return faults(experiment, *options, bad=body)["bad"]


def errors(experiment: Experiment, **bodies: str) -> dict[str, str]:
    """What is said of the runs that do these."""
    return {name: run["error"] for name, run in faults(experiment, **bodies).items()}


@case("D37-returns-a-value")
def test_what_run_returns_is_ignored(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state): return 1 / 3", ("a", "b"))
    assert experiment.run().code == 0
    assert experiment.statuses() == {"a": "done", "b": "done"}


@case("D38-raises")
def test_an_exception_fails_its_run_alone_and_is_tried_again_when_asked(experiment: Experiment) -> None:
    bad = fault(experiment, "raise ValueError('no solution\\nsecond line')")
    assert bad["error"] == "ValueError: no solution"
    traceback = next(r["traceback"] for r in experiment.table("runs").values() if r["status"] == "failed")
    assert traceback.startswith(f'Traceback (most recent call last):\n  File "{experiment.module}", line ')
    assert traceback.endswith("ValueError: no solution\nsecond line\n")
    assert experiment.run().code == 1
    assert experiment.runs()["bad"]["attempts"] == 1, "a failed run waits to be asked for"
    assert experiment.run("--retry-failed").code == 1
    assert experiment.runs()["bad"]["attempts"] == 2


@case("D39-like-an-interrupt")
def test_an_exception_that_looks_like_an_interrupt_is_a_failure_if_nobody_interrupted(experiment: Experiment) -> None:
    assert errors(
        experiment,
        keyboard_interrupt="raise KeyboardInterrupt",
        interrupted="from pyalma_tui import Interrupted; raise Interrupted",
        generator_exit="raise GeneratorExit('x')",
    ) == {
        "keyboard_interrupt": "KeyboardInterrupt",
        "interrupted": "Interrupted",
        "generator_exit": "GeneratorExit: x",
    }


@case("D40-sys-exit")
def test_an_exit_from_run_is_a_failure_that_says_so(experiment: Experiment) -> None:
    assert errors(experiment, zero="sys.exit(0)", plain="sys.exit()", text="sys.exit('bye')") == {
        "zero": "called sys.exit(0) instead of returning",
        "plain": "called sys.exit() instead of returning",
        "text": "called sys.exit('bye') instead of returning",
    }


@case("D41-os-exit")
def test_a_process_that_exits_has_not_returned(experiment: Experiment) -> None:
    bad = fault(experiment, "os._exit(0)")
    assert bad["error"] == "the process exited with code 0 instead of returning from run()"


@case("D42-segfault")
def test_a_segfault_fails_its_run_with_the_signal_and_the_trace_in_the_log(experiment: Experiment) -> None:
    bad = fault(experiment, "import ctypes\nctypes.string_at(0)", "--workers", "1")
    assert bad["error"] == "killed by SIGSEGV"
    log = experiment.log(2)
    assert "Fatal Python error: Segmentation fault" in log
    assert f'File "{experiment.module}", line ' in log


STUBBORN = """
    def run(instance, save, state):
        if instance.endswith("good"):
            return
        save("kept")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        tell("stuck")
        while True:
            try:
                wait_for("never")
            except:
                pass
"""


@case("D43-stubborn")
def test_a_run_that_ignores_every_interrupt_is_ended_after_the_grace_and_keeps_its_state(
    experiment: Experiment,
) -> None:
    running = experiment.write(STUBBORN, ("bad",)).go()
    experiment.hears("stuck")
    running.signal(signal.SIGINT)
    result = running.end()
    assert (result.code, result.last_line()) == (130, "interrupted; the same command continues where it stopped")
    run = experiment.one()
    assert (run["status"], run["state"]) == ("interrupted", "kept")
    assert "bad  interrupted (killed: no save() came within the grace)  state kept\n" in result.out
    assert "interrupting: each run stops at its next save(), at the latest in 0.3 s; again: now" in result.said[0]


@case("D43-second-interrupt")
def test_a_second_interrupt_ends_it_at_once(experiment: Experiment) -> None:
    running = experiment.write(STUBBORN, ("good", "bad")).go("--grace", "1000")
    experiment.hears("stuck")
    running.signal(signal.SIGINT)
    until(running.complained, experiment.outputs)
    running.signal(signal.SIGINT)
    assert running.end(20).code == 130, "at once, not after the grace"
    runs = experiment.runs()
    assert (runs["bad"]["status"], runs["bad"]["state"]) == ("interrupted", "kept")
    assert runs["good"]["status"] == "pending"
    experiment.module.write_text(experiment.module.read_text().replace("tell(", "return tell(state, "))
    assert experiment.run().code == 0
    assert experiment.told() == ["stuck", "kept stuck"]


@case("D44-stopped")
def test_a_stopped_run_is_told_and_can_be_ended(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            if instance.endswith("bad"):
                save("kept")
                tell(os.getpid())
                os.kill(os.getpid(), signal.SIGSTOP)
        """,
        ("good", "bad"),
    )
    running = experiment.go("--workers", "2")
    worker = int(until(experiment.told, experiment.outputs)[0])
    note = f"bad does not respond: its process {worker} is stopped; `kill -CONT {worker}` lets it go on"
    until(lambda: note in running.printed(), experiment.outputs)
    until(lambda: "good  done" in running.printed(), experiment.outputs)
    running.signal(signal.SIGINT)
    until(running.complained, experiment.outputs)
    running.signal(signal.SIGINT)
    assert running.end(20).code == 130
    runs = experiment.runs()
    assert (runs["bad"]["status"], runs["bad"]["state"]) == ("interrupted", "kept")
    assert runs["good"]["status"] == "done"


@case("D44-continued")
def test_a_stopped_run_that_is_continued_is_done(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            tell(os.getpid())
            os.kill(os.getpid(), signal.SIGSTOP)
    """)
    running = experiment.go()
    worker = int(until(experiment.told, experiment.outputs)[0])
    until(lambda: "does not respond" in running.printed(), experiment.outputs)
    os.kill(worker, signal.SIGCONT)
    result = running.end()
    assert result.code == 0, result


@case("D45-fork-and-both-return")
def test_a_fork_that_returns_too_counts_once(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            tell("called", os.path.basename(instance))
            if os.fork() == 0:
                tell("child")
                return
            os.wait()
        """,
        ("a", "b"),
    )
    assert experiment.run().code == 0
    assert sorted(experiment.told()) == ["called a", "called b", "child", "child"]
    assert {(run["status"], run["attempts"]) for run in experiment.runs().values()} == {("done", 1)}


@cases("D46", same_group=False, own_session=True)
def test_what_a_run_leaves_behind_is_killed_with_a_note(experiment: Experiment, own_session: bool) -> None:
    experiment.write(f"""
        import subprocess
        def run(instance, save, state):
            child = subprocess.Popen(["sleep", "1000"], start_new_session={own_session})
            tell(child.pid)
    """)
    result = experiment.run()
    assert result.code == 0, "a run that returned is done, whatever it left behind"
    assert int(experiment.told()[0]) not in [process.pid for process in experiment.processes()]
    note = r"worker \d+ left processes behind; they were killed"
    assert re.search(note, experiment.session_log())
    assert re.search(note, result.out)


@case("D46-without-its-environment")
def test_what_has_left_session_group_and_environment_is_found_all_the_same(experiment: Experiment) -> None:
    experiment.write("""
        import subprocess
        def run(instance, save, state):
            subprocess.run(["sh", "-c", "env -i setsid sh -c 'echo $$ > pid; exec sleep 1000' &"])
            wait_for("pid")
    """)
    result = experiment.run()
    assert result.code == 0
    left = int((experiment.folder / "pid").read_text())
    until(lambda: not psutil.pid_exists(left), lambda: f"the end of process {left}", 5)
    assert re.search(r"worker \d+ left processes behind; they were killed", experiment.session_log())


@case("D46-gets-a-moment")
def test_what_ends_by_itself_in_a_moment_is_let_end(experiment: Experiment) -> None:
    experiment.write("""
        import subprocess
        def run(instance, save, state):
            subprocess.Popen(["sh", "-c", "sleep 0.7; echo finished >> told"])
    """)
    result = experiment.run()
    assert result.code == 0
    assert experiment.told() == ["finished"], "what ends by itself within 2 s is let end"
    assert "left processes behind" not in result.out + experiment.session_log()


@case("D47-million-lines")
def test_a_million_lines_leave_a_log_of_head_and_tail(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            for number in range(1_000_000):
                print(f"{number:>60}")
    """)
    result = experiment.run()
    assert result.code == 0
    log = experiment.log()
    bounded(experiment, 61_000_000)
    assert log.startswith(f"{0:>60}\n")
    assert log.endswith(f"{999_999:>60}\n")
    assert len(result.out.splitlines()) < 10
    assert all(len(line) == 60 or "dropped" in line for line in log.splitlines()), "lines stay whole"


@case("D47-one-line-of-1-GB")
def test_one_line_of_a_gigabyte_leaves_a_log_of_head_and_tail(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            os.write(1, b"begin")
            for number in range(1024):
                os.write(1, b"x" * (1 << 20))
            os.write(1, b"end")
    """)
    assert experiment.run().code == 0
    bounded(experiment, (1 << 30) + len("beginend"))
    log = experiment.log()
    assert log.startswith("beginxxx")
    assert log.endswith("xxxend")


@case("D47-binary")
def test_a_log_holds_every_byte_and_the_terminal_no_control_character(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            sys.stdout.buffer.write(bytes(range(256)) * 1000)
            print("\\ud800", "\\x1b[2J")
            raise ValueError("\\x1b]52;c;eHh4\\x07 \\udcff")
    """)
    result = experiment.run()
    assert result.code == 1
    assert "\x1b" not in result.out + result.err
    path = experiment.state_dir / "logs" / "1" / "1.log"
    assert path.read_bytes() == bytes(range(256)) * 1000 + b"\\ud800 \x1b[2J\n", "the log holds what was printed"
    assert experiment.one()["error"] == "ValueError: \x1b]52;c;eHh4\x07 \udcff"


def bounded(experiment: Experiment, printed: int) -> None:
    """The log keeps its head and its tail, is small, and tells how much went."""
    path = experiment.state_dir / "logs" / "1" / "1.log"
    log = path.read_bytes()
    assert 1 << 20 < len(log) <= 16 << 20
    marks = re.findall(rb"\xe2\x80\xa6 ([0-9,]+) bytes dropped \xe2\x80\xa6\n", log)
    assert len(marks) == 1
    mark = len("… ".encode() + marks[0] + " bytes dropped …\n".encode())
    assert len(log) - mark + int(marks[0].replace(b",", b"")) - printed in (0, 1), "1 where the mark ends a line"


@case("D48-input")
def test_input_says_that_there_is_no_keyboard_and_another_eof_error_is_left_as_it_is(experiment: Experiment) -> None:
    assert errors(experiment, asks="input('really? ')", reads="import io, pickle\npickle.load(io.BytesIO())") == {
        "asks": "EOFError: EOF when reading a line (run() has no keyboard: input() cannot be used)",
        "reads": "EOFError: Ran out of input",
    }


@case("D49-dev-tty")
def test_run_has_no_terminal(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            open("/dev/tty")
    """)
    env = cast(os._Environ[str], experiment.environment(TERM="xterm-256color"))
    shown = pexpect.spawn(
        PROGRAM,
        ["m.py", "--plain"],
        cwd=str(experiment.folder),
        env=env,
        timeout=PATIENCE,
        encoding="utf-8",
        use_poll=True,
    )
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 1
    error = experiment.one()["error"]
    assert re.fullmatch(r"OSError: \[Errno \d+\] .*: '/dev/tty'", error), "a worker must have no terminal"


@case("D50-chdir")
def test_the_next_run_starts_in_the_folder_where_the_first_did(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            tell(os.getcwd())
            os.chdir("/")
        """,
        ("a", "b"),
    )
    assert experiment.run("--workers", "1").code == 0
    assert experiment.told() == [str(experiment.folder)] * 2


@case("D50-chdir-after-closing-descriptors")
def test_the_folder_is_put_back_though_all_descriptors_were_closed(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            tell(os.getcwd())
            os.closerange(3, 256)
            mine = os.open("mine", os.O_WRONLY | os.O_CREAT)
            child = os.fork()
            if child == 0:
                tell(os.write(mine, b"of the child"))
                os._exit(0)
            os.waitpid(child, 0)
            os.close(mine)
            os.chdir("/")
        """,
        ("a", "b"),
    )
    assert experiment.run("--workers", "1").code == 0
    assert experiment.told() == [str(experiment.folder), "12"] * 2


@case("D46-inherits-no-descriptor")
def test_a_child_of_a_run_inherits_no_descriptor(experiment: Experiment) -> None:
    """What escapes for good must hold neither the lock nor a log of another run."""
    experiment.write("""
        import fcntl
        def run(instance, save, state):
            for fd in map(int, os.listdir("/proc/self/fd")):
                if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}") and os.get_inheritable(fd):
                    tell(os.readlink(f"/proc/self/fd/{fd}"))
            tell("looked")
    """)
    assert experiment.run().code == 0
    assert experiment.told() == ["looked"]


@case("D46-waits-until-there-are-no-children")
def test_a_run_that_waits_for_all_its_children_is_not_held_up_by_the_guard(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            for code in range(2):
                if os.fork() == 0:
                    os._exit(code)
            try:
                while True:
                    os.wait()
            except ChildProcessError:
                save("nobody is left")
    """)
    result = experiment.run("--timeout", "20")
    assert result.code == 0, result
    assert experiment.one()["state"] == "nobody is left"
    assert "left processes behind" not in result.out


@case("D46-guard-of-a-killed-worker-goes")
def test_the_guard_of_a_killed_worker_goes_with_it(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            save("x")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    result = experiment.run()
    assert result.code == 1
    assert "left processes behind" not in result.out, "its guard ends by itself, and is taken leave of"


@case("D47-background-output-stays-with-its-run")
def test_what_a_background_job_prints_stays_with_its_run(experiment: Experiment) -> None:
    experiment.write(
        """
        import subprocess
        def run(instance, save, state):
            if instance.endswith("b"):
                os.system("(while [ ! -e go ]; do sleep 0.01; done; echo of b; touch gone) &")
            else:
                open("go", "w").close()
                wait_for("gone")
        """,
        ("a", "b"),
    )
    assert experiment.run("--workers", "1").code == 0
    assert (experiment.folder / "gone").exists()
    assert experiment.log(1) == "", "b printed that"


@case("D51-few-descriptors")
def test_it_works_with_few_descriptors(experiment: Experiment) -> None:
    """What a terminal on macOS allows."""
    experiment.write(
        """
        import resource
        def run(instance, save, state):
            save(str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        """,
        ("a", "b"),
    )
    result = experiment.run("--workers", "2", before=limit_descriptors)
    assert result.code == 0, result
    assert {run["state"] for run in experiment.runs().values()} == {"256"}


@case("D51-all-of-them-closed")
def test_a_save_without_a_journal_fails_loudly_and_others_are_not_concerned(experiment: Experiment) -> None:
    caught = "try:\n    save('lost')\nexcept BaseException as error:\n    tell(type(error).__name__)"
    close = "os.closerange(0, 4096)\n"
    told = errors(experiment, caught=close + caught, not_caught=close + "save('lost')")
    assert experiment.told() == ["SaveFailed"]
    assert set(told.values()) == {
        "SaveFailed: the state could not be stored: the descriptor of the journal was closed or replaced. "
        "The state saved before is kept"
    }


@case("D52-thread")
def test_a_thread_that_is_left_running_ends_with_its_worker_and_is_told(experiment: Experiment) -> None:
    experiment.write(
        """
        import threading
        def run(instance, save, state):
            def forever():
                wait_for("never")
            def shortly():
                time.sleep(0.5)
                tell("thread ended")
            threading.Thread(target=shortly).start()
            if instance.endswith("b"):
                threading.Thread(target=forever, name="Forever").start()
        """,
        ("a", "b"),
    )
    result = experiment.run("--workers", "1")
    assert result.code == 0
    assert experiment.told() == ["thread ended"] * 2, "what ends within the grace is let end"
    note = "left a thread running, which ended with it: Forever"
    assert note in result.out
    assert note in experiment.session_log()


@case("D53-memory")
def test_too_little_memory_fails_the_run_and_a_kill_by_somebody_else_is_called_by_its_usual_cause(
    experiment: Experiment,
) -> None:
    assert errors(experiment, takes="bytearray(1 << 60)", killed="os.kill(os.getpid(), signal.SIGKILL)") == {
        "takes": "MemoryError",
        "killed": "killed by SIGKILL, not by pyalma-tui: usually out of memory",
    }


IMPATIENT = """
import sys
from pyalma_tui.cli.main import main
from pyalma_tui.runner import retries
retries.LONGEST = 0.1
sys.exit(main(["m.py", "--plain", "--retries", "10"]))
"""


@case("D54-kills-its-worker")
def test_a_run_that_ends_five_workers_is_not_tried_again_by_itself(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            if instance.endswith("bad"):
                tell("called")
                os.kill(os.getpid(), signal.SIGKILL)
        """,
        ("good", "bad"),
    )
    (experiment.folder / "impatient.py").write_text(IMPATIENT)
    result = experiment.call(sys.executable, "impatient.py")
    assert result.returncode == 1
    assert experiment.told() == ["called"] * 5
    assert experiment.statuses() == {"good": "done", "bad": "failed"}
    assert "bad is not tried again by itself: it ended 5 workers" in result.stdout


@cases("D54", agent="once", agent_of_separate_workers="each")
def test_a_run_that_ends_five_agents_fails_and_the_others_go_on(experiment: Experiment, imports: str) -> None:
    """What ends the process that its worker was forked from goes on by itself, but not for ever."""
    experiment.write(
        """
        def run(instance, save, state):
            tell(instance.rpartition("/")[2], state)
            if instance.endswith("bad"):
                save("saved")
                os.kill(os.getppid(), signal.SIGKILL)
                wait_for("never")
        """,
        ("good", "bad"),
    )
    result = experiment.run("--import", imports)
    assert result.code == 1, result
    assert experiment.told() == ["bad ", *["bad saved"] * 4, "good "]
    runs = experiment.runs()
    assert (runs["good"]["status"], runs["bad"]["status"], runs["bad"]["state"]) == ("done", "failed", "saved")
    ended = "the process that its worker was forked from ended; 5 workers were lost under this run"
    assert runs["bad"]["error"] == ended


def remove(directory: Path) -> None:
    """At once, for the program goes on to write into what has the name."""
    shutil.rmtree(directory.rename(directory.with_name("removed")))


def empty(directory: Path) -> None:
    aside = directory.with_name("removed")
    aside.mkdir()
    for entry in list(directory.iterdir()):
        entry.rename(aside / entry.name)
    shutil.rmtree(aside)


@cases("D55", removed=remove, emptied=empty)
def test_a_state_directory_that_is_removed_is_written_anew_from_memory(
    experiment: Experiment, destroy: Callable[[Path], None]
) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            name = instance.rpartition("/")[2]
            save(f"{name} 1")
            if name == "b":
                tell("waits")
                wait_for("go")
                save(f"{name} 2")
                tell("saved")
                wait_for("on")
        """,
        ("a", "b", "c"),
    )
    running = experiment.go()
    experiment.hears("waits")
    destroy(experiment.state_dir)
    note = f"{experiment.state_dir} was removed while it was in use; it is written anew from memory"
    until(lambda: note in running.printed(), experiment.outputs)
    until((experiment.state_dir / "db.json").exists, experiment.outputs)
    experiment.allow("go")
    experiment.hears("saved")
    experiment.kill(running)  # only what is in the new directory counts from here on
    runs = experiment.runs()
    assert [(runs[name]["status"], runs[name]["state"]) for name in "cb"] == [("done", "c 1"), ("interrupted", "b 2")]
    experiment.allow("on")
    assert experiment.run().code == 0
    assert {name: run["state"] for name, run in experiment.runs().items()} == {"a": "a 1", "b": "b 2", "c": "c 1"}
    assert experiment.runs()["c"]["attempts"] == 1


@case("D55-one-segment")
def test_a_segment_that_is_removed_is_written_anew_from_memory(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            save("1")
            tell("waits")
            wait_for("go")
            save("2")
            tell("saved")
            wait_for("on")
        """
    )
    running = experiment.go()
    experiment.hears("waits")
    (segment,) = (experiment.state_dir / "journal").glob("*w0001*")
    segment.unlink()
    note = f"{segment.name} was removed while it was in use; what it held is written anew from memory"
    until(lambda: note in running.printed(), experiment.outputs)
    until(lambda: experiment.one()["state"] == "1", experiment.outputs)
    until(lambda: list((experiment.state_dir / "journal").glob("*w0001*")), experiment.outputs)
    experiment.allow("go")
    experiment.hears("saved")
    experiment.kill(running)
    assert experiment.one()["state"] == "2"
    experiment.allow("on")
    assert experiment.run().code == 0


@case("D55-the-lock")
def test_a_lock_that_is_removed_is_taken_anew(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            tell("begins")
            wait_for("go")
        """
    )
    running = experiment.go()
    experiment.hears("begins")
    lock = experiment.state_dir / "lock"
    lock.unlink()
    note = f"{lock} was removed while it was in use; it is taken anew"
    until(lambda: note in running.printed(), experiment.outputs)
    assert experiment.run().code == 4
    experiment.allow("go")
    assert running.end().code == 0
    assert experiment.told() == ["begins"]


@case("D55-the-lock-of-another")
def test_a_lock_that_another_process_has_put_in_its_place_ends_the_session_as_in_use(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            save("kept")
            tell("begins", repr(state))
            wait_for("go")
        """
    )
    running = experiment.go()
    experiment.hears("begins ''")
    theirs = experiment.folder / "their lock"
    with theirs.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        theirs.rename(experiment.state_dir / "lock")
        result = running.end()
        assert result.code == 4, result
        assert "in use by another process" in result.err
    experiment.allow("go")
    assert experiment.run().code == 0
    assert experiment.told() == ["begins ''", "begins 'kept'"]


@cases("D55", lock_of_another_who_is_there=False, lock_of_another_who_has_ended=True)
def test_a_lock_that_a_file_server_has_forgotten_and_given_to_another_ends_the_session_as_in_use(
    experiment: Experiment, over: bool
) -> None:
    """As of a host that has slept: the other one may still be there then, or have ended."""
    experiment.write(
        """
        import fcntl

        def run(instance, save, state):
            save("kept")
            tell("begins", repr(state))
            if state == "":
                for fd in os.listdir("/proc/self/fd"):
                    if os.path.realpath(f"/proc/self/fd/{fd}").endswith("/lock"):
                        fcntl.flock(int(fd), fcntl.LOCK_UN)  # the workers and whoever started them have one lock
                tell("forgotten")
            wait_for("go")
        """
    )
    running = experiment.go()
    experiment.hears("forgotten")
    if over:
        os.kill(running.process.pid, signal.SIGSTOP)
        experiment.allow("go")
        assert experiment.run().code == 0
        os.kill(running.process.pid, signal.SIGCONT)
    else:
        other = experiment.go()
    result = running.end()
    assert result.code == 4, result
    assert "in use by process" in result.err
    experiment.allow("go")
    assert over or other.end().code == 0
    assert experiment.told().count("begins 'kept'") == (not over)  # the first one's had returned by then
    assert experiment.one()["status"] == "done"


@case("D56-never-two-at-once")
def test_no_run_is_called_twice_at_once(experiment: Experiment) -> None:
    names = [f"i{number:02d}" for number in range(24)]
    experiment.write(
        """
        def run(instance, save, state, iteration):
            name = os.path.basename(instance)
            mark = f"{instance}.{iteration}.running"
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                tell("overlap", name, iteration)
                raise
            if state != "":
                tell("kept", name, iteration)
            save("x")
            if name == "i00":
                wait_for("go")
            time.sleep(0.02)
            os.unlink(mark)
            tell(name, iteration)
        """,
        names,
    )
    running = experiment.go("--workers", "4", "--iterations", "2")
    until(lambda: len(experiment.told()) >= 10, experiment.outputs)
    second = experiment.run("--workers", "4", "--iterations", "2")
    assert second.code == 4, "one experiment has one owner"
    assert second.last_line().startswith(
        f"{experiment.state_dir}: the experiment is in use by process {running.process.pid} since "
    )
    experiment.allow("go")
    assert running.end().code == 0
    assert sorted(experiment.told()) == sorted(f"{name} {iteration}" for name in names for iteration in (0, 1))


@case("D57-timeout-at-save")
def test_a_timeout_comes_at_the_next_save(experiment: Experiment) -> None:
    error = fault(experiment, "while True:\n    save('kept')\n    time.sleep(0.01)", "--timeout", "1")["error"]
    assert re.fullmatch(r"timed out after 1 s \(ran [0-9.]+ s\)", str(error)), error


@case("D57-timeout-by-escalation")
def test_a_timeout_is_enforced_where_nothing_is_saved(experiment: Experiment) -> None:
    error = fault(experiment, "time.sleep(1000)", "--timeout", "0.5")["error"]
    assert re.fullmatch(r"timed out after 0.5 s \(ran [0-9.]+ s\)", str(error)), error
