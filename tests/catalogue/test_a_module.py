"""Catalogue A: the command line and the run module."""

from __future__ import annotations

import hashlib
import os
import signal
from typing import cast

import pexpect

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import PATIENCE, Experiment, as_anybody, until
from tests.prepared import PROGRAM


def refused(experiment: Experiment, module: str) -> str:
    """What is said of this module text, without its path; nothing else may have happened."""
    experiment.write("")
    experiment.module.write_text(module)
    line = experiment.run().refusal()
    assert not experiment.state_dir.exists()
    start = f"module: {experiment.module}"
    assert line.startswith(start)
    return line.removeprefix(start)


def terminal(experiment: Experiment, *arguments: str) -> pexpect.spawn[str]:
    """The program in a terminal that can show a screen."""
    env = cast(os._Environ[str], experiment.environment(TERM="xterm-256color"))
    return pexpect.spawn(
        PROGRAM, list(arguments), cwd=str(experiment.folder), env=env, timeout=PATIENCE, encoding="utf-8", use_poll=True
    )


@case("A1-no-arguments")
def test_without_arguments_and_a_terminal_it_says_how_it_is_used(experiment: Experiment) -> None:
    usage = "usage: pyalma-tui TARGET [INSTANCE ...], or pyalma-tui demo; --help tells more"
    assert experiment.start().end().refusal() == usage


@case("A2-missing")
def test_a_missing_module_is_named_and_the_nearest_file_with_it(experiment: Experiment) -> None:
    assert experiment.start("nowhere.py", "--plain").end().refusal() == (
        "module: nowhere.py: there is no such file. Give the path of a run module (.py) or an .experiment"
    )
    experiment.write("")
    assert experiment.start("m", "--plain").end().refusal() == "module: m: there is no such file. Is it m.py?"
    assert not experiment.state_dir.exists()


@case("A2-directory")
def test_a_directory_is_no_module(experiment: Experiment) -> None:
    experiment.module.mkdir()
    assert experiment.run().refusal() == "module: m.py: this is a directory. Give the run module (.py) in it"


@case("A2-pipe")
def test_a_pipe_in_place_of_the_module_is_not_waited_for(experiment: Experiment) -> None:
    os.mkfifo(experiment.module)  # a program that opens it would wait for ever
    assert experiment.run().refusal().startswith("module: m.py: this is not a regular file. ")


@case("A2-unreadable")
def test_an_unreadable_module_is_refused_in_a_line(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state): pass")
    experiment.module.chmod(0)
    line = experiment.run(before=as_anybody).refusal()
    assert line == "module: m.py: it may not be read. Change its permissions"


@case("A3-syntax-error")
def test_a_syntax_error_is_shown_with_its_line_and_caret(experiment: Experiment) -> None:
    experiment.write("").module.write_text("import os\n\ndef run(instance, save, state:\n    pass\n")
    result = experiment.run()
    assert result.code == 2
    assert result.out == ""
    assert result.last_line().startswith(f"module: {experiment.module}:3: SyntaxError: ")
    assert result.said[0] == f'  File "{experiment.module}", line 3'
    assert any(line.strip("~ ") == "^" or set(line.strip()) == {"^"} for line in result.said), result.err
    assert not experiment.state_dir.exists()


@case("A4-import-raises")
def test_an_exception_at_import_is_shown_from_the_users_frame_on(experiment: Experiment) -> None:
    experiment.write("def deep():\n    raise ValueError('no such thing')\ndeep()\n")
    result = experiment.run()
    assert result.code == 2
    assert result.last_line() == f"module: {experiment.module}: ValueError: no such thing"
    first = result.said[:2]
    assert first == ["Traceback (most recent call last):", f'  File "{experiment.module}", line 5, in <module>']
    assert "pyalma_tui/" not in result.err, "our own frames are of no use to anybody"
    assert not experiment.state_dir.exists()


@case("A4-dependency-missing")
def test_a_missing_dependency_is_shown_where_it_is_imported(experiment: Experiment) -> None:
    experiment.write("import helper\n")
    (experiment.folder / "helper.py").write_text("import no_such_dependency\n")
    result = experiment.run()
    assert result.code == 2
    assert result.last_line() == (
        f"module: {experiment.module}: ModuleNotFoundError: No module named 'no_such_dependency'"
    )
    assert f'File "{experiment.folder / "helper.py"}", line 1' in result.err
    assert "pyalma_tui/" not in result.err


@case("A4-import-raises-later")
def test_a_module_that_does_not_import_any_more_ends_the_session_and_keeps_what_was_saved(
    experiment: Experiment,
) -> None:
    experiment.write(
        """
        if os.path.exists("broken"):
            raise ValueError("not any more")
        def run(instance, save, state):
            save("kept")
            if instance.endswith("b"):
                open("broken", "w").close()
                os._exit(1)
        """,
        ("a", "b"),
    )
    result = experiment.run("--import", "each")
    assert result.code == 2, result
    why = f"module: {experiment.module}: ValueError: not any more. What was saved is kept; mend it, then start again"
    assert (len(result.said), result.last_line()) == (1, why)
    assert experiment.statuses() == {"a": "pending", "b": "failed"}
    (experiment.folder / "broken").unlink()
    assert experiment.run().code == 1
    assert experiment.statuses() == {"a": "done", "b": "failed"}


