"""`python cable.py NAME COMMAND...`: a cable to a command, which a signal cuts (STOP), heals (CONT) or tears (KILL).

What is under way meanwhile comes later, as over TCP. The command is not told who holds it. After USR1 the next answer
to a place is held back for HOLD seconds, and then comes; nothing else comes through any more. With SLOW what a place
says comes line by line, so many seconds apart. With RATE so many bytes get through a second, each way. With ONCE, the
name of a file that is not there yet, it tears behind the first line that tells that a run has returned, or has ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

_asked, _cut = threading.Event(), threading.Event()


def _hold(number: int, frame: FrameType | None) -> None:
    _asked.set()


def _carry(source: int, target: int, *, answers: bool) -> None:
    try:
        while data := os.read(source, 1 << 13):
            time.sleep(len(data) / float(os.environ.get("RATE", "inf")))
            if answers and _asked.is_set() and b'"granted"' in data:
                _cut.set()
                time.sleep(float(os.environ["HOLD"]))
            elif _cut.is_set():
                continue
            while data:
                data = data[os.write(target, data) :]
    except OSError:
        pass
    os.close(target)


def _by_line(source: int, target: int) -> None:
    with os.fdopen(source, "rb") as lines:
        for line in lines:
            time.sleep(float(os.environ.get("SLOW", "0")))
            os.write(target, line)
            if "ONCE" in os.environ and (b'\\"returned\\"' in line or b'"type":"ended"' in line) and _is_first():
                os._exit(1)


def _is_first() -> bool:
    try:
        os.close(os.open(os.environ["ONCE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def main() -> int:
    """Carry until both ends are gone."""
    command = sys.argv[2:]
    signal.signal(signal.SIGUSR1, _hold)
    if os.environ.get("PYALMA_TUI_MUTANT"):
        at = command.index("pyalma_tui.place")
        command[at] = "tests.places.mutant_place"
        command.remove("-P")
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    way_in = os.dup(process.stdin.fileno())
    process.stdin.close()
    threading.Thread(target=_carry, args=(0, way_in), kwargs={"answers": True}, daemon=True).start()
    if {"SLOW", "ONCE"} & set(os.environ):
        _by_line(process.stdout.fileno(), 1)
    else:
        _carry(process.stdout.fileno(), os.dup(1), answers=False)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
