"""Small limits, so that a short workload rotates, carries over and checkpoints; a clock that stands still."""

from __future__ import annotations

import sys
import time
from time import struct_time

import pytest

from pyalma_tui.store import journal, row_files
from pyalma_tui.worker import recording
from tests.crash import lab  # noqa: F401 - all that looks at the clock is imported with it

NOW = 1_700_000_000.0


class StoppedClock:
    """`time` of a module of ours, in which all happens within one second: no name can rely on the next one."""

    def time(self) -> float:
        return NOW

    def strftime(self, shape: str, at: struct_time | None = None) -> str:
        return time.strftime(shape, at or time.gmtime(NOW))

    def __getattr__(self, name: str) -> object:
        return getattr(time, name)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is due after two kilobytes; the same workload writes the same bytes each time."""
    monkeypatch.setattr(journal, "CHECKPOINT_AT", 2000)
    monkeypatch.setattr(recording, "HELD", 90)
    monkeypatch.setattr(recording, "FILE", 250)
    monkeypatch.setattr(row_files, "MANY", 2)
    monkeypatch.setattr(row_files, "FILE", 400)
    for name, module in list(sys.modules.items()):
        if name.startswith("pyalma_tui.") and getattr(module, "time", None) is time:
            monkeypatch.setattr(module, "time", StoppedClock())
