"""`python cable.py NAME COMMAND...`: a cable to a command, which a signal cuts (STOP), heals (CONT) or tears (KILL).

What is under way meanwhile comes later, as over TCP. The command is not told who holds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading


def _carry(source: int, target: int) -> None:
    try:
        while data := os.read(source, 1 << 16):
            while data:
                data = data[os.write(target, data) :]
    except OSError:
        pass
    os.close(target)


def main() -> int:
    """Carry until both ends are gone."""
    command = sys.argv[2:]
    if os.environ.get("PYALMA_TUI_MUTANT"):
        at = command.index("pyalma_tui.place")
        command[at] = "tests.places.mutant_place"
        command.remove("-P")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    there = threading.Thread(target=_carry, args=(0, os.dup(process.stdin.fileno())), daemon=True)
    process.stdin.close()
    there.start()
    _carry(process.stdout.fileno(), os.dup(1))
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
