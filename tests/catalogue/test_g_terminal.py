"""Catalogue G: the terminal, signals, the end of the program, the clock."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyalma_tui.cli.echo import MOMENT
from pyalma_tui.store.lock import holder
from tests.catalogue.case import case, cases
from tests.catalogue.experiment import PATIENCE, Experiment, until
from tests.prepared import OWNER, PROGRAM
from tests.terminal.screen import FULL_SCREEN, LEFT, Terminal
from tests.terminal.shell import shell

COUNTING = """
def run(instance, save, state):
    name = os.path.basename(instance)
    number = int(state or "0")
    tell("begins", name, number)
    while number < 5:
        while not os.path.exists(f"go{number}"):
            save(str(number))
            time.sleep(0.01)
        number += 1
        save(str(number))
        tell("saved", name, number)

def done():
    tell("done()")
"""

STUBBORN = """
def run(instance, save, state):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    save("kept")
    tell("deaf")
    wait_for("never")
"""

SLOW = """
def run(instance, save, state):
    tell("begins")
    wait_for("go")
    try:
        save("1")
    finally:
        tell("stops by itself")
"""

ENDED = """
import importlib.abc, os, signal, sys

class Ending:
    def __del__(self):  # what is raised in here is lost
        os.kill(os.getpid(), signal.SIGTERM)

class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "pyalma_tui.tui.app":
            Ending()

sys.meta_path.insert(0, Watch())
from pyalma_tui.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def shown(experiment: Experiment, *options: str, **how: Any) -> Terminal:
    """The experiment in a terminal; its processes are told from others by their environment."""
    environment = {OWNER: str(experiment.folder), **how.pop("environment", {})}
    return Terminal(experiment.folder, experiment.name, *options, environment=environment, **how)


def allow(experiment: Experiment, *steps: int) -> None:
    """Let runs go on to these numbers."""
    for step in steps:
        experiment.allow(f"go{step - 1}")


def resumed(experiment: Experiment, state: int) -> None:
    """A later start goes on where it stopped, to the end."""
    allow(experiment, 1, 2, 3, 4, 5)
    assert experiment.run().code == 0, experiment.outputs()
    assert f"begins a {state}" in experiment.told()
    run = experiment.one()
    assert (run["status"], run["state"]) == ("done", "5")
    assert experiment.told().count("done()") == 1


@contextmanager
def hung_up(experiment: Experiment, *options: str) -> Iterator[Terminal]:
    """The experiment in a terminal that went away after the first save."""
    allow(experiment.write(COUNTING), 1)
    with shown(experiment, *options) as terminal:
        experiment.hears("saved a 1")
        terminal.see("running")
        terminal.hang_up()
        yield terminal


def free(experiment: Experiment) -> None:
    """Wait until nobody holds the experiment, which is closed then."""
    until(lambda: holder(experiment.state_dir) is None, experiment.outputs)


@cases("G75", dumb="dumb", empty="", unset=None)
def test_a_terminal_that_knows_nothing_gets_plain_output(experiment: Experiment, term: str | None) -> None:
    experiment.write(COUNTING)
    allow(experiment, 1, 2, 3, 4, 5)
    program = (PROGRAM,) if term is not None else ("env", "-u", "TERM", PROGRAM)
    with shown(experiment, environment={"TERM": term or ""}, program=program) as terminal:
        assert terminal.end() == 0, "it ends by itself: nobody can press q"
        assert "1 done" in terminal.text
        assert b"\x1b" not in terminal.raw, "this terminal does not know what that means"


@cases("G75", no_input="</dev/null", no_output=">out.txt", no_errors="2>err.txt")
def test_a_redirected_stream_means_plain_output(experiment: Experiment, redirection: str) -> None:
    experiment.write(COUNTING)
    allow(experiment, 1, 2, 3, 4, 5)
    with shown(experiment, program=("sh", "-c", f'{PROGRAM} "$@" {redirection}', "sh")) as terminal:
        assert terminal.end() == 0
        output = experiment.folder / "out.txt"
        assert "1 done" in (output.read_text() if output.exists() else terminal.text)
        assert FULL_SCREEN not in terminal.raw
        assert not output.exists() or "\x1b" not in output.read_text()


