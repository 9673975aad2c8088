"""Catalogue G, continued: encodings, terminals that take nothing, jobs of a shell, hostile text, multiplexers."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pyalma_tui.store.lock import holder
from pyalma_tui.tui.clipboard import copied
from tests.catalogue.case import case, cases
from tests.catalogue.experiment import PATIENCE, Experiment, until
from tests.prepared import OWNER, PROGRAM
from tests.terminal.screen import FULL_SCREEN, LEFT, Terminal
from tests.terminal.shell import shell

GRACE = 1.0  # seconds; the promise is an end within two more
BUSY = 6.0  # seconds more on a machine that runs other tests

ENCODINGS = {
    "latin1": {"PYTHONIOENCODING": "latin-1"},
    "posix": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
FOREIGN = """
instances = [{"data": "\\u00fc\\u2713\\u6f22\\x9b"}]
def run(instance, save, state):
    save("\\u2713\\u00fc\\x7f\\x9b")
    print("\\u2713\\u00fc")
"""


def ended(experiment: Experiment, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The program run to its end with this in its environment, its streams in pipes."""
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=experiment.folder,
        env=experiment.environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
    )


@cases("G139", **ENCODINGS)
def test_output_has_stand_ins_for_what_an_encoding_lacks(experiment: Experiment, environment: dict[str, str]) -> None:
    (experiment.folder / "m.py").write_text(FOREIGN)
    encoding = "latin-1" if "latin-1" in environment.values() else "ascii"
    told = {}
    for arguments in (
        ("m.py", "--plain"),
        ("m.py", "--json", "--fresh", "--yes"),
        ("status", "m.py"),
        ("status", "m.py", "--json"),
        ("doctor", "m.py"),
        ("logs", "m.py"),
        ("--help",),
        ("status", "\u2713.py"),
    ):
        done = ended(experiment, *arguments, **environment)
        both = (done.stdout + done.stderr).decode(encoding)
        assert "Traceback" not in both, (arguments, both)
        assert done.returncode == (2 if arguments[-1] == "\u2713.py" else 0), (arguments, done)
        told[arguments] = both
    known = "\u00fc" if encoding == "latin-1" else "?"
    name = f'"{known}+??\\x9b"'
    assert f"{name}  done in" in told["m.py", "--plain"]
    assert re.search(rf"\+ +{re.escape(name)}.*  \+{re.escape(known)}", told["m.py", "--plain"]), "the table"
    assert "+ 1 done" in told["status", "m.py"]
    events = [json.loads(line) for line in told["m.py", "--json", "--fresh", "--yes"].splitlines()]
    assert events[-1]["state"] == "\u2713\u00fc\x7f\x9b", "nothing is replaced in what programs read"
    assert json.loads(told["status", "m.py", "--json"])["runs"][0]["data"] == "\u00fc\u2713\u6f22\x9b"
    log = ended(experiment, "logs", "m.py", "*", **environment).stdout
    assert log.decode("utf-8") == "\u2713\u00fc\n", "in a pipe it is the log as it is"
    table = ended(experiment, "export", "m.py", **environment)
    assert next(csv.DictReader(io.StringIO(table.stdout.decode("utf-8"))))["state"] == "\u2713\u00fc\x7f\x9b"
    rows = ended(experiment, "export", "m.py", "--format", "json", **environment).stdout
    assert rows.isascii()
    assert json.loads(rows)[0]["state"] == "\u2713\u00fc\x7f\x9b"
    ended(experiment, "export", "m.py", "--output", "out.json", **environment)
    assert "\u2713\u00fc" in (experiment.folder / "out.json").read_text("utf-8"), "files are UTF-8, whatever the locale"


