"""The real program in jobs of a real Slurm: one that queues itself again, one whose steps are places."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store
from tests.engines.lab import Lab

README = (Path(__file__).parents[2] / "README.md").read_text()
COUNTS = """
import time

def run(instance, save, state):
    for number in range(int(state or 0) + 1, 101):
        time.sleep(0.02)
        save(number)
"""
MEETS = """
import os, socket, time

def run(instance, save, state):
    os.makedirs("met", exist_ok=True)
    open(f"met/{os.path.basename(instance)}", "w").close()
    deadline = time.monotonic() + 20
    while len(os.listdir("met")) < 4:  # all that the allocation has room for are called at the same time
        assert time.monotonic() < deadline, "nobody else has come"
        time.sleep(0.02)
    save(socket.gethostname())
"""
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(180)]


def _experiment(folder: Path, module: str, names: str) -> None:
    (folder / "sat.py").write_text(module)
    for name in names:
        (folder / f"{name}.cnf").write_text("x")


def _fact(cluster: Lab, job: str, name: str) -> str:
    [value] = re.findall(rf"\b{name}=(\S+)", cluster.say("scontrol", "show", "job", job, "--oneliner"))
    return str(value)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_job_script_of_the_readme_queues_itself_again_until_all_is_done(cluster: Lab, tmp_path: Path) -> None:
    _experiment(tmp_path, COUNTS, "abc")
    [script] = re.findall(r"```bash\n(#!/bin/bash\n.*?)```", README, re.DOTALL)
    script = script.replace("--cpus-per-task=8", "--cpus-per-task=2").replace("--workers 8", "--workers 2")
    assert script.count("pyalma-tui ") == 1
    (tmp_path / "job.sh").write_text(script.replace("pyalma-tui ", f"{sys.executable} -m pyalma_tui "))
    out = tmp_path / "out.txt"

    job = cluster.say("sbatch", "--parsable", f"--chdir={tmp_path}", f"--output={out}", str(tmp_path / "job.sh"))
    _until(lambda: out.exists() and " saved " in out.read_text())
    cluster.say("scancel", "--batch", "--signal=USR1", job)  # as --signal=B:USR1@120 does before the time is over
    _until(lambda: _fact(cluster, job, "Restarts") == "1")
    _until(lambda: _fact(cluster, job, "JobState") in ("COMPLETED", "FAILED", "CANCELLED"))

    told = out.read_text()
    assert _fact(cluster, job, "JobState") == "COMPLETED", told
    assert "SIGUSR1: this job is taken away; each run stops at its next save()" in told
    assert re.search(r"running again, attempt 2  state [1-9]", told), "it goes on with what was saved"
    assert "not a child" not in told
    store = read_store(tmp_path / "sat.alma")
    assert store is not None
    assert [type(run.status) for run in store.ledger.runs] == [s.Done] * 3
    assert len(list((tmp_path / "sat.alma" / "sessions").glob("0*.json"))) == 2


def test_places_are_steps_of_the_allocation_that_it_is_in_as_many_as_there_are_processors(
    cluster: Lab, tmp_path: Path
) -> None:
    _experiment(tmp_path, MEETS, "abcd")
    program = [sys.executable, "-m", "pyalma_tui", "sat.py", "a.cnf", "b.cnf", "c.cnf", "d.cnf", "--plain"]
    done = subprocess.run(
        [*cluster.on(0), "salloc", "-N2", "-n4", "--mem=100", "--time=3", *program, "--workers", "4", "--on", "slurm"],
        cwd=tmp_path,
        env=cluster.env,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" has come, with 2 processors, for ") == 4, "the end of the allocation is known"
    store = read_store(tmp_path / "sat.alma")
    assert store is not None
    assert sorted(run.host for run in store.ledger.runs) == ["node1", "node1", "node2", "node2"]
