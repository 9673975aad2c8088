"""Catalogue C: save()."""

from __future__ import annotations

import re
import resource
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from pyalma_tui.model.jsontext import DEEPEST
from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, until

UNFIT = {
    "bytes": ("b'raw'", "TypeError: save(): state: a bytes is no JSON value; the state saved before is kept. Use "),
    "none": ("None", "TypeError: save(None): a state is a str or another JSON value; the state saved before is kept"),
    "nan": (
        "float('nan')",
        "ValueError: save(): state: nan is no JSON value; the state saved before is kept. ",
    ),
    "infinity": ("[{'lr': float('inf')}]", "ValueError: save(): state[0].lr: inf is no JSON value; the"),
    "set": ("{1, 2}", "TypeError: save(): state: a set is no JSON value; the state saved before is kept. Use sorted()"),
    "tuple": ("[0, (1, 2)]", "TypeError: save(): state[1]: a tuple is no JSON value; "),
    "int keys": ("{'a': {1: 2}}", "TypeError: save(): state.a: its key 1 is no text, as keys of JSON are; "),
    "object": ("object()", "TypeError: save(): state: an object is no JSON value; "),
    "deep": (
        f"eval('[' * {DEEPEST + 1} + ']' * {DEEPEST + 1})",
        f"TypeError: save(): state: it is nested deeper than {DEEPEST}; ",
    ),
    "deeper than any reader can": (
        "(sys.setrecursionlimit(10**6), functools.reduce(lambda inner, _: [inner], range(3000), []))[1]",
        f"TypeError: save(): state: it is nested deeper than {DEEPEST}; ",
    ),
    "cycle": ("(lambda x: x.append(x) or x)([])", f"TypeError: save(): state: it is nested deeper than {DEEPEST}; "),
    "digits": ("10**4300", "ValueError: save(): state: this number has more digits than JSON readers take; "),
}


@case("C26-no-json-value")
def test_what_is_no_json_value_is_refused_in_the_users_frame_and_the_last_state_stays(experiment: Experiment) -> None:
    values = "".join(f"            {name!r}: lambda: {value},\n" for name, (value, _) in UNFIT.items())
    experiment.write(
        f"""
        import functools
        VALUES = {{\n{values}        }}
        def run(instance, save, state):
            what, _, how = os.path.basename(instance).partition(", ")
            value = VALUES[what]()
            save("before")
            if how == "let go":
                save(value)  # here
            try:
                save(value)
            except (TypeError, ValueError):
                tell(what, "goes on")
        """,
        [f"{name}, {how}" for name in UNFIT for how in ("caught", "let go")],
    )
    assert experiment.run("--workers", "2").code == 1
    runs = experiment.runs()
    assert sorted(experiment.told()) == sorted(f"{name} goes on" for name in UNFIT)
    for name, (_, message) in UNFIT.items():
        caught, let_go = runs[f"{name}, caught"], runs[f"{name}, let go"]
        assert (caught["status"], caught["state"], caught["saves"]) == ("done", "before", 1), name
        assert (let_go["status"], let_go["state"]) == ("failed", "before"), name
        assert let_go["error"].startswith(message), name
    failed = [run for run in experiment.table("runs").values() if run["status"] == "failed"]
    assert len(failed) == len(UNFIT)
    for run in failed:
        last_frame = [line for line in run["traceback"].splitlines() if line.startswith("  File ")][-1]
        assert last_frame.startswith(f'  File "{experiment.module}"'), "the error is shown where the user can mend it"


@case("C26-progress-that-is-no-number")
def test_progress_that_is_no_number_spoils_no_record(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state, progress):
            for done, total in ((float("nan"), 1), (1, float("inf")), (float("-inf"), float("-inf"))):
                progress(done, total)
                time.sleep(0.11)  # one that comes sooner is not recorded anyway
            save("x")
            kill_program()
    """)
    assert experiment.run().code == -signal.SIGKILL
    experiment.nothing_left(5)
    experiment.module.write_text("def run(instance, save, state): pass\n")
    assert experiment.run().code == 0
    assert experiment.one()["state"] == "x"
    assert not list((experiment.state_dir / "journal").glob("*damaged*"))


@case("C26-progress-of-a-quick-run-that-fails")
def test_a_run_that_fails_stands_where_its_progress_was_told_last(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state, progress):
            for step in range(8):  # all within a tenth of a second: only one of them is recorded at once
                progress(step, 8)
            raise ValueError
    """)
    assert experiment.run().code == 1
    (run,) = experiment.table("runs").values()
    assert run["progress"] == [7, 8]


