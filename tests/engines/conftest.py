"""Laboratories of hosts with the engines that lead to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.lab import LACKS_SLURM, LACKS_SSH, Lab, lacks
from tests.engines.world import a_lab, start

ssh = pytest.mark.skipif(bool(LACKS_SSH), reason=LACKS_SSH)
slurm = pytest.mark.skipif(bool(LACKS_SLURM), reason=LACKS_SLURM)


@pytest.fixture(params=[pytest.param("ssh", marks=ssh), pytest.param("slurm", marks=slurm)])
def lab_and_on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, str]]:
    """A lab, and the `--on` that leads to its nodes."""
    with a_lab() as lab:
        on = start(lab, request.param)
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