LISTED = re.compile(  # all of it: what is painted first has the line of loading above, and is read in pieces
    r"\n╭─ instances 2 ─{64}╮\n│   instance .* │\n│ ● a +running .*│\n│ ○ beta .* │\n(.*\n)*"
    r"╰─.* ⇅ activity ─╯\n╭─ a ─"
)


@case("G76-resized")
def test_it_paints_at_every_size_and_as_before_when_the_size_is_back(experiment: Experiment) -> None:
    experiment.write(COUNTING, ("beta", "a"))
    with shown(experiment, columns=80, lines=24) as terminal:
        terminal.wait(lambda text: LISTED.search(text) is not None, "the list of instances")
        for columns, lines in ((20, 5), (1, 1), (200, 60), (3, 30), (300, 2), (80, 24)):
            before = len(terminal.raw)
            terminal.resize(columns, lines)
            terminal.wait(lambda _, n=before: len(terminal.raw) > n, f"something painted at {columns}×{lines}")  # type: ignore[misc]
        terminal.wait(lambda text: LISTED.search(text) is not None, "the screen as before")
        allow(experiment, 1, 2, 3, 4, 5)
        terminal.see("2/2", "100 %")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
    assert {run["attempts"] for run in experiment.runs().values()} == {1}


@case("G77-sigterm")
def test_sigterm_restores_the_terminal_and_interrupts_the_runs(experiment: Experiment) -> None:
    allow(experiment.write(COUNTING), 1)
    with shown(experiment) as terminal:
        experiment.hears("saved a 1")
        terminal.see("running")
        terminal.wait(lambda _: terminal.titles == ["m 0 %"], "the title, which is to be put back")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 143
        terminal.assert_restored()
        assert "1 interrupted" in terminal.text, "the summary is left behind"
    resumed(experiment, 1)


@case("G77-sigterm-without-screen")
def test_sigterm_without_a_screen_interrupts_the_runs(experiment: Experiment) -> None:
    allow(experiment.write(COUNTING), 1)
    running = experiment.go()
    experiment.hears("saved a 1")
    running.signal(signal.SIGTERM)
    result = running.end()
    assert result.code == 143, result
    assert experiment.one()["status"] == "interrupted"
    resumed(experiment, 1)


@case("G77-deaf-run-after-the-grace")
def test_sigterm_ends_a_deaf_run_after_the_grace(experiment: Experiment) -> None:
    with shown(experiment.write(STUBBORN), "--grace", "0.2") as terminal:
        experiment.hears("deaf")
        terminal.see("running")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 143
        terminal.assert_restored()
    assert (experiment.one()["status"], experiment.one()["state"]) == ("interrupted", "kept")


@cases("G77", deaf_run_and_ctrl_c=True, deaf_run_and_sigterm_again=False)
def test_a_second_wish_to_end_ends_a_deaf_run_at_once(experiment: Experiment, key: bool) -> None:
    with shown(experiment.write(STUBBORN), "--grace", "1000") as terminal:
        experiment.hears("deaf")
        terminal.see("running")
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.wait(lambda _: LEFT in terminal.raw, "the screen is left")
        if key:
            terminal.press("ctrl+c")
        else:
            time.sleep(MOMENT)  # within which it would be one with the first
            os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 143
        terminal.assert_restored()
        assert "before anything was started" not in terminal.text
    assert (experiment.one()["status"], experiment.one()["state"]) == ("interrupted", "kept")