@cases(
    "A5",
    sys_exit=("sys.exit(0)", "{module}: it calls sys.exit(0) while it is imported"),
    plain_exit=("raise SystemExit", "{module}: it calls sys.exit() while it is imported"),
    os_exit=("os._exit(0)", "{module}: the process exits with code 0 while it is imported. Nothing was started"),
)
def test_a_module_that_exits_while_it_is_imported_is_refused(experiment: Experiment, fault: tuple[str, str]) -> None:
    experiment.write(fault[0])
    assert experiment.run().refusal() == f"module: {fault[1].format(module=experiment.module)}"
    assert not experiment.state_dir.exists()


@case("A5-segfault")
def test_a_segfault_at_import_is_shown_with_its_line(experiment: Experiment) -> None:
    result = experiment.write("import ctypes\nctypes.string_at(0)\n").run()
    assert (result.code, result.last_line()) == (
        2,
        f"module: {experiment.module}: the process is killed by SIGSEGV while it is imported. Nothing was started",
    )
    assert result.said[0] == "Fatal Python error: Segmentation fault"
    assert f'  File "{experiment.module}", line 4 in <module>' in result.said
    assert not experiment.state_dir.exists()


@case("A6-import-hangs")
def test_an_import_that_hangs_is_told_at_a_terminal_and_ends_at_ctrl_c(experiment: Experiment) -> None:
    experiment.write("""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        tell("hangs")
        wait_for("never")
    """)
    shown = terminal(experiment, "m.py", "--plain")
    shown.expect_exact("loading m.py (2 s)…")
    shown.sendintr()
    shown.expect_exact("pyalma-tui: interrupted before anything was started\r\n")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 130
    assert not experiment.state_dir.exists()


@case("A6-import-hangs-without-terminal")
def test_an_import_that_hangs_ends_at_sigint_without_a_terminal_too(experiment: Experiment) -> None:
    running = experiment.write('tell("hangs")\nwait_for("never")').go()
    experiment.hears("hangs")
    running.signal(signal.SIGINT)
    result = running.end()
    assert (result.code, result.last_line()) == (130, "interrupted before anything was started")
    assert not experiment.state_dir.exists()


@case("A7-no-run")
def test_without_a_run_the_functions_there_are_and_the_nearest_name_are_told(experiment: Experiment) -> None:
    module = "def solve(i, save, state): pass\ndef Run(i, save, state): pass\n"
    assert refused(experiment, module) == (": no function named run: it has solve(), Run(). Rename Run to run?")


@case("A7-nothing-in-it")
def test_a_module_with_nothing_in_it_is_told_what_to_add(experiment: Experiment) -> None:
    assert refused(experiment, "x = 1\n") == (
        ": no function named run: it has no functions. Add `def run(instance, save, state):`"
    )


@case("A7-not-callable")
def test_a_run_that_is_no_function_is_refused_with_its_type(experiment: Experiment) -> None:
    assert refused(experiment, "run = 3\n") == (
        ": run is an int, not a function. Make it `def run(instance, save, state):`"
    )


@cases(
    "A8",
    two=("def run(instance, save): pass", "found run(instance, save)", "it takes too few"),
    four=("def run(instance, save, state, x): pass", "found run(instance, save, state, x)", "nobody passes x"),
    keyword=("def run(i, save, state, *, key): pass", "found run(i, save, state, *, key)", "nobody passes key"),
)
def test_a_signature_that_nobody_can_call_is_shown_beside_the_wanted_one(
    experiment: Experiment, fault: tuple[str, str, str]
) -> None:
    module, found, why = fault
    assert refused(experiment, f"import os\n\n{module}\n") == (
        f":3: {found}, wanted run(instance, save, state): {why}. Beyond the three it may declare: "
        "worker_id, iteration, seed, progress, record, or parameters with defaults"
    )


@cases(
    "A9",
    async_def=("async def run(i, save, state): pass", "run is an `async def`. Make it a plain `def`, with asyncio"),
    generator=("def run(i, save, state): yield 1", "run is a generator (it has a `yield`). Call save(…) instead"),
    async_generator=("async def run(i, save, state): yield 1", "run is an `async def`. Make it a plain `def`"),
)
def test_a_run_that_is_asynchronous_or_a_generator_is_refused(experiment: Experiment, fault: tuple[str, str]) -> None:
    assert refused(experiment, fault[0] + "\n").startswith(f":1: {fault[1]}")


