"""Thousands of runs that take no time, so that each worker has an order ahead, and somebody who stops all of it.

The program is the real one. A wrong one calls a run twice that lay ready when it was stopped, or never.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import psutil
import pytest

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store

COUNT, WORKERS, PATIENCE = 2000, 2, 60.0
TESTS = Path(__file__).parent
MODULE = f"""\
import os
calls = os.open("calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
def instances(): return [{{"name": f"i{{i}}"}} for i in range({COUNT})]
def run(instance, save, state): os.write(calls, (instance["name"] + "\\n").encode())
"""


class Program:
    """The program, started again and again on one experiment; nothing is printed but to a file."""

    def __init__(self, folder: Path, program: str = "pyalma_tui") -> None:
        self._folder = folder
        self._program = program
        (folder / "m.py").write_text(MODULE)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        with (self._folder / "printed").open("ab") as printed:
            return subprocess.Popen(
                [sys.executable, "-m", self._program, "m.py", "--plain", "--workers", str(WORKERS), *more],
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(TESTS.parent)},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
            )

    def calls(self) -> Counter[str]:
        try:
            return Counter((self._folder / "calls").read_text().split())
        except FileNotFoundError:
            return Counter()

    def wait_for(self, number: int, program: subprocess.Popen[bytes]) -> None:
        """Until so many calls have been made, or it has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.calls().total() < number and program.poll() is None:
            assert time.monotonic() < deadline, (self._folder / "printed").read_text()[-2000:]
            time.sleep(0.001)


def interrupt(program: subprocess.Popen[bytes], chance: random.Random) -> None:
    program.send_signal(signal.SIGINT)


def kill(program: subprocess.Popen[bytes], chance: random.Random) -> None:
    program.kill()


def kill_a_child(program: subprocess.Popen[bytes], chance: random.Random) -> None:
    """The agent, or a worker; the program goes on."""
    if children := psutil.Process(program.pid).children(recursive=True):
        chance.choice(children).kill()


def stop_a_child(program: subprocess.Popen[bytes], chance: random.Random) -> None:
    """It stands still for a moment: what lies ready for it comes back, or is its own."""
    if children := psutil.Process(program.pid).children(recursive=True):
        child = chance.choice(children)
        child.suspend()
        time.sleep(0.05)
        child.resume()


def play(
    folder: Path,
    hits: list[Callable[[subprocess.Popen[bytes], random.Random], None]],
    seed: int,
) -> Counter[str]:
    """Start, hit, and start again until all is done; how often each run was called."""
    program, chance = Program(folder), random.Random(seed)
    done = 0
    for hit in hits:
        process = program.start()
        done = program.calls().total() + chance.randrange(1, COUNT // (len(hits) + 1))
        program.wait_for(done, process)
        try:
            hit(process, chance)
        except (psutil.Error, ProcessLookupError):  # it has just ended
            pass
        if hit in (kill_a_child, stop_a_child):
            program.wait_for(done + 200, process)
            process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    again = program.start("--retry-failed")  # a run fails in which its worker is killed by somebody else
    assert again.wait(PATIENCE) == 0, (folder / "printed").read_text()[-2000:]
    store = read_store(folder / "m.alma")
    assert store is not None
    assert [run.id for run in store.ledger.runs if not isinstance(run.status, s.Done)] == []
    calls = program.calls()
    assert len(calls) == COUNT, "a run counts as done and was never called"
    return calls


def test_no_run_is_called_twice_or_never_by_whoever_interrupts_and_stops(tmp_path: Path) -> None:
    calls = play(tmp_path, [interrupt, stop_a_child, interrupt, stop_a_child, interrupt], seed=os.getpid())
    assert [name for name, times in calls.items() if times > 1] == []


@pytest.mark.parametrize("hit", [kill, kill_a_child])
def test_only_what_was_being_called_is_called_again_after_a_kill(
    tmp_path: Path, hit: Callable[[subprocess.Popen[bytes], random.Random], None]
) -> None:
    """At most one call of each worker was cut off by each kill: what only lay ready was not called."""
    hits = 3
    calls = play(tmp_path, [hit] * hits, seed=os.getpid())
    assert calls.total() <= COUNT + hits * WORKERS, calls.most_common(9)


def test_an_order_ahead_that_runs_twice_is_reported(tmp_path: Path) -> None:
    """Of a program that lets its worker have what it has taken back: a test above that cannot see it proves nothing."""
    chance, deadline = random.Random(os.getpid()), time.monotonic() + PATIENCE
    for number in count():
        folder = tmp_path / str(number)
        folder.mkdir()
        if calls_twice(Program(folder, "tests.mutant_ahead"), chance, deadline):
            break
        assert time.monotonic() < deadline, "no run was called twice; " + (folder / "printed").read_text()[-2000:]


def calls_twice(program: Program, chance: random.Random, deadline: float) -> bool:
    """Whether a run is called twice before it ends; it may also wait for ever."""
    process = program.start()
    try:
        program.wait_for(1, process)
        while (calls := program.calls()).total() == len(calls):
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            with suppress(psutil.Error):  # it has just ended
                stop_a_child(process, chance)
        return True
    finally:
        process.kill()
        process.wait()
