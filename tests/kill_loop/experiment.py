"""The run module that the nemesis kills; it writes its own history, apart from anything that pyalma-tui stores.

One line, one `write(2)` to an O_APPEND file for each instance: `start STATE`, `call N`, `saved N`, `return`,
`gave up N`, `overlap`; `done` for done(). A line is in the file before the next step begins.

What it has to say at the end of a run it writes into `results.txt`, which the module opens and nobody flushes: the line
is told as `wrote LINE` when it is in the buffer. `workers` tells who has come as far as its exit functions.

Instances have habits, by the last digit of their names: those of people who did not write for us.
"""

from __future__ import annotations

import atexit
import fcntl
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from tests.kill_loop import SAVES, rows_of

HISTORY = Path("history")
Save = Callable[[object], None]
Record = Callable[..., None]
results = open("results.txt", "a")  # noqa: SIM115 - as people write it
numbers = itertools.count(1)


def _tell(name: str, line: str) -> None:
    fd = os.open(HISTORY / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, line.encode() + b"\n")
    os.close(fd)


def run(instance: str, save: Save, state: str, record: Record) -> None:
    """Count to SAVES, saving each number behind its rows; a lock tells who else runs this."""
    name = os.path.basename(instance)
    if (number := next(numbers)) == 1:  # the first run of this worker
        atexit.register(_tell, "workers", f"{_process()} ends")
    with open(HISTORY / f"{name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _tell(name, "overlap")
        _tell(name, f"start {state or 0}")
        habit = HABITS[int(name.removeprefix("i").removesuffix(".txt")) % len(HABITS)]
        habit(name, _recorded(save, record), int(state or 0), lock)
        record(number=SAVES, row="the last, and no save follows it")
        line = f"{_process()} {name} {number}"
        results.write(f"{line}\n")
        _tell(name, f"wrote {line}")


def _recorded(save: Save, record: Record) -> Save:
    """The `save` of a run that records the rows of each number before it saves that."""

    def save_with_rows(data: object) -> None:
        for row in rows_of(int(str(data))):
            record(row)
        save(data)

    return save_with_rows


def _process() -> str:
    """Which start of the program, which agent and which worker this is."""
    return f"{os.environ['KILL_LOOP_LIFE']} {os.getppid()} {os.getpid()}"


def _step(name: str, save: Save, number: int) -> None:
    time.sleep(0.002)
    _tell(name, f"call {number}")
    save(str(number))
    _tell(name, f"saved {number}")


def _plain(name: str, save: Save, begin: int, lock: IO[str]) -> None:
    for number in range(begin + 1, SAVES + 1):
        _step(name, save, number)
    _tell(name, "return")


def _swallows(name: str, save: Save, begin: int, lock: IO[str]) -> None:
    """Whatever comes out of its work, it cleans up and returns."""
    try:
        _plain(name, save, begin, lock)
    except:  # noqa: E722 - as people write it
        _tell(name, f"gave up {begin}")


def _handles(name: str, save: Save, begin: int, lock: IO[str]) -> None:
    """Its own handler ends it, and nothing else does."""
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGINT, stop)
    number = begin
    while number < SAVES and not stopped:
        number += 1
        with suppress(BaseException):
            _step(name, save, number)
        if stopped or number == SAVES:
            break
    _tell(name, f"gave up {number}" if stopped else "return")


def _starts(name: str, save: Save, begin: int, lock: IO[str]) -> None:
    """It has a solver, which it ends if all goes well; with it the lock is held for as long as that lives."""
    with subprocess.Popen(["sleep", "1000"], pass_fds=(lock.fileno(),)) as solver:
        try:
            _plain(name, save, begin, lock)
        finally:
            solver.kill()


HABITS = (_plain, _swallows, _handles, _starts)


def done() -> None:
    """Leave a trace."""
    _tell("done", "done")