@cases("G139-terminal", plain=("--plain",), screen=())
def test_a_terminal_of_ascii_is_painted_in_ascii(experiment: Experiment, options: tuple[str, ...]) -> None:
    (experiment.folder / "m.py").write_text(FOREIGN)
    environment = ENCODINGS["posix"] | {OWNER: str(experiment.folder)}
    with Terminal(experiment.folder, "m.py", *options, environment=environment) as terminal:
        if not options:
            terminal.see("+ done", "+- instances 1", '"?+??\\x9b"', "100 %")
            terminal.press("/")
            terminal.see("text  status:failed")
            os.write(terminal.process.child_fd, b"\xe9\xff\xc3")  # keys that are no text in any case
            terminal.wait(lambda text: "none of 1 instance" in text, "they are a filter")
            terminal.press("escape")
            terminal.see("100 %")
            terminal.wait(lambda text: "none of" not in text, "the filter is gone")
            terminal.press("q")
        assert terminal.end() == 0
        assert "+ 1 done" in terminal.text
        if not options:
            terminal.assert_restored()
    assert terminal.raw.isascii()


@case("G139-keys-of-another-encoding")
def test_keys_of_another_encoding_end_nothing(experiment: Experiment) -> None:
    (experiment.folder / "m.py").write_text(FOREIGN)
    with Terminal(experiment.folder, "m.py", environment={OWNER: str(experiment.folder)}) as terminal:
        terminal.see("100 %")
        terminal.press("/")
        terminal.see("text  status:failed")
        os.write(terminal.process.child_fd, b"\xff\xe9")
        terminal.see("none of 1 instance")
        terminal.press("escape")
        terminal.wait(lambda text: "none of" not in text, "the filter is gone")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
    assert not (experiment.state_dir / "crash.log").exists()


# --- nobody reads ------------------------------------------------------------------------------------------------

LONG = """
import time
def run(instance, save, state):
    number = int(state or 0)
    while True:
        time.sleep(0.01)
        number += 1
        save(str(number))
"""
SHORT = """
import time
def run(instance, save, state):
    save("x" * 50)
    time.sleep(0.005)
"""