@case("G77-while-importing")
def test_sigterm_while_the_program_itself_is_imported_ends_it(experiment: Experiment) -> None:
    program = experiment.folder / "ended.py"
    program.write_text(ENDED)
    with shown(experiment.write(COUNTING), program=(sys.executable, str(program))) as terminal:
        assert terminal.end() == 143
        assert "ended by SIGTERM before anything was started" in terminal.text
    assert experiment.told() == []


@case("G77-with-sighup")
def test_sigterm_and_sighup_together_are_one_wish_to_end(experiment: Experiment) -> None:
    experiment.write(SLOW)
    with shown(experiment, "--on-hangup", "interrupt", "--grace", "1000") as terminal:
        experiment.hears("begins")
        terminal.see("running")
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):  # as when a login is ended
            os.kill(terminal.pid, number)
        terminal.wait(lambda _: "interrupting 1 run" in experiment.session_log(), "the runs are interrupted")
        terminal.wait(lambda _: LEFT in terminal.raw, "the screen is left")
        experiment.allow("go")
        assert terminal.end() == 143
    assert experiment.told()[1:] == ["stops by itself"], "the two are one wish to end, not a second that kills"


@cases("G77", while_loading_sigterm=signal.SIGTERM, while_loading_sighup=signal.SIGHUP)
def test_a_signal_while_the_module_is_imported_ends_it_and_what_it_has_started(
    experiment: Experiment, number: signal.Signals
) -> None:
    experiment.write("""
        import subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", "1000"])
        tell("hangs")
        wait_for("never")
    """)
    running = experiment.go()
    experiment.hears("hangs")
    running.signal(number)
    result = running.end()
    assert (result.code, result.out) == (128 + number, "")
    assert result.last_line() == f"ended by {number.name} before anything was started"
    experiment.nothing_left(5)
    assert not experiment.state_dir.exists()


@case("G78-hang-up-and-go-on")
def test_a_dropped_line_lets_the_experiment_go_on_to_its_end(experiment: Experiment) -> None:
    with hung_up(experiment) as terminal:
        until(lambda: "the terminal has gone away" in experiment.session_log(), experiment.outputs)
        allow(experiment, 2, 3, 4, 5)
        assert terminal.end_unseen() == 0
    free(experiment)
    run = experiment.one()
    assert (run["status"], run["state"], run["attempts"]) == ("done", "5", 1)
    assert experiment.told().count("done()") == 1


@case("G78-hang-up-and-interrupt")
def test_a_dropped_line_interrupts_where_that_was_chosen(experiment: Experiment) -> None:
    with hung_up(experiment, "--on-hangup", "interrupt") as terminal:
        assert terminal.end_unseen() == 129
    assert experiment.one()["status"] == "interrupted"
    resumed(experiment, 1)


