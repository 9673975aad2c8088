"""What engines do to a job of theirs: its processes get a signal, whoever they are; and `doctor --on` tries places."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store
from tests.places import behind_cables, processes

SAVES = """
import time

def run(instance, save, state):
    number = int(state or 0)
    while True:
        number += 1
        time.sleep(0.01)
        save(number)
"""


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM])
def test_a_signal_to_all_processes_of_a_job_lets_runs_save_and_asks_to_be_queued_again(
    number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "m.py").write_text(SAVES)
    program = [sys.executable, "-m", "pyalma_tui", "m.py", str(tmp_path / "m.py"), "--plain"]
    env = os.environ | {"SLURM_JOB_ID": "1"}
    with subprocess.Popen(program, cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        while "saved" not in (line := job.stdout.readline()):
            assert line, "it has ended"
        workers = [pid for pid in processes(str(tmp_path)) if pid != job.pid]
        assert workers, "there are an agent and a worker at least"
        for pid in (*workers, job.pid):
            os.kill(pid, number)
        out = job.stdout.read()
    assert job.returncode == 75, out
    assert f"{number.name}: this job is taken away; each run stops at its next save()" in out
    store = read_store(tmp_path / "m.alma")
    assert store is not None
    [run] = store.ledger.runs
    assert isinstance(run.status, s.Interrupted), "its worker was not to blame"
    assert run.state not in (None, b"")


def test_doctor_tries_each_place_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SAVES)
    program = [sys.executable, "-m", "pyalma_tui", "doctor", "m.py", "--on", behind_cables("AB") + ";false"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, "the worst of them"
    good = re.findall(r"^✓ place +\S+: pyalma-tui \S+, Python \S+, .*$", done.stdout, re.MULTILINE)
    assert len(good) == 2, done.stdout
    for line in good:
        for fact in ("sees the directory and its lock", "clock 0.0 s", "round trip", "saves/s", "with --sync fsync"):
            assert fact in line
    assert re.search(r"^✗ place +false has not come \(exit code 1", done.stdout, re.MULTILINE)
    assert sorted(os.listdir(tmp_path)) == ["m.py"]
