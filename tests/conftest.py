"""How many tests run at a time."""

from __future__ import annotations

import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each processor: half of the time a test waits for the program that it has started."""
    return 2 * (os.cpu_count() or 1)
