"""Workers on other hosts: commands that lead "elsewhere" on this machine, and a nemesis of that world.

`python -m tests.places --seconds 60` prints acknowledged saves, kills by kind, runs handed on, and what is broken.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

CABLE = Path(__file__).parent / "cable.py"


def behind_cables(names: str, mutant: str = "", hold: float = 0.0, rate: float = 0.0) -> str:
    """What `--on` is to be for a place of each of these names, each behind a cable of its own.

    That holds an answer back for so many seconds, or carries so many bytes a second.
    """
    told = [f"PYALMA_TUI_MUTANT={mutant}"] if mutant else []
    told += [f"HOLD={hold}"] if hold else []
    told += [f"RATE={rate}"] if rate else []
    commands = [["env", *told, f"ELSEWHERE={name}", sys.executable, str(CABLE), name] for name in names]
    return "each:" + ";".join(shlex.join(command) for command in commands)


def processes(*words: str) -> list[int]:
    """The processes whose command line has all these words, this one left out."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid():
            try:
                line = Path(f"/proc/{name}/cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if all(word in line for word in words):
                found.append(int(name))
    return sorted(found)


def is_place(pid: int) -> bool:
    """Whether it is a place, not a command that leads to one."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        program = words[1:-2]  # what follows Python's name, but for the state directory
        return program in ([b"-P", b"-m", b"pyalma_tui.place"], [b"-m", b"tests.places.mutant_place"])
    return False


def parent_of(pid: int) -> int:
    """Of a process that may be gone: 0."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0