def takes_nothing(fd: int) -> bool:
    """Whether this end would take nothing now, nor in a moment."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    for _ in range(10):
        if poll.poll(0):
            return False
        time.sleep(0.02)
    return True


@contextmanager
def stalled_screen(experiment: Experiment) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The program in a terminal that takes nothing any more, and our end of that."""
    experiment.write(LONG, ("a", "b"))
    ours, theirs = pty.openpty()

    def resize(columns: int) -> None:
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    def own() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    resize(200)
    process = subprocess.Popen(
        [PROGRAM, "m.py", "--workers", "2", "--grace", str(GRACE)],
        cwd=experiment.folder,
        env=experiment.environment(TERM="xterm-256color"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=own,  # noqa: PLW1509 - to have it as the terminal of its session
    )
    try:
        painted = b""
        while b"running" not in painted:
            painted += os.read(ours, 1 << 16)
        columns = 200
        while not takes_nothing(theirs):  # each size paints everything
            columns = 399 - columns
            resize(columns)
            time.sleep(0.05)  # among ever new sizes it has no time to paint
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def saved(experiment: Experiment) -> int:
    """The sum of the states."""
    return sum(int(run["state"] or 0) for run in experiment.status()["runs"])


def goes_on(number: Callable[[], int]) -> int:
    """Wait until the number grows; what it was."""
    before = number()
    until(lambda: number() > before, lambda: f"more than {before}")
    return before


def ends_in_time(process: subprocess.Popen[bytes]) -> int:
    """The exit code, which must come within the grace and two seconds."""
    return process.wait(GRACE + 2 + BUSY)


@cases("G141", sigterm=signal.SIGTERM, sigint=signal.SIGINT)
def test_a_terminal_that_takes_nothing_delays_no_end(experiment: Experiment, number: signal.Signals) -> None:
    with stalled_screen(experiment) as (process, ours):
        before = goes_on(lambda: saved(experiment))
        process.send_signal(number)
        assert ends_in_time(process) == 128 + number
        assert {run["status"] for run in experiment.runs().values()} == {"interrupted"}
        assert saved(experiment) >= before
        os.set_blocking(ours, False)
        assert LEFT not in os.read(ours, 1 << 20), "nothing was taken, else this has tested nothing"
    assert holder(experiment.state_dir) is None


@case("G141-killed")
def test_who_waits_for_one_that_was_killed_does_not_wait_for_its_terminal(experiment: Experiment) -> None:
    with stalled_screen(experiment) as (process, _):
        [inner] = psutil.Process(process.pid).children()
        inner.kill()
        assert ends_in_time(process) == -signal.SIGKILL


@case("G141-taken-over")
def test_what_has_a_stalled_terminal_is_taken_over(experiment: Experiment) -> None:
    with stalled_screen(experiment) as (process, _):
        environment = {OWNER: str(experiment.folder)}
        with Terminal(experiment.folder, "m.py", "--grace", "1", environment=environment) as second:
            second.see("read only", "T takes over")
            second.press("T")
            second.see("take over?")
            second.press("y")
            began = time.monotonic()
            second.wait(lambda _: process.poll() is not None, "the first process ends")
            assert process.returncode == 143
            assert time.monotonic() - began < GRACE + 2 + BUSY
            second.see("2 attempts", "● running")
            second.press("q", "i")
            assert second.end() == 130


@case("G141-hung-up-it-goes-on")
def test_what_has_a_stalled_terminal_goes_on_after_a_hang_up(experiment: Experiment) -> None:
    with stalled_screen(experiment) as (process, _):
        process.send_signal(signal.SIGHUP)
        until(lambda: "the terminal has gone away" in experiment.session_log(), experiment.session_log)
        goes_on(lambda: saved(experiment))
        process.send_signal(signal.SIGTERM)
        assert ends_in_time(process) == 143


@contextmanager
def stalled_pipe(experiment: Experiment, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The program with a stdout that nobody reads, and the end that could be read."""
    experiment.write(SHORT)
    (experiment.folder / "m.batch").write_text(json.dumps({"instances": [f"n{i}" for i in range(5000)]}))
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [PROGRAM, "m.py", *options, "--workers", "2", "--grace", str(GRACE)],
        cwd=experiment.folder,
        env=experiment.environment(),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: takes_nothing(theirs), lambda: "a full pipe")
        os.close(theirs)
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@contextmanager
def stalled_display(experiment: Experiment) -> Iterator[subprocess.Popen[bytes]]:
    """The program with a live display in a terminal that is not read."""
    experiment.write(SHORT)
    (experiment.folder / "m.batch").write_text(json.dumps({"instances": [f"n{i}" for i in range(5000)]}))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "m.py", "--plain", "--workers", "2", "--grace", str(GRACE)],
        cwd=experiment.folder,
        env=experiment.environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    try:
        until(lambda: takes_nothing(theirs), lambda: "a full terminal")
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def done_runs(experiment: Experiment) -> int:
    found: int = experiment.status()["counts"]["done"]
    return found


@cases("G142", plain=("--plain", signal.SIGTERM), json=("--json", signal.SIGINT))
def test_a_pipe_that_nobody_reads_delays_neither_runs_nor_the_end(
    experiment: Experiment, how: tuple[str, signal.Signals]
) -> None:
    option, number = how
    with stalled_pipe(experiment, option) as (process, _):
        before = goes_on(lambda: done_runs(experiment))
        process.send_signal(number)
        assert ends_in_time(process) == 128 + number
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert done_runs(experiment) > before
    assert holder(experiment.state_dir) is None


@cases("G142-live", sigterm=signal.SIGTERM, sigint=signal.SIGINT)
def test_a_live_display_that_nobody_reads_delays_neither_runs_nor_the_end(
    experiment: Experiment, number: signal.Signals
) -> None:
    with stalled_display(experiment) as process:
        before = goes_on(lambda: done_runs(experiment))
        process.send_signal(number)
        assert ends_in_time(process) == 128 + number
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert "Traceback" not in told
    assert told.endswith("interrupted; the same command continues where it stopped\n"), "what is read is told"
    assert done_runs(experiment) > before


@case("G142-a-slow-reader-gets-all")
def test_a_slow_reader_gets_all(experiment: Experiment) -> None:
    with stalled_pipe(experiment, "--plain") as (process, ours):
        process.send_signal(signal.SIGTERM)
        read = b""
        while data := os.read(ours, 512):
            read += data
            time.sleep(0.005)
        assert ends_in_time(process) == 143
    assert re.search(r"✓ [\d,]+ done .*○ [\d,]+ pending", read.decode()), read[-500:]


# --- jobs of a shell ---------------------------------------------------------------------------------------------

COUNTING = """
def run(instance, save, state):
    number = int(state or "0")
    tell("begins", number)
    while number < 3:
        while not os.path.exists(f"go{number}"):
            save(str(number))
            time.sleep(0.01)
        number += 1
        save(str(number))
        tell("saved", number)
"""


@contextmanager
def typed(experiment: Experiment, command: str, names: tuple[str, ...] = ("a",)) -> Iterator[Terminal]:
    """A shell with job control in which this was typed."""
    experiment.write(COUNTING, names)
    with shell(experiment.folder, **{OWNER: str(experiment.folder)}) as terminal:
        terminal.press(command, "enter")
        yield terminal
        terminal.press("exit", "enter")
        terminal.end()


@case("G143-background-then-foreground")
def test_started_in_the_background_it_shows_the_screen_in_the_foreground(experiment: Experiment) -> None:
    with typed(experiment, f"{PROGRAM} m.py &") as terminal:
        terminal.see("in the background: the experiment goes on, `fg` shows the screen")
        experiment.allow("go0")
        experiment.hears("saved 1")
        assert FULL_SCREEN not in terminal.raw, "another job's terminal is not touched"
        terminal.press("fg", "enter")
        terminal.see("● running", "state     1", "instances 1")
        terminal.press("?")
        terminal.see("Moving")
        terminal.press("escape")
        experiment.allow("go1")
        experiment.allow("go2")
        terminal.see("100 %")
        terminal.press("q")
        terminal.see("1 done", "prompt>")
        terminal.assert_restored()
    assert experiment.one()["attempts"] == 1


@case("G143-stopped-then-in-the-background")
def test_stopped_and_sent_to_the_background_it_goes_on_without_touching_the_terminal(experiment: Experiment) -> None:
    with typed(experiment, f"{PROGRAM} m.py", ("a", "b")) as terminal:
        terminal.see("● running", "instances 2")
        terminal.press("\x1a")
        terminal.see("Stopped", "prompt>")
        before = len(terminal.raw)
        terminal.press("bg", "enter")
        terminal.wait(lambda _: b"m.py &" in terminal.raw[before:], "it goes on")
        for step in range(3):
            experiment.allow(f"go{step}")
        until(lambda: set(experiment.statuses().values()) == {"done"}, lambda: "both are done")
        assert FULL_SCREEN not in terminal.raw[before:]
        terminal.press("fg", "enter")
        terminal.see("100 %", "instances 2")
        terminal.press("q")
        terminal.see("2 done")
        terminal.assert_restored()


@cases("G144", screen=(), plain=("--plain",))
def test_stopped_and_then_killed_it_ends_and_interrupts_its_runs(
    experiment: Experiment, options: tuple[str, ...]
) -> None:
    with typed(experiment, " ".join((PROGRAM, "m.py", *options))) as terminal:
        experiment.hears("begins 0")
        terminal.see("● " if options else "instances 1")
        terminal.press("\x1a")
        terminal.see("Stopped", "prompt>")
        assert terminal.raw.count(b"\x1b[?25h") >= terminal.raw.count(b"\x1b[?25l"), "the cursor is seen"
        terminal.press("kill %1", "enter")
        terminal.wait(lambda _: not psutil.Process(terminal.pid).children(), "it ends")
        terminal.see("1 interrupted")
        terminal.press("jobs", "enter")
        terminal.see("Exit 143")
    assert experiment.one()["status"] == "interrupted"


@case("G145-plain-in-the-background")
def test_plain_output_in_the_background_is_lines_and_a_display_in_the_foreground(experiment: Experiment) -> None:
    with typed(experiment, f"{PROGRAM} m.py --plain &") as terminal:
        experiment.allow("go0")
        terminal.see("saved  state 1")
        assert b"\x1b[" not in terminal.raw, "nothing is painted over what somebody types"
        terminal.press("fg", "enter")
        terminal.see("0/1 runs")
        experiment.allow("go1")
        experiment.allow("go2")
        terminal.see("1 done")
    assert experiment.one()["attempts"] == 1


# --- text that a terminal would obey -----------------------------------------------------------------------------

EVIL = (
    "A\x9b31mC1\x9d52;c;aGk=\x9cD\x90qS\x9c\x7fDEL\u202eRTL\u200bZW\x1b]52;c;aGk=\x07\x1b[6n\x1b_Ga=T\x1b\\"
    "\x1bPq#0\x1b\\\u0661\x1b[\u0663\u0661m"
)
NAME = "e\x1b]52;c;aGk=\x07\x9b31m\x7f\u202e"
OBEYED = re.compile(
    "[\x80-\x9f\x7f\u202a-\u202e\u2066-\u2069\u200b-\u200f\udc80-\udcff]"  # C1, DEL, bidi, zero width, raw bytes
    "|\x1b(?!\\[[0-9;:?]*[A-Za-z])"  # OSC, DCS, APC, digits of other scripts
    "|\x1b\\[[0-9;?]*[^0-9;:?mKAJGHhl]"  # a question such as CSI 6n
)
HOSTILE = f"""
import sys, time
EVIL = {EVIL!r}
print(EVIL)
instances = [{{"data": EVIL}}, {{"file": "x" + EVIL, "data": 1}}]
def run(instance, save, state):
    save(EVIL)
    print(EVIL)
    sys.stdout.buffer.write(b"\\x9b31m\\xff\\xc2\\x9b6n\\x1b[31mred\\x1b[\\xd9\\xa3\\xd9\\xa1m\\n")
    if instance["data"] == 1 and not state:
        raise ValueError(EVIL)
def done():
    print(EVIL)
"""


def painted(experiment: Experiment, *arguments: str, keys: str = "") -> str:
    """All that a command writes to its terminal, until it ends by itself."""
    environment = {OWNER: str(experiment.folder)}
    with Terminal(experiment.folder, *arguments, environment=environment) as terminal:
        if keys:
            terminal.wait(lambda text: "[y/N]" in text, "a question")
            terminal.press(keys)
        terminal.end()
    return terminal.raw.decode("utf-8", "surrogateescape")


def assert_harmless(text: str, what: object) -> None:
    """Nothing in it is obeyed by a terminal, or hidden by it, but what the program itself uses without a screen."""
    found = OBEYED.search(text)
    assert found is None, (what, found, text[max(0, found.start() - 60) : found.end() + 20])


@case("G146-without-a-screen")
def test_no_command_hands_a_terminal_what_it_would_obey(experiment: Experiment) -> None:
    folder = experiment.folder
    (folder / "m.py").write_text(HOSTILE)
    (folder / f"{NAME}.py").write_text("import time\ntime.sleep(2.2)\n" + HOSTILE)
    (folder / f"{NAME}.experiment").write_text(json.dumps({"load": f"no{EVIL}.py", EVIL: 1, "batch": EVIL}))
    (folder / f"{NAME}.batch").write_text(json.dumps({"instances": ["a"], EVIL: 1, "include": [EVIL]}))
    (folder / "raises.py").write_text(f"raise ValueError({EVIL!r})\n")
    (folder / f"{NAME}-syntax.py").write_text("x = = 1 # \x1b[31m\x9b\n")
    (folder / NAME).mkdir()
    (folder / NAME / "file").touch()
    for arguments in (
        ("m.py", "--plain"),
        ("m.py", "--json", "--retry-failed"),
        ("m.py", "--plain", "--fresh"),
        ("m.py", "--plain", "--state", NAME, "--retries", "1"),
        ("status", "m.py"),
        ("status", "m.py", "--json"),
        ("status", "m.py", "--state", NAME, "--json"),
        ("logs", "m.py"),
        ("logs", "m.py", json.dumps(EVIL, ensure_ascii=False)),
        ("logs", "m.py", "x*"),
        ("logs", "m.py", "done()"),
        ("logs", "m.py", f"no{EVIL}"),
        ("export", "m.py", "--format", "csv"),
        ("export", "m.py", "--format", "json"),
        ("export", "m.py", "--format", "md"),
        ("export", "m.py", "--output", f"{NAME}/{NAME}/x.csv"),
        ("doctor", "m.py", "--state", NAME),
        ("doctor", f"{NAME}.py"),
        ("import", f"{NAME}.experiment"),
        ("reset", "m.py"),
        ("demo", NAME),
        ("m.py", f"--x{EVIL}"),
        ("m.py", "--sync", EVIL),
        ("m.py", "--workers", EVIL),
        ("m.py", "--theme", EVIL),
        ("m.py", "--batch", f"{NAME}.batch"),
        ("m.py", "--batch", EVIL),
        (EVIL, "a"),
        (f"no{EVIL}.py",),
        (f"{NAME}.experiment",),
        (f"{NAME}.py", "--plain"),
        ("raises.py", "a"),
        (f"{NAME}-syntax.py", "a"),
    ):
        asks = "n\r" if arguments[0] == "reset" or "--fresh" in arguments else ""
        text = painted(experiment, *arguments, keys=asks)
        assert text.strip(), arguments
        assert_harmless(text, arguments)


@case("G146-on-the-screen")
def test_the_screen_hands_a_terminal_nothing_of_others_that_it_would_obey(experiment: Experiment) -> None:
    (experiment.folder / f"{NAME}.py").write_text(HOSTILE)
    environment = {OWNER: str(experiment.folder), "EDITOR": f"no{NAME}"}

    def opened(*options: str) -> Terminal:
        return Terminal(experiment.folder, f"{NAME}.py", *options, environment=environment, columns=140, lines=40)

    with opened() as terminal:
        terminal.see("1 failed", "ValueError", "C1")
        terminal.press("q")
        assert terminal.end() == 1
        text = terminal.raw.decode("utf-8", "surrogateescape")
    with opened("--retry-failed") as terminal:
        terminal.see("2/2", "done() returned")
        for key, seen, back in (
            ("l", "esc back", "escape"),
            ("D", "esc back", "escape"),
            ("L", "esc back", "escape"),
            ("x", "begin anew", "n"),
            ("d", "again?", "n"),
            ("e", "cannot be started", ""),
        ):
            terminal.press(key)
            terminal.see(seen)
            terminal.press(back)
            terminal.wait(lambda text, seen=seen, back=back: not back or seen not in text, f"{seen} is gone")  # type: ignore[misc]
        terminal.press("/")
        terminal.see("text  status:failed")
        os.write(terminal.process.child_fd, "no\u202e\x9b".encode())
        terminal.see("none of 2 instances")
        terminal.press("enter")
        terminal.wait(lambda text: "text  status:failed" not in text, "the filter is taken")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
    text += terminal.raw.decode("utf-8", "surrogateescape")
    assert not re.search("[\x80-\x9f\x7f\u202a-\u202e\u2066-\u2069\u200b-\u200f\udc80-\udcff]", text)
    assert not re.search("\x1b(\\]52|\\[6n|[P_X^]|\\[[^\x00-\x7f])", text)
    assert not any("\x9b" in title for title in terminal.titles)


@case("G147-lone-carriage-return")
def test_a_lone_carriage_return_survives_in_csv(experiment: Experiment) -> None:
    states = ("a\rb", "a\nb", "a\r\nb", 'a"\rb', "\r")
    module = f"instances = [{{'data': s}} for s in {states!r}]\ndef run(i, save, s): save(i['data'])\n"
    (experiment.folder / "m.py").write_text(module)
    assert experiment.run().code == 0
    data = ended(experiment, "export", "m.py").stdout.decode()
    assert data.endswith("\n")
    rows = list(csv.DictReader(io.StringIO(data, newline="")))
    assert tuple(row["state"] for row in rows) == states


# --- multiplexers and few colours --------------------------------------------------------------------------------

TMUX = """#!/bin/sh
case "$FAKE" in
    refuses) echo "can't open \\033[31m server" >&2; exit 1;;
    old) test "$2" = -w && { echo "unknown flag -w" >&2; exit 1; };;
