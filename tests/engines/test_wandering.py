"""One experiment on one engine after the other, and on this host in between."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.engines.dask_lab import LACKS_DASK, DaskLab
from tests.engines.lab import LACKS_SLURM, LACKS_SSH
from tests.engines.world import a_lab, start
from tests.places import counting
from tests.places.checking import Score, check, lines_of

PATIENCE = 60.0  # seconds
SAVES = 300
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(180)]


def _wander(
    folder: Path, stays: Sequence[tuple[str, set[str]]], prefix: Sequence[str] = (), env: Mapping[str, str] = os.environ
) -> None:
    """Start it with each `--on`, where it saves on one of these hosts and is interrupted; the last start ends it."""
    (folder / "history").mkdir(parents=True)
    counting.write(folder / "m.py", folder / "history")
    (folder / "i1.txt").write_text("x")
    program = [*prefix, sys.executable, "-m", "pyalma_tui", "m.py", "i1.txt", "--plain", "--lease", "5"]
    attempts = 0
    for number, (on, hosts) in enumerate(stays):
        with open(folder / f"out{number}", "w") as out:
            process = subprocess.Popen(
                [*program, "--on", on], cwd=folder, env={**env, "SAVES": str(SAVES)}, stdout=out, stderr=out
            )
        deadline = time.monotonic() + PATIENCE
        try:
            while not _has_saved(folder, attempts, hosts):
                assert process.poll() is None, (folder / f"out{number}").read_text()
                assert time.monotonic() < deadline, (folder / f"out{number}").read_text()
                time.sleep(0.02)
            if number < len(stays) - 1:
                process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == (130 if number < len(stays) - 1 else 0)
        finally:
            process.kill()
        attempts = sum(line[3] == "start" for line in lines_of(folder, "i1.txt"))
    assert attempts == len(stays)
    score = Score()
    check(folder, folder / "m.alma", ["i1.txt"], score, finished=True)
    assert score.broken == [], score.told()
    called = [line[4] for line in lines_of(folder, "i1.txt") if line[3] == "call"]
    assert called == [str(number) for number in range(1, SAVES + 1)], "nothing was done twice"


def _has_saved(folder: Path, attempts: int, hosts: set[str]) -> bool:
    """Whether one more attempt has saved, on one of these hosts."""
    lines = lines_of(folder, "i1.txt")
    begun = sum(line[3] == "start" for line in lines)
    return begun > attempts and lines[-1][3] != "start" and lines[-1][1] in hosts


@pytest.mark.skipif(bool(LACKS_DASK), reason=LACKS_DASK)
def test_what_was_begun_on_dask_goes_on_here_and_back(tmp_path: Path) -> None:
    dask = DaskLab(tmp_path / "cluster")
    try:
        dask.start_worker("node1", {"SAVES": str(SAVES)})
        there = (dask.on, {"node1"})
        _wander(tmp_path / "work", [there, ("here", {socket.gethostname()}), there])
    finally:
        dask.close()


@pytest.mark.skipif(bool(LACKS_SSH or LACKS_SLURM), reason=LACKS_SSH or LACKS_SLURM)
def test_what_was_begun_over_ssh_goes_on_here_and_then_on_slurm(tmp_path: Path) -> None:
    nodes = {"node1", "node2"}
    with a_lab() as lab:
        stays = [(start(lab, "ssh"), nodes), ("here", {"node0"}), (start(lab, "slurm"), nodes)]
        _wander(tmp_path / "work", stays, lab.on(0), lab.env)
