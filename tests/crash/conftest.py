"""Small limits, so that a short workload rotates, carries over and checkpoints; a clock that never stands still."""

from __future__ import annotations

import itertools
import time

import pytest

from pyalma_tui.store import journal


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is due after two kilobytes; two damaged files never get one name."""
    monkeypatch.setattr(journal, "CHECKPOINT_AT", 2000)
    ticks = itertools.count(1_700_000_000)
    real = time.strftime
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))
    monkeypatch.setattr(time, "strftime", lambda shape, at=None: real(shape, at or time.gmtime(next(ticks))))
