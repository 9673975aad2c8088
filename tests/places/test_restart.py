"""A start after a killed runner: what it had elsewhere may live for a while."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.places import behind_cables

LEASE = 2.0
MODULE = """
import fcntl, os, time

def run(instance, save, state):
    with open("lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where another one runs it
        again = os.path.exists("began")
        open("began", "a").write(f"{state!r} {time.monotonic()}\\n")
        if again:
            return
        save(1)
        while True:  # it never saves again, so nobody can ask it to stop
            time.sleep(0.01)
            open("lives", "a").write(f"{time.monotonic()}\\n")
"""


@pytest.mark.parametrize(("more", "state"), [((), 1), (("--fresh", "--yes"), "")])
def test_a_start_after_a_killed_runner_waits_until_nothing_of_it_can_live(
    more: tuple[str, ...], state: object, tmp_path: Path
) -> None:
    (tmp_path / "m.py").write_text(MODULE)
    (tmp_path / "i.txt").write_text("x")
    command = [
        *(sys.executable, "-m", "pyalma_tui", "m.py", "i.txt", "--plain", "--lease", str(LEASE)),
        *("--on", behind_cables("A")),
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True) as first:
        _until(tmp_path / "lives")
        os.kill(first.pid, signal.SIGKILL)
    again = subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "a session was killed that had workers on other hosts" in again.stderr
    began = (tmp_path / "began").read_text().splitlines()
    assert [line.split()[0] for line in began[1:]] == [repr(state)]  # and nobody else was at it
    *_, last, _ = (tmp_path / "lives").read_text().split("\n")
    assert float(last) < float(began[1].split()[1])
    assert not (tmp_path / "m.alma" / "leases").exists()


SAVES = """
import os, time

def run(instance, save, state):
    print(state, file=open("began", "a"))
    count = int(state or 0)
    while not (state and "OVER" in os.environ):
        count += 1
        save(str(count))
        print(count, file=open("acknowledged", "a"))
        time.sleep(0.01)
"""


def test_what_is_removed_while_it_is_written_elsewhere_is_written_anew_with_the_leases(tmp_path: Path) -> None:
    """The directory is gone once, then only the file of the worker, and then that of the leases."""
    (tmp_path / "m.py").write_text(SAVES)
    (tmp_path / "i.txt").write_text("x")
    acknowledged, state_dir = tmp_path / "acknowledged", tmp_path / "m.alma"
    command = [
        *(sys.executable, "-m", "pyalma_tui", "m.py", "i.txt", "--plain", "--lease", "5"),
        *("--on", behind_cables("A")),
    ]

    def goes_on_in(number: int) -> Path:
        segment = state_dir / "journal" / f"000001-w0001-{number:04d}.jsonl"
        _until(segment)
        _until(acknowledged, f"\n{int(acknowledged.read_text().split()[-1]) + 20}\n")
        return segment

    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _until(acknowledged)
        state_dir.rename(tmp_path / "gone")
        goes_on_in(2).unlink()
        goes_on_in(3)
        (state_dir / "leases").unlink()
        _until(state_dir / "leases")
    finally:
        first.kill()
        first.wait()
    env = os.environ | {"OVER": "1"}
    again = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "a session was killed that had workers on other hosts" in again.stderr
    _, began = (tmp_path / "began").read_text().split("\n")[:2]
    last = int(acknowledged.read_text().split("\n")[-2])
    assert last <= int(began) <= last + 1  # the one that was asked to stop at is kept as well


SAVES_ONCE = """
import time

def run(instance, save, state):
    print(state, file=open("began", "a"))
    if state:
        return
    save("kept")
    open("saved", "w").write("1")
    while True:
        time.sleep(1)
"""


def test_what_the_disk_of_another_host_has_not_taken_is_in_a_checkpoint(tmp_path: Path) -> None:
    """Its lines were told, and are lost with that host's memory, or as here at once."""
    (tmp_path / "m.py").write_text(SAVES_ONCE)
    (tmp_path / "i.txt").write_text("x")
    state_dir, first_one = tmp_path / "m.alma", "000001-w0001-0001.jsonl"
    command = [*(sys.executable, "-m", "pyalma_tui", "m.py", "i.txt", "--plain", "--lease", "5"), "--on"]
    with open(tmp_path / "out", "wb") as out:
        first = subprocess.Popen([*command, behind_cables("A", "disk")], cwd=tmp_path, stdout=out)
    try:
        _until(tmp_path / "saved")
        _until(tmp_path / "out", f"the disk has refused {first_one}; what it held is written anew from memory")
        _until(state_dir / "db.json", "kept")
    finally:
        first.kill()
        first.wait()
    if (lost := state_dir / "journal" / first_one).exists():
        lost.write_bytes(bytes(lost.stat().st_size))
    again = subprocess.run(
        [*command, behind_cables("A")], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert (tmp_path / "began").read_text() == "\nkept\n"


def _until(path: Path, text: str = "") -> None:
    """Wait until there is a file that says something, this if it is told."""
    deadline = time.monotonic() + 60
    while not path.exists() or not (found := path.read_text()) or text not in found:
        if time.monotonic() > deadline:
            said = "".join(each.read_text() for each in path.parent.glob("out"))
            raise AssertionError(f"{path} never came, or never said {text!r}; {said}")
        time.sleep(0.01)
