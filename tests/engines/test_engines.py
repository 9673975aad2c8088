"""The real program on hosts that real engines lead to, disturbed for a while."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store
from tests.engines.lab import Lab
from tests.engines.world import play_in
from tests.places import counting

KINDS, DEEDS = ("worker", "stop", "tear"), ("host cut off long", "scancel", "slurmd", "slurmstepd")
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(400)]


def test_runs_are_called_on_the_hosts_and_nothing_is_lost_whatever_happens_there(
    lab_and_on: tuple[Lab, str], tmp_path: Path
) -> None:
    lab, on = lab_and_on
    engine = "slurm" if on == "slurm" else "ssh"
    score = play_in(lab, engine, on, tmp_path, seed=7, kinds=KINDS, deeds=DEEDS, instances=3)
    assert score.broken == [], score.told()
    assert score.completions >= 1
    assert {*KINDS, "host cut off long"} <= set(score.kills)
    store = read_store(tmp_path / "0" / "counting.alma")
    assert store is not None
    assert {run.host for run in store.ledger.runs} <= {"node1", "node2"}


def test_runs_of_a_host_that_is_cut_off_go_on_at_another_one(lab_and_on: tuple[Lab, str], tmp_path: Path) -> None:
    lab, on = lab_and_on
    history = tmp_path / "history"
    history.mkdir()
    shutil.copy(counting.__file__, tmp_path / "counting.py")
    (tmp_path / "i0.txt").write_text("x")
    program = [sys.executable, "-m", "pyalma_tui", "counting.py", "i0.txt", "--plain", "--lease", "2", "--on", on]
    with subprocess.Popen([*lab.on(0), *program], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as start:
        deadline = time.monotonic() + 60
        while not (first := _hosts_that_saved(history)):
            assert time.monotonic() < deadline, "nothing has run"
            time.sleep(0.01)
        lab.cut(int(first[0][-1]))
        try:
            out, _ = start.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            start.send_signal(signal.SIGKILL)
            raise
    assert start.returncode == 0, out
    assert "not heard of for" in out
    assert "its runs wait until" in out
    hosts = _hosts_that_saved(history)
    assert {"node1", "node2"} == set(hosts)
    assert "overlap" not in (history / "i0.txt").read_text()
    store = read_store(tmp_path / "counting.alma")
    assert store is not None
    assert isinstance(store.ledger.run(1).status, s.Done)


def _hosts_that_saved(history: Path) -> list[str]:
    path = history / "i0.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split()[1] for line in lines if " saved " in line]
