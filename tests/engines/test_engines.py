"""The real program on hosts that real engines lead to, disturbed for a while."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store
from tests.engines.lab import Lab, lacks
from tests.places import counting
from tests.places.nemesis import play

SECONDS = float(os.environ.get("PYALMA_TUI_PLACES_SECONDS", "6"))
LACKS_SSH, LACKS_SLURM = lacks("sshd", "ssh", "ssh-keygen"), lacks("slurmctld", "slurmd", "srun", "munged")
ssh = pytest.mark.skipif(bool(LACKS_SSH), reason=LACKS_SSH)
slurm = pytest.mark.skipif(bool(LACKS_SLURM), reason=LACKS_SLURM)
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(300)]


@contextmanager
def a_lab() -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="lab"))  # a short path: munge's socket is in it
    folder.chmod(0o755)
    lab = Lab(folder)
    try:
        yield lab
    finally:
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=[pytest.param("ssh", marks=ssh), pytest.param("slurm", marks=slurm)])
def lab_and_on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, str]]:
    """A lab, and the `--on` that leads to its nodes."""
    with a_lab() as lab:
        if request.param == "ssh":
            command = lab.start_ssh()
            on = f"each:{command} node1;{command} node2"
        else:
            lab.start_slurm()
            on = "slurm"
        for name in ("PATH", "SLURM_CONF"):
            if name in lab.env:
                monkeypatch.setenv(name, lab.env[name])
        yield lab, on


def test_runs_are_called_on_the_hosts_and_nothing_is_lost_whatever_happens_there(
    lab_and_on: tuple[Lab, str], tmp_path: Path
) -> None:
    lab, on = lab_and_on
    score = play(tmp_path, SECONDS, seed=7, on=on, prefix=lab.on(0), instances=3)
    assert score.broken == []
    assert score.completions >= 1
    store = read_store(tmp_path / "1" / "counting.alma")
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
