"""pyalma-tui whose n-th call of a system call fails, for n = 1, 2, … until there are no more calls to fail.

`python -m tests.catalogue.failing CALL ERROR FOLDER` prints one JSON object for each n: how the program ended, what it
said, what user code told; then the same of a second start in which nothing fails. Only calls that concern the state
directory count, and none that opens a directory: what that is opened for, its sync, is a call of its own. Each life is
a fork, since importing the program would take most of the time.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyalma_tui.cli.headless
import pyalma_tui.cli.launch  # noqa: F401 - once for all lives
from pyalma_tui.cli.main import main
from pyalma_tui.model import status as s
from pyalma_tui.store import leases
from pyalma_tui.store.opening import read_store

LIVES = 60


def fail(call: str, error: str, number: int, met: Path) -> None:
    """Let the `number`-th call fail from now on in this process."""
    real: Callable[..., Any] = getattr(os, call)
    home, left = os.getpid(), number

    def failing(first: Any, *rest: Any, **more: Any) -> Any:
        nonlocal left
        name = os.readlink(f"/proc/self/fd/{first}") if isinstance(first, int) else os.fspath(first)
        if os.getpid() == home and ".alma" in str(name) and not (call == "open" and rest[0] & os.O_DIRECTORY):
            left -= 1
            if left == 0:
                met.touch()
                if error == "short":
                    return real(first, rest[0][: len(rest[0]) // 2])
                raise OSError(getattr(errno, error), os.strerror(getattr(errno, error)), name)
        return real(first, *rest, **more)

    setattr(os, call, failing)


def live(folder: Path, prepare: Callable[[], None], *options: str) -> tuple[int, str]:
    """One start of the program in a process of its own; its exit code and what it said."""
    with (folder / "err").open("w+b") as err, (folder / "out").open("wb") as out:
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            prepare()
            leases.USUAL = leases.SHORTEST  # for which a start waits that cannot read what is granted
            sys.exit(main(["m.py", "--plain", "--grace", "0.3", *options]))
        _, status = os.waitpid(child, 0)
        err.seek(0)
        return os.waitstatus_to_exitcode(status), err.read().decode()


def told(folder: Path) -> list[str]:
    """The lines of user code."""
    path = folder / "told"
    return path.read_text().splitlines() if path.exists() else []


def lives(call: str, error: str, folder: Path) -> None:
    """All of it."""
    for number in range(1, LIVES):
        place = folder / f"life-{number}"
        place.mkdir()
        for name in ("m.py", "m.batch", "telling.py", "a"):
            shutil.copy(folder / name, place / name)
        met = place / "met"
        code, err = live(place, lambda n=number, m=met: fail(call, error, n, m))  # type: ignore[misc]
        if not met.exists():
            return
        before = told(place)
        again, err_again = live(place, lambda: None, "--retry-failed")
        store = read_store(place / "m.alma")
        state = json.loads(store.ledger.runs[0].state or b"null") if store else None
        facts = {
            "n": number,
            "code": code,
            "err": err,
            "told": before,
            "again": again,
            "err again": err_again,
            "told again": told(place),
            "hook": s.hook_word(store.ledger.hook.status) if store else "",
            "state": state,
        }
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    lives(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