@cases(
    "A10",
    not_callable=("done = 3", ": done is an int, not a function. Make it `def done():` or name it otherwise"),
    parameters=("def done(results): pass", ":2: found done(results), wanted done() without parameters"),
    async_def=("async def done(): pass", ":2: done is not a plain function. Make it `def done():`"),
)
def test_a_done_that_nobody_can_call_is_refused(experiment: Experiment, fault: tuple[str, str]) -> None:
    assert refused(experiment, f"def run(instance, save, state): pass\n{fault[0]}\n") == fault[1]


@case("A11-named-json")
def test_a_module_named_as_one_of_the_standard_library_leaves_that_intact(experiment: Experiment) -> None:
    experiment.write(
        """
        import json, logging.config, multiprocessing
        def run(instance, save, state):
            save(json.dumps([__name__, json.__name__, json.__file__ == __file__]))
        """,
        name="json.py",
    )
    result = experiment.run()
    assert result.code == 0, result
    assert experiment.one()["state"] == '["json", "json", false]'


@case("A12-import-prints")
def test_what_an_import_prints_is_in_the_load_log_and_not_on_the_terminal(experiment: Experiment) -> None:
    experiment.write("""
        line = "\\x1b[31mline\\x1b]52;c;eHh4\\x07 "
        print(line + "0")
        sys.stdout.write((line + "more\\n") * 999_998)
        print(line + "999999")
        print("\\x1b[2J on stderr", file=sys.stderr)
        def run(instance, save, state):
            pass
    """)
    result = experiment.run()
    assert result.code == 0
    assert "\x1b" not in result.out + result.err
    assert len(result.out.splitlines()) < 10, "only the run and the summary"
    logs = list((experiment.state_dir / "logs" / "load").iterdir())
    texts = [log.read_bytes() for log in logs]
    assert any(b"\x07 0\n" in text and b"\x07 999999\n\x1b[2J on stderr\n" in text for text in texts), logs


def edit(experiment: Experiment, text: str) -> None:
    """Replace the run module at once, as editors do."""
    new = experiment.module.with_suffix(".new")
    new.write_text(text)
    new.replace(experiment.module)


def code(experiment: Experiment) -> str:
    """The hash of the run module as it is now, made without our own function."""
    return hashlib.sha256(experiment.module.read_bytes()).hexdigest()[:12]


def whole_code(experiment: Experiment) -> str:
    """The identity of the module with the file that it imports, made without our own function."""
    texts = {name: (experiment.folder / name).read_bytes() for name in ("m.py", "telling.py")}
    lines = [f"{name}\0{hashlib.sha256(text).hexdigest()[:12]}\n" for name, text in texts.items()]
    return hashlib.sha256(f"m.py\n{''.join(lines)}".encode()).hexdigest()[:12]


@case("A13-edited-while-running")
def test_a_session_goes_on_with_the_code_it_began_with_and_the_next_takes_the_new_one(experiment: Experiment) -> None:
    experiment.write(
        """
        VERSION = "old"
        def run(instance, save, state):
            tell("runs", os.path.basename(instance), VERSION)
            wait_for("go")
            if instance.endswith("b"):
                os._exit(1)
        """,
        ("a", "b"),
    )
    running = experiment.go()
    experiment.hears("runs b old")
    began, ran_with = code(experiment), whole_code(experiment)
    edit(experiment, experiment.module.read_text().replace('"old"', '"new"'))
    change = f"{began} → {code(experiment)}"
    goes_on = "this session goes on with the code it has, on its screen f and r ask which"
    note = f"m.py has changed on disk ({change}); {goes_on}"
    until(lambda: note in running.printed(), experiment.outputs)
    experiment.allow("go")
    assert running.end().code == 1
    assert experiment.told() == ["runs b old", "runs a old"], "a new worker must not mix in new code by itself"
    assert running.printed().count("has changed on disk") == 1

    experiment.batch(["a", "b", "c"])
    assert experiment.run().code == 1
    assert experiment.told()[2:] == ["runs c new"]
    ran = {"a": ran_with, "b": ran_with, "c": whole_code(experiment)}
    assert {run["instance"]: run["module"] for run in experiment.table("runs").values()} == ran
    assert {run["instance"]: run["module"] for run in experiment.status()["runs"]} == ran


@case("A13-edited-twice-and-put-back")
def test_each_further_edit_is_told_and_that_the_old_code_is_back(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            tell("runs")
            wait_for("go")
    """)
    running = experiment.go()
    experiment.hears("runs")
    text, began = experiment.module.read_text(), code(experiment)
    for more in ("# one\n", "# two\n"):
        edit(experiment, text + more)
        note = f"has changed on disk ({began} → {code(experiment)})"
        until(lambda note=note: note in running.printed(), experiment.outputs)  # type: ignore[misc]
    edit(experiment, text)
    until(lambda: f"is again the code of this session ({began})" in running.printed(), experiment.outputs)
    experiment.allow("go")
    assert running.end().code == 0