@case("C27-str-subclass")
def test_a_text_of_a_subclass_is_saved_and_handed_in_as_text(experiment: Experiment) -> None:
    experiment.write("""
        class Name(str):
            def __str__(self): return "something else"
        def run(instance, save, state):
            if not state:
                save(Name("kept"))
                raise ValueError
            tell(type(state) is str, state)
    """)
    assert experiment.run().code == 1
    assert experiment.one()["state"] == "kept"
    assert experiment.run("--retry-failed").code == 0
    assert experiment.told() == ["True kept"]


@case("C117-equal-subclasses-are-saved")
def test_equal_subclasses_are_saved_and_other_scalars_are_told_how(experiment: Experiment) -> None:
    experiment.write("""
        import collections, enum
        import numpy as np
        class Kind(enum.IntEnum):
            A = 7
        VALUES = [np.float64(0.5), np.str_("x"), Kind.A, collections.OrderedDict(b=1, a=[np.float64(2)])]
        def run(instance, save, state):
            for value in VALUES[(VALUES.index(state) + 1 if state != "" else 0):]:
                save(value)
                os.kill(os.getpid(), signal.SIGKILL)
            for value in (np.float32(0.5), {"n": np.int64(3)}, [np.bool_(True)], np.arange(3)):
                try:
                    save(value)
                except TypeError as error:
                    tell(error)
    """)
    for state in (0.5, "x", 7, {"b": 1, "a": [2.0]}):
        assert experiment.run("--retry-failed").code == 1
        assert experiment.one()["state"] == state
    assert experiment.run("--retry-failed").code == 0
    wanted = [("state", ".item()"), ("state.n", ".item()"), ("state[0]", ".item()"), ("state", ".tolist()")]
    for line, (place, advice) in zip(experiment.told(), wanted, strict=True):
        assert line.startswith(f"save(): {place}: a numpy.")
        assert line.endswith(f"the state saved before is kept. Use {advice}")


@case("C28-empty-string")
def test_the_empty_text_is_a_state(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            tell(repr(state))
            if instance.endswith("saves"):
                save("something")
                save("")
            raise ValueError
        """,
        ("never", "saves"),
    )
    assert experiment.run().code == 1
    runs = experiment.runs()
    assert (runs["saves"]["state"], runs["saves"]["saves"]) == ("", 2)
    assert (runs["never"]["state"], runs["never"]["saves"]) == (None, 0)
    assert experiment.run("--retry-failed").code == 1
    assert experiment.told() == ["''"] * 4


TEXTS = {
    "nul": "a\0b",
    "crlf": "a\r\nb\rc\n",
    "separators": "a\u2028b\u2029c\x85d",
    "lone surrogate": "a\ud800b\udfff",
    "everything": "".join(map(chr, range(0x300))) + "\U0001f600\ufeff\uffff" + '\\"[/]\x1b]0;x\x07',
}


@case("C29-every-text")
def test_every_text_is_identical_after_a_resume(experiment: Experiment) -> None:
    experiment.write(
        f"""
        STATES = {TEXTS!r}
        def run(instance, save, state):
            text = STATES[os.path.basename(instance)]
            if state == "":
                save(text)
                raise ValueError
            tell(state == text)
            save({{text: [text]}})
        """,
        tuple(TEXTS),
    )
    first = experiment.run()
    assert first.code == 1
    second = experiment.run("--retry-failed")
    assert second.code == 0, second
    assert experiment.told() == ["True"] * len(TEXTS)
    assert {name: run["state"] for name, run in experiment.runs().items()} == {
        name: {text: [text]} for name, text in TEXTS.items()
    }
    shown = first.out + second.out
    assert all(character.isprintable() or character == "\n" for character in shown), shown


def size_of(folder: Path) -> int:
    """The bytes of all files there, some of which may be removed meanwhile."""
    total = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


@case("C30-100000-saves")
def test_a_hundred_thousand_saves_cost_neither_memory_nor_disk_nor_output(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            for number in range(100_000):
                save(f"{number} " + "x" * 1000)
            tell("saved")
            wait_for("go")
    """)
    running = experiment.go()
    experiment.hears("saved")
    until(lambda: experiment.one()["saves"] == 100_000, experiment.outputs)
    memory = psutil.Process(running.process.pid).memory_info().rss
    segments = experiment.state_dir / "journal"
    until(lambda: size_of(segments) < 64 << 20, lambda: "100 MB were saved, one state of 1 KB counts")
    experiment.allow("go")
    result = running.end()
    assert result.code == 0
    run = experiment.one()
    assert (run["saves"], run["state"]) == (100_000, "99999 " + "x" * 1000)
    assert len(result.out.splitlines()) < 60, "one line a second, not one for each save"
    assert memory < 150 << 20


