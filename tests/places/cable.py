"""`python cable.py NAME COMMAND...`: a cable to a command, which a signal cuts (STOP), heals (CONT) or tears (KILL).

What is under way meanwhile comes later, as over TCP. The command is not told who holds it. After USR1 the next answer
to a place is held back for HOLD seconds, and then comes; nothing else comes through any more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

_asked, _cut = threading.Event(), threading.Event()


def _hold(number: int, frame: FrameType | None) -> None:
    _asked.set()


def _carry(source: int, target: int, *, answers: bool) -> None:
    try:
        while data := os.read(source, 1 << 16):
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


def main() -> int:
    """Carry until both ends are gone."""
    command = sys.argv[2:]
    signal.signal(signal.SIGUSR1, _hold)
    if os.environ.get("PYALMA_TUI_MUTANT"):
        at = command.index("pyalma_tui.place")
        command[at] = "tests.places.mutant_place"
        command.remove("-P")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    way_in = os.dup(process.stdin.fileno())
    process.stdin.close()
    threading.Thread(target=_carry, args=(0, way_in), kwargs={"answers": True}, daemon=True).start()
    _carry(process.stdout.fileno(), os.dup(1), answers=False)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