@case("G78-closed-without-a-signal")
def test_a_terminal_that_closes_without_a_signal_lets_the_experiment_go_on(experiment: Experiment) -> None:
    allow(experiment.write(COUNTING), 1)
    ours, theirs = pty.openpty()  # not the terminal of its session, which alone is sent SIGHUP
    program = subprocess.Popen(
        [PROGRAM, experiment.name],
        cwd=experiment.folder,
        env=experiment.environment(TERM="xterm-256color"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    painted = b""
    while b"running" not in painted:
        painted += os.read(ours, 1 << 16)
    os.close(ours)
    until(lambda: "the terminal has gone away" in experiment.session_log(), experiment.outputs)
    allow(experiment, 2, 3, 4, 5)
    assert program.wait(PATIENCE) == 0
    run = experiment.one()
    assert (run["status"], run["state"], run["attempts"]) == ("done", "5", 1)


@case("G78-gone-on-then-sigterm")
def test_what_goes_on_without_a_terminal_ends_at_sigterm(experiment: Experiment) -> None:
    with hung_up(experiment) as terminal:
        until(lambda: "the terminal has gone away" in experiment.session_log(), experiment.outputs)
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end_unseen() == 143
    resumed(experiment, 1)


@cases("G78", plain_goes_on=("--plain",), json_goes_on=("--json",))
def test_without_a_screen_a_dropped_line_lets_the_experiment_go_on(
    experiment: Experiment, options: tuple[str, ...]
) -> None:
    with hung_up(experiment, *options) as terminal:
        allow(experiment, 2, 3, 4, 5)
        assert terminal.end_unseen() == 0
    free(experiment)
    run = experiment.one()
    assert (run["status"], run["state"], run["attempts"]) == ("done", "5", 1)


@case("G78-plain-interrupts")
def test_without_a_screen_a_dropped_line_interrupts_where_that_was_chosen(experiment: Experiment) -> None:
    with hung_up(experiment, "--plain", "--on-hangup", "interrupt") as terminal:
        assert terminal.end_unseen() == 129
    resumed(experiment, 1)


@case("G79-ctrl-z-and-back")
def test_ctrl_z_hands_the_terminal_back_while_workers_go_on_and_fg_shows_the_screen(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    with shell(experiment.folder, **{OWNER: str(experiment.folder)}) as terminal:
        terminal.press(f"{PROGRAM} m.py", "enter")
        terminal.see("running", "instances")
        terminal.wait(lambda _: terminal.titles == ["m 0 %"], "the title")
        terminal.press("\x1a")
        terminal.see("Stopped", "prompt>")
        terminal.assert_restored()
        allow(experiment, 1, 2, 3)
        experiment.hears("saved a 3")  # workers go on
        terminal.press("echo $((40 + 2)) lines", "enter")
        terminal.see("42 lines")
        terminal.press("fg", "enter")
        terminal.wait(lambda text: "instances" in text and "state" in text, "the screen again")
        terminal.wait(lambda _: terminal.titles == ["m 0 %"] * 2, "the title again")
        allow(experiment, 4, 5)
        terminal.see("100 %")
        terminal.press("q")
        terminal.see("1 done", "prompt>")
        terminal.assert_restored()
        terminal.press("exit", "enter")
        terminal.end()
    assert experiment.one()["attempts"] == 1


@case("G79-stopped-by-others")
def test_stopped_and_continued_by_others_it_paints_again_and_takes_every_key(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    with shown(experiment) as terminal:
        terminal.see("running", "state")
        threads = psutil.Process(terminal.pid).num_threads()
        before = len(terminal.raw)
        os.kill(terminal.pid, signal.SIGSTOP)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait(lambda _: FULL_SCREEN in terminal.raw[before:], "the screen again")
        allow(experiment, 1, 2, 3, 4, 5)
        terminal.see("100 %")
        until(lambda: psutil.Process(terminal.pid).num_threads() <= threads, lambda: "two threads take keys")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()


def shows_state(state: int, text: str) -> bool:
    """Whether the row of the run that runs ends so."""
    return re.search(rf"● a\b.* {state}\b", text) is not None


@cases("G79-ctrl-z-without-a-shell", screen=(), live=("--plain",))
def test_ctrl_z_where_no_shell_lets_it_go_on_stops_nothing(experiment: Experiment, options: tuple[str, ...]) -> None:
    """As `ssh -t host pyalma-tui m.py` starts it, and a pane of tmux that is made for it."""
    with shown(experiment.write(COUNTING), *options) as terminal:
        terminal.see("running")
        experiment.hears("begins a 0")
        terminal.press("\x1a")
        if not options:
            terminal.see("there is no shell to go to")
        os.kill(terminal.pid, signal.SIGTSTP)
        for step in range(1, 5):
            allow(experiment, step)
            terminal.wait(partial(shows_state, step), f"state {step}")
        allow(experiment, 5)
        if not options:
            terminal.see("100 %")
            terminal.press("q")
        assert terminal.end() == 0


@case("G79-stopped-and-killed")
def test_stopped_where_no_shell_lets_it_go_on_it_stays_so_and_ends_when_it_is_killed(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    with shown(experiment) as terminal:
        terminal.see("running", "state")
        terminal.wait(lambda _: bool(terminal.titles), "a title")
        inner, outer = psutil.Process(terminal.pid), psutil.Process(terminal.process.pid)
        slept = outer.num_ctx_switches().voluntary
        inner.send_signal(signal.SIGSTOP)
        until(lambda: outer.num_ctx_switches().voluntary > slept, lambda: "who waits for it has looked")
        assert inner.status() == psutil.STATUS_STOPPED, "who waits for it lets it go on"
        inner.kill()
        assert terminal.end() == 128 + signal.SIGKILL
        terminal.assert_restored()


@case("G79-continued-after-the-screen")
def test_continued_after_its_screen_was_left_it_still_ends(experiment: Experiment) -> None:
    with shown(experiment.write(STUBBORN), "--grace", "1000") as terminal:
        experiment.hears("deaf")
        terminal.see("running")
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.wait(lambda _: "interrupting 1 run" in experiment.session_log(), "the runs are interrupted")
        os.kill(terminal.pid, signal.SIGCONT)
        time.sleep(MOMENT)  # within which it would be one with the first
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 143
        terminal.assert_restored()
        assert "Traceback" not in terminal.text


CRASHING = """
import os, sys
from pyalma_tui.tui.widgets import {module}
real = {module}.{name}.{method}
def {method}(*arguments, **more):
    if os.path.exists("crash"):
        raise ZeroDivisionError("of the screen [/] \\x1b]52;c;eHh4\\x07")
    return real(*arguments, **more)
{module}.{name}.{method} = {method}
from pyalma_tui.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@cases(
    "G80",
    while_showing=("header", "Header", "show"),
    while_painting=("instance_list", "InstanceList", "render_line"),
)
def test_a_crash_of_the_screen_restores_the_terminal_and_closes_the_store(
    experiment: Experiment, place: tuple[str, str, str]
) -> None:
    module, name, method = place
    allow(experiment.write(COUNTING), 1)
    program = experiment.folder / "crashing.py"
    program.write_text(CRASHING.format(module=module, name=name, method=method))
    with shown(experiment, columns=200, program=(sys.executable, str(program))) as terminal:
        experiment.hears("saved a 1")
        terminal.see("running")
        terminal.wait(lambda _: terminal.titles == ["m 0 %"], "the title, which is to be put back")
        experiment.allow("crash")
        allow(experiment, 2)
        code = terminal.end()
        terminal.assert_restored()
        assert code == 130, terminal.text
        log = experiment.state_dir / "crash.log"
        said = f"pyalma-tui: screen: ZeroDivisionError: it crashed; the traceback is in {log}. Every state is kept"
        assert said in terminal.text.replace("\n", ""), terminal.text
        assert b"\x1b]52" not in terminal.raw
    assert re.search(
        r"Traceback \(most recent call last\):\n(.*\n)*.*ZeroDivisionError: of the screen", log.read_text()
    )
    free(experiment)
    assert list((experiment.state_dir / "journal").iterdir()) == [], "the store was closed"
    state = experiment.one()["state"]
    assert state in ("1", "2")
    resumed(experiment, int(state))


SPAWNING = """
import subprocess
def run(instance, save, state):
    tell("spawned", subprocess.Popen(["sleep", "1000"]{how}).pid)
    save("1")
    tell("saved")
    wait_for("go0")
    save("5")

def done():
    tell("done()")
"""


@cases("G81", child="", in_a_session_of_its_own=", start_new_session=True", deaf="DEAF")
def test_after_kill_9_of_the_program_nothing_of_it_lives_and_every_save_is_there(
    experiment: Experiment, how: str
) -> None:
    module = SPAWNING.format(how="" if how == "DEAF" else how)
    if how == "DEAF":
        module = module.replace("    save", "    [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]\n    save", 1)
    experiment.write(module)
    with shown(experiment) as terminal:
        experiment.hears("saved")
        terminal.see("● running")
        terminal.wait(lambda _: bool(terminal.titles), "a title")
        family = psutil.Process(terminal.pid).children(recursive=True)
        assert len(family) >= 2, family
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.end() == 128 + signal.SIGKILL
        terminal.assert_restored()
        experiment.nothing_left(5)
    until(lambda: holder(experiment.state_dir) is None, lambda: "its lock is free")  # files close after memory goes
    assert experiment.one()["state"] == "1"
    allow(experiment, 1)
    assert experiment.run().code == 0
    assert (experiment.one()["state"], experiment.one()["attempts"]) == ("5", 2)
    assert experiment.told().count("done()") == 1


CLOCK = """
import time
real = time.time
def jumping():
    try:
        with open({file!r}) as file:
            return real() + float(file.read() or 0)
    except FileNotFoundError:
        return real()
time.time = jumping
"""


@contextmanager
def clock(experiment: Experiment) -> Iterator[Path]:
    """A file whose seconds are added to what `time.time()` gives, in the program and in its workers."""
    file, folder = experiment.folder / "offset", experiment.folder / "clock"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK.format(file=str(file)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield file


def jump(file: Path, seconds: float) -> None:
    """Set the clock, at once for every reader."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(file)


HOUR = 3600.0
YEARS = 10 * 365.25 * 24 * HOUR


@cases("G82", hours=HOUR, ten_years=YEARS)
def test_a_clock_that_jumps_changes_neither_order_nor_durations(experiment: Experiment, seconds: float) -> None:
    experiment.write(COUNTING, ("b", "a"))
    with clock(experiment) as file:
        allow(experiment, 1)
        running = experiment.go("--timeout", "1000", "--grace", "1000")
        experiment.hears("saved a 1")
        jump(file, seconds)
        allow(experiment, 2)
        experiment.hears("saved a 2")
        experiment.kill(running)
        jump(file, -seconds)
        allow(experiment, 3)
        running = experiment.go("--timeout", "1000", "--grace", "1000")
        experiment.hears("saved a 3")
        jump(file, seconds)
        running.signal(signal.SIGINT)
        assert running.end().code == 130
        assert {name: run["state"] for name, run in experiment.runs().items()}["a"] == "3"
        jump(file, 0)
        allow(experiment, 4, 5)
        result = experiment.run()
        assert result.code == 0, result
    runs = experiment.runs()
    assert {(run["status"], run["state"]) for run in runs.values()} == {("done", "5")}
    assert [line for line in experiment.told() if line.startswith("begins a")] == [
        "begins a 0",
        "begins a 2",
        "begins a 3",
    ], "the order is that of the attempts, whatever the clock said"
    assert runs["a"]["attempts"] == 3
    assert all(0 <= run["seconds"] < 60 for run in runs.values()), runs
    assert experiment.told().count("done()") == 1


@case("G82-screen")
def test_a_clock_that_jumps_shows_no_odd_times_on_the_screen(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    with clock(experiment) as file, shown(experiment, columns=140) as terminal:
        experiment.hears("begins a 0")
        terminal.see("running")
        for step, seconds in enumerate((HOUR, -HOUR, YEARS, -YEARS), start=1):
            jump(file, seconds)
            allow(experiment, step)
            experiment.hears(f"saved a {step}")
            terminal.see(f"state     {step}")
            assert not re.search(r"-\d+ (s|min|h|d)\b", terminal.text), terminal.text
        allow(experiment, 5)
        terminal.see("100 %")
        assert not re.search(r"-\d+ (s|min|h|d)\b", terminal.text), terminal.text
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
        assert not re.search(r"\d h\b|(?<![-\d])-\d", terminal.text), terminal.text
    assert 0 <= experiment.one()["seconds"] < 60