@case("C31-thread")
def test_any_thread_may_save(experiment: Experiment) -> None:
    experiment.write("""
        import threading
        def run(instance, save, state):
            def work(name):
                for number in range(500):
                    save(f"{name} {number}")
            threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            save("end")
    """)
    assert experiment.run().code == 0
    run = experiment.one()
    assert (run["saves"], run["state"]) == (2001, "end")


@case("C31-interrupted-thread")
def test_a_thread_whose_save_is_refused_makes_its_run_interrupted(experiment: Experiment) -> None:
    experiment.write("""
        import threading
        def run(instance, save, state):
            def work():
                for number in range(1000):
                    save(str(number))
                    if number == 3:
                        tell("saved")
                    while number >= 3 and not os.path.exists("go"):
                        time.sleep(0.01)
                        save(str(number))
                tell("worked to the end")
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    """)
    running = experiment.go("--grace", "30")
    experiment.hears("saved")
    running.signal(signal.SIGINT)
    running.end()
    run = experiment.one()
    assert (run["status"], run["state"]) == ("interrupted", "3"), "its work was cut off, whatever run() returned"
    experiment.allow("go")
    assert experiment.run().code == 0
    assert experiment.told()[-1] == "worked to the end"
    assert experiment.one()["status"] == "done"


@case("C32-forked-child")
def test_a_forked_child_may_not_save(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            save("parent")
            child = os.fork()
            if child == 0:
                try:
                    save("child")
                except RuntimeError as error:
                    tell(error)
                os._exit(0)
            os.waitpid(child, 0)
            save(state + "parent again")
    """)
    assert experiment.run().code == 0
    assert experiment.told() == [
        "save() was called in a forked child: only the process that run() was called in may save"
    ]
    run = experiment.one()
    assert (run["state"], run["saves"]) == ("parent again", 2)


@case("C33-after-return")
def test_a_save_after_run_has_returned_is_refused_and_not_stored(experiment: Experiment) -> None:
    experiment.write(
        """
        kept = []
        def run(instance, save, state):
            for old in kept:
                try:
                    old("late")
                except RuntimeError as error:
                    tell(error)
            kept.append(save)
            save("own")
        """,
        ("a", "b"),
    )
    assert experiment.run().code == 0
    assert experiment.told() == ["save() was called after run() had returned: this was not stored"]
    assert {(run["state"], run["saves"]) for run in experiment.runs().values()} == {("own", 1)}


@case("C26-size-of-a-state")
def test_a_large_state_is_warned_of_once_and_one_too_large_is_refused(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            for each in "abc":
                save(each + "x" * (1 << 20))
            try:
                save("x" * (64 << 20))
            except ValueError as error:
                tell(error)
    """)
    assert experiment.run().code == 0
    run = experiment.one()
    assert (run["saves"], run["state"]) == (3, "c" + "x" * (1 << 20)), "the one before is kept"
    assert experiment.log() == "pyalma-tui: the state has 1.0 MB; each save() writes all of it\n", "it warns once"
    assert experiment.told() == [
        "the state has 67 MB, at most 64 MB; the state saved before is kept. "
        "Write large data to a file and save its name"
    ]


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@case("C34-disk-full")
def test_a_full_disk_keeps_what_was_promised_and_the_run_goes_on_from_there(experiment: Experiment) -> None:
    experiment.write(
        """
        from pyalma_tui import SaveFailed
        def run(instance, save, state):
            number = int(state or "0")
            while number < 200:
                try:
                    save(f"{number + 1:<1000}")
                except SaveFailed as error:
                    try:
                        save("x")
                    except SaveFailed:
                        tell("again", number, instance.rpartition("/")[2])
                    raise
                number += 1
        """,
        ("a", "b", "c", "d"),
    )
    result = experiment.run(before=limit_files)
    full = experiment.runs()
    assert result.code == 3
    assert result.last_line().startswith("NOT SAVED: d: ")
    notes = re.findall(r"nothing more is started: (?:SaveFailed: )?the state could not be stored: File too", result.out)
    assert len(notes) == 1
    again, number, name = experiment.told()[0].split()
    assert (again, name, int(number) > 20) == ("again", "d", True)
    assert full["d"]["state"].strip() == number, "what a save() had promised before is kept, what failed is not"
    assert (full["d"]["status"], full["d"]["error"]) == ("interrupted", None), "it is no fault of its own"
    assert "d  interrupted (the disk was full: the state could not be stored: File too large. " in result.out
    others = {(full[name]["status"], full[name]["attempts"]) for name in "abc"}
    assert others == {("pending", 0)}, "they would only fail as well"

    assert experiment.run().code == 0
    assert {run["state"].strip() for run in experiment.runs().values()} == {"200"}
    assert experiment.runs()["d"]["saves"] == 200, "it went on where it stopped"


