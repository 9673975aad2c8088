"""An experiment in a folder of its own, run by the real program in real processes."""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import IO, Any

import psutil

from pyalma_tui.cli.main import main
from tests.family import agents_of, guards_of, is_over, workers_of
from tests.prepared import HEADLESS, OWNER, PROGRAM, Forked, prepared

PATIENCE = 60.0  # seconds: two busy CPUs are shared with everything else
LOOK = 0.02  # seconds between two looks at what is waited for
CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: with them root reads everything
PR_CAPBSET_DROP = 24

TELL = """
import os, signal, sys, time
FOLDER = os.path.dirname(os.path.abspath(__file__))

def tell(*words):
    fd = os.open(os.path.join(FOLDER, "told"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, (" ".join(map(str, words)) + "\\n").encode("utf-8", "surrogatepass"))
    os.close(fd)

def wait_for(name):
    while not os.path.exists(os.path.join(FOLDER, name)):
        time.sleep(0.01)

def kill_program():
    import psutil
    agent = psutil.Process(os.getppid())
    os.kill(agent.ppid(), signal.SIGKILL)
    wait_for("never")
"""


def as_anybody() -> None:
    """Let file permissions hold for the program that is started next, also for root."""
    for capability in CAPABILITIES:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def limit_descriptors() -> None:
    """Let the program that is started next have few descriptors, as a terminal on macOS does."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


def below(folder: Path) -> Mapping[str, object]:
    """What lies in a folder: bytes of files, targets of links; but for the lock, which says who looked last."""
    paths = [path for path in sorted(folder.rglob("*")) if path.name != "lock"]
    return {str(path.relative_to(folder)): _content(path) for path in paths}


def _content(path: Path) -> object:
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else None


def until(condition: Callable[[], object], what: Callable[[], str], seconds: float = PATIENCE) -> Any:
    """Wait until the condition gives something true, and return that; `what` tells what was waited for, and what is.

    The seconds are those of a machine that has time for at least every other look: where it has not, what is waited for
    has none either.
    """
    began, looks = time.monotonic(), 0
    while not (value := condition()):
        assert time.monotonic() < began + seconds or looks * LOOK < seconds / 2, f"not within {seconds:g} s: {what()}"
        time.sleep(LOOK)
        looks += 1
    return value


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines on stderr."""
        return self.err.splitlines()

    def refusal(self) -> str:
        """The one line of a command that did nothing: exit code 2, not a byte on stdout."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.endswith("\n"), self
        assert len(self.said) == 1, self
        return self.last_line()

    def last_line(self) -> str:
        """The last line on stderr without the program's name."""
        name, _, line = self.said[-1].partition(": ")
        assert name == "pyalma-tui", self
        assert line, self
        return line


class Running:
    """A command that was started; `process` is its process."""

    def __init__(self, process: subprocess.Popen[bytes] | Forked, out: IO[bytes], err: IO[bytes]) -> None:
        self.process = process
        self._out, self._err = out, err

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def printed(self) -> str:
        """What stands on stdout by now."""
        return _text(self._out)

    def complained(self) -> str:
        """What stands on stderr by now."""
        return _text(self._err)

    def end(self, seconds: float = PATIENCE) -> Result:
        """Wait until it has ended by itself."""
        code = self.process.wait(seconds)
        return Result(code, self.printed(), self.complained())

    def workers(self) -> list[psutil.Process]:
        """Its live workers."""
        return workers_of(self.process.pid)

    def agents(self) -> list[psutil.Process]:
        """The live processes that import the module and start workers; more than one only while one takes its leave."""
        return agents_of(self.process.pid)

    def agent(self) -> psutil.Process:
        """The process that its workers are forked from."""
        (agent,) = until(self.agents, lambda: "there is an agent")
        found: psutil.Process = agent
        return found

    def guard(self) -> psutil.Process:
        """The guard of its agent."""
        (guard,) = until(lambda: guards_of(self.process.pid), lambda: "there is a guard")
        found: psutil.Process = guard
        return found


def _text(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), 1 << 26, 0).decode("utf-8", "surrogateescape")


