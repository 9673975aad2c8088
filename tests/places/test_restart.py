"""A start after a killed runner: what it had elsewhere may live for a while."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.places import behind_cables

LEASE = 2.0
MODULE = """
import fcntl, os, time

def run(instance, save, state):
    with open("lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where another one runs it
        open("began", "a").write(f"{state} {time.monotonic()}\\n")
        if state:
            return
        save(1)
        while True:  # it never saves again, so nobody can ask it to stop
            time.sleep(0.01)
            open("lives", "a").write(f"{time.monotonic()}\\n")
"""


def test_a_start_after_a_killed_runner_waits_until_nothing_of_it_can_live(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(MODULE)
    (tmp_path / "i.txt").write_text("x")
    command = [
        *(sys.executable, "-m", "pyalma_tui", "m.py", "i.txt", "--plain", "--lease", str(LEASE)),
        *("--on", behind_cables("A")),
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True) as first:
        _until(tmp_path / "lives")
        os.kill(first.pid, signal.SIGKILL)
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "a session was killed that had workers on other hosts" in again.stderr
    began = (tmp_path / "began").read_text().splitlines()
    assert [line.split()[0] for line in began[1:]] == ["1"]  # with what was saved, and nobody else at it
    *_, last, _ = (tmp_path / "lives").read_text().split("\n")
    assert float(last) < float(began[1].split()[1])
    assert not (tmp_path / "m.alma" / "leases").exists()


def _until(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)