@case("C35-parent-gone")
def test_a_worker_whose_runner_is_gone_ends_by_itself_and_keeps_every_save(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            number = int(state or "0")
            while not os.path.exists("go"):
                number += 1
                save(str(number))
                if number == 50:
                    tell("fifty", os.getpid())
    """)
    running = experiment.go()
    until(experiment.told, experiment.outputs)
    running.signal(signal.SIGKILL)
    assert running.end().code == -signal.SIGKILL
    experiment.nothing_left(5)
    saved = int(experiment.one()["state"])
    assert saved >= 50
    experiment.allow("go")
    assert experiment.run().code == 0
    run = experiment.one()
    assert (run["status"], run["attempts"], int(run["state"])) == ("done", 2, saved)


@case("C36-signal-handler")
def test_a_signal_handler_may_save_in_the_middle_of_a_save(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            times = 0
            def handler(number, frame):
                nonlocal times
                times += 1
                save("from the handler")
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
            while times < 300:
                save("from run()")
            signal.setitimer(signal.ITIMER_REAL, 0)
            save("end")
    """)
    assert experiment.run("--timeout", "60").code == 0
    run = experiment.one()
    assert (run["status"], run["state"]) == ("done", "end")
    assert run["saves"] > 300


@cases("C36", acknowledged_before_the_outer_write=True, acknowledged_after_the_outer_write=False)
def test_a_state_saved_in_a_handler_is_kept_at_the_worst_moment(experiment: Experiment, before: bool) -> None:
    """The worst moments for a signal: a state that was saved in the handler is kept whatever comes then."""
    experiment.write(f"""
        def run(instance, save, state):
            if state:
                tell(state)
                return
            save("first")
            write = os.write
            def handler(number, frame):
                save("from the handler")
                if not {before}:
                    os.kill(os.getpid(), signal.SIGKILL)
            def interrupted(fd, data):
                os.write = write
                if {before}:
                    signal.raise_signal(signal.SIGALRM)
                written = write(fd, data)
                if not {before}:
                    signal.raise_signal(signal.SIGALRM)
                return written
            signal.signal(signal.SIGALRM, handler)
            os.write = interrupted
            save("from run()")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert experiment.run().code == 1
    assert (experiment.one()["state"], experiment.one()["saves"]) == ("from the handler", 3)
    assert experiment.run("--retry-failed").code == 0
    assert experiment.told() == ["from the handler"]


@cases("C36", raises_when_a_segment_begins="raise TimeoutError", saves_when_a_segment_begins="save('inner')")
def test_a_handler_that_comes_while_a_segment_begins_loses_nothing(experiment: Experiment, does: str) -> None:
    experiment.write(f"""
        def run(instance, save, state):
            real, begun = os.open, []
            def handler(number, frame):
                {does}
            def interrupted(path, flags, *more, **names):
                fd = real(path, flags, *more, **names)
                if flags & os.O_EXCL and not begun:
                    begun.append(path)
                    signal.raise_signal(signal.SIGALRM)
                return fd
            signal.signal(signal.SIGALRM, handler)
            os.open = interrupted
            for number in range(60):
                try:
                    save([number, "x" * 1_000_000])
                except TimeoutError:
                    tell("raised")
            assert begun
            save("end")
            tell("saved")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert experiment.run().code == 1
    assert experiment.told()[-1] == "saved"
    run = experiment.one()
    assert (run["status"], run["state"]) == ("failed", "end")
    assert run["error"].startswith("killed by SIGKILL")
    assert not list((experiment.state_dir / "journal").iterdir()), "the segment that was begun twice is gone as well"


@case("C36-del")
def test_a_finalizer_may_save_in_the_middle_of_a_save(experiment: Experiment) -> None:
    experiment.write("""
        import gc
        def run(instance, save, state):
            class Saves:
                def __init__(self): self.me = self
                def __del__(self): save("from __del__")
            gc.set_threshold(5)
            for number in range(3000):
                Saves()
                save([number])
            gc.set_threshold(700)
            gc.collect()
            save("end")
    """)
    assert experiment.run("--timeout", "60").code == 0
    run = experiment.one()
    assert (run["status"], run["state"]) == ("done", "end")
    assert run["saves"] >= 3001