@dataclass
class Experiment:
    """A folder with a run module and instances. Runs are dispatched from the end of `names`."""

    folder: Path
    name: str = "m.py"
    started: list[Running] = field(default_factory=list)

    @property
    def module(self) -> Path:
        return self.folder / self.name

    @property
    def state_dir(self) -> Path:
        return self.module.with_suffix(".alma")

    def write(self, module: str, names: Sequence[str] = ("a",), name: str = "m.py") -> Experiment:
        """Write the run module, its instances as files, and the batch that lists them."""
        self.name = name
        (self.folder / "telling.py").write_text(TELL)
        self.module.write_text(
            "import os, sys, time, signal\nfrom telling import kill_program, tell, wait_for\n" + dedent(module)
        )
        return self.batch(names)

    def batch(self, names: Sequence[str]) -> Experiment:
        """Make these files the batch beside the module."""
        for each in names:
            (self.folder / each).touch()
        self.module.with_suffix(".batch").write_text(json.dumps({"instances": list(names)}))
        return self

    def environment(self, **more: str) -> dict[str, str]:
        """What the program sees of the environment."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV", "PYALMA"))}
        return kept | {OWNER: str(self.folder), "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1"} | more

    def start(self, *arguments: str, before: Callable[[], None] | None = None, fed: bytes | None = None) -> Running:
        """Start `pyalma-tui` with these arguments in the folder; `before` is called in the new process.

        What it is `fed` comes through a pipe on its standard input.
        """
        out = (self.folder / f"out-{len(self.started)}").open("w+b")
        err = (self.folder / f"err-{len(self.started)}").open("w+b")
        environment = self.environment()
        loaded = prepared(environment, HEADLESS) if before is None and fed is None else None
        if loaded is not None:
            with open(os.devnull, "rb") as nothing:
                streams = [each.fileno() for each in (nothing, out, err)]
                forked = loaded.start(arguments, self.folder, environment, streams)
            return self._begun(Running(forked, out, err))
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL if fed is None else subprocess.PIPE,
            stdout=out,
            stderr=err,
            preexec_fn=before,  # noqa: PLW1509 - for limits that only the new process shall have
        )
        if process.stdin is not None:
            with process.stdin as pipe:
                pipe.write(fed or b"")
        return self._begun(Running(process, out, err))

    def _begun(self, running: Running) -> Running:
        self.started.append(running)
        return running

    def go(self, *options: str, before: Callable[[], None] | None = None) -> Running:
        """Start the experiment without a screen."""
        grace = () if "--grace" in options else ("--grace", "0.3")
        return self.start(self.name, "--plain", *grace, *options, before=before)

    def run(self, *options: str, before: Callable[[], None] | None = None) -> Result:
        """Run the experiment without a screen to its end."""
        return self.go(*options, before=before).end()

    def call(self, *command: str, keys: str = "") -> subprocess.CompletedProcess[str]:
        """Run any command in the folder to its end; `keys` come through a pipe on its standard input."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            input=keys,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def says(self, *arguments: str) -> Result:
        """How a command ends that starts nothing, in this process: a program's start takes longer than all of it."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            code = main(arguments)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        out.flush()
        return Result(code, out.buffer.getvalue().decode("utf-8", "surrogateescape"), err.getvalue())

    def status(self) -> dict[str, Any]:
        """What `status --json` tells."""
        result = self.says("status", self.name, "--json")
        assert (result.code, result.err) == (0, ""), result
        facts: dict[str, Any] = json.loads(result.out)
        assert facts["schema"] == 1
        return facts

    def runs(self) -> dict[str, dict[str, Any]]:
        """The runs of `status --json` by the name of their instance."""
        return {run["instance"]: run for run in self.status()["runs"]}

    def one(self) -> dict[str, Any]:
        """The only run there is."""
        (run,) = self.status()["runs"]
        found: dict[str, Any] = run
        return found

    def statuses(self) -> dict[str, str]:
        """Instance → status."""
        return {name: run["status"] for name, run in self.runs().items()}

    def table(self, name: str) -> Mapping[str, Any]:
        """A table of `db.json`, read as any JSON file."""
        tables: dict[str, dict[str, Any]] = json.loads((self.state_dir / "db.json").read_text())
        return tables[name]

    def log(self, run: int | str = 1, attempt: int = 1) -> str:
        """What an attempt printed, "" if it printed nothing."""
        path = self.state_dir / "logs" / str(run) / f"{attempt}.log"
        return path.read_text("utf-8", "surrogateescape") if path.exists() else ""

    def session_log(self) -> str:
        """What was noted, "" if nothing was."""
        path = self.state_dir / "session.log"
        return path.read_text("utf-8") if path.exists() else ""

    def told(self) -> list[str]:
        """The lines that user code passed to `tell`."""
        path = self.folder / "told"
        if not path.exists():
            return []
        return path.read_bytes().decode("utf-8", "surrogatepass").removesuffix("\n").split("\n")

    def hears(self, line: str) -> None:
        """Wait until user code tells this line."""
        until(lambda: line in self.told(), lambda: f"tell {line!r}, only {self.told()}; {self.outputs()}")

    def allow(self, name: str) -> None:
        """Let user code go on that waits for this."""
        (self.folder / name).touch()

    def outputs(self) -> str:
        """All that was printed, for the message of a failed test."""
        return " | ".join(f"{each.printed()[-2000:]} {each.complained()[-2000:]}" for each in self.started)

    def processes(self) -> list[psutil.Process]:
        """Every live process that this experiment has started, directly or not."""
        mark, found = os.fsencode(f"{OWNER}={self.folder}"), []
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environment:
                    is_ours = mark in environment.read().split(b"\0")
                if is_ours and not is_over(process := psutil.Process(int(pid))):
                    found.append(process)
            except (OSError, psutil.Error):
                continue
        return found

    def nothing_left(self, seconds: float = 10.0) -> None:
        """Wait until no process of this experiment lives."""
        until(lambda: not self.processes(), lambda: f"the end of {[*map(told, self.processes())]}", seconds)

    def kill(self, running: Running) -> None:
        """Kill the program with -9, and wait until all that it has started has ended by itself."""
        running.signal(signal.SIGKILL)
        running.end()
        self.nothing_left(5)

    def clear(self) -> None:
        """End whatever a failed test left behind."""
        for process in self.processes():
            process.kill()
        for running in self.started:
            running.process.wait()


def told(process: psutil.Process) -> str:
    """What a process that should have ended is, and what it waits for."""
    try:
        threads = [Path(f"/proc/{process.pid}/task/{each.id}") for each in process.threads()]
        waits = [(each / "comm").read_text().strip() + " in " + (each / "wchan").read_text() for each in threads]
        return f"{process.pid} of {process.ppid()}: {process.cmdline()}, {process.status()}, {waits}"
    except (psutil.Error, OSError) as error:
        return repr(error)


def experiments(folder: Path) -> Iterator[Experiment]:
    """An experiment for one test, which must leave no process behind."""
    experiment = Experiment(folder)
    try:
        yield experiment
        experiment.nothing_left()
    finally:
        experiment.clear()