esac
cat > "$BUFFER"
"""
SAVING = "instances = [{'data': 1}]\ndef run(instance, save, state): save('to be copied')\n"


COPIES: dict[str, tuple[Mapping[str, str], str, bool]] = {
    "tmux": ({"TMUX": "/x,1,0"}, "copied the state, to tmux too", True),
    "old_tmux": ({"TMUX": "/x,1,0", "FAKE": "old"}, "copied the state, to tmux too", True),
    "tmux_that_refuses": ({"TMUX": "/x,1,0", "FAKE": "refuses"}, "tmux did not take the state: can't open", False),
    "tmux_on_the_way": ({"TERM": "tmux-256color"}, "set-clipboard on", False),
    "gnu_screen": ({"STY": "1.x"}, "GNU screen does not hand the state on", False),
    "neither": ({}, "copied the state", False),
}


@contextmanager
def multiplexed(experiment: Experiment, environment: Mapping[str, str]) -> Iterator[Path]:
    """The environment of a terminal with such a multiplexer; where its buffer would be."""
    tools, buffer = experiment.folder / "tools", experiment.folder / "buffer"
    tools.mkdir()
    (tools / "tmux").write_text(TMUX)
    (tools / "tmux").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMUX", "STY"):
            patch.delenv(name, raising=False)
        more = {"PATH": f"{tools}:{os.environ['PATH']}", "BUFFER": str(buffer), "TERM": "xterm-256color"}
        for name, value in (more | dict(environment)).items():
            patch.setenv(name, value)
        yield buffer


@cases("G148", **COPIES)
def test_a_copy_reaches_tmux_or_says_why_not(experiment: Experiment, how: tuple[Mapping[str, str], str, bool]) -> None:
    environment, told, reaches = how
    with multiplexed(experiment, environment) as buffer:
        assert told in copied("to be copied", "the state").words
    assert (buffer.read_text() if buffer.exists() else None) == ("to be copied" if reaches else None)


@case("G148-on-the-screen")
def test_a_terminal_is_handed_a_copy_that_tmux_refuses(experiment: Experiment) -> None:
    (experiment.folder / "m.py").write_text(SAVING)
    environment, told, _ = COPIES["tmux_that_refuses"]
    with (
        multiplexed(experiment, environment),
        Terminal(experiment.folder, "m.py", environment={OWNER: str(experiment.folder)}, columns=140) as terminal,
    ):
        terminal.see("100 %", "to be copied")
        terminal.press("y")
        terminal.see(told)
        terminal.press("q")
        assert terminal.end() == 0
    assert b"\x1b]52;c;dG8gYmUgY29waWVk\x07" in terminal.raw


@cases("G149", sixteen_colours="linux", without_colour="NO_COLOR", full="xterm-256color")
def test_the_row_of_the_cursor_is_seen_without_focus_whatever_colours_there_are(
    experiment: Experiment, term: str
) -> None:
    (experiment.folder / "m.py").write_text(SAVING)
    environment = {OWNER: str(experiment.folder), "TERM": term}
    if term == "NO_COLOR":
        environment |= {"TERM": "xterm-256color", "NO_COLOR": "1"}
    with Terminal(experiment.folder, "m.py", environment=environment) as terminal:
        terminal.see("100 %", "to be copied")
        line = next(i for i, text in enumerate(terminal.text.splitlines()) if "✓ 1" in text)

        def look(line: int) -> tuple[object, ...]:
            cell = terminal.screen.buffer[line][4]
            return cell.bg, cell.bold, cell.reverse

        focused, other = look(line), look(line + 1)
        assert focused != other
        terminal.press("\t")
        terminal.wait(lambda _: look(line) != focused, "the list has no focus")
        assert look(line) != other, "its cursor is seen all the same"
        terminal.press("q")
        assert terminal.end() == 0
