"""Laboratories of hosts with the engines that lead to them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engines.lab import LACKS_SLURM, LACKS_SSH, Lab, lacks

ssh = pytest.mark.skipif(bool(LACKS_SSH), reason=LACKS_SSH)
slurm = pytest.mark.skipif(bool(LACKS_SLURM), reason=LACKS_SLURM)


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


@pytest.fixture(scope="module")
def cluster() -> Iterator[Lab]:
    """A lab with Slurm on it."""
    if LACKS_SLURM:
        pytest.skip(LACKS_SLURM)
    with a_lab() as lab:
        lab.start_slurm()
        yield lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab without engines."""
    if why := lacks():
        pytest.skip(why)
    with a_lab() as lab:
        yield lab
