"""How long a job may run, as engines tell it."""

from __future__ import annotations

import pytest

from pyalma_tui.model.taking import time_left


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("59\n", 59),
        ("1:30\n", 90),
        ("3:59:59\n", 14399),
        ("2-00:00:01\n", 172801),
        ("0:00\n", 1),
        ("364-23:59:58\n", 0),
        ("UNLIMITED\n", 0),
        ("INVALID\n", 0),
        ("", 0),
        ("slurm_load_jobs error: Invalid job id specified", 0),
    ],
)
def test_the_time_that_slurm_leaves_is_read_as_it_writes_it(said: str, seconds: float) -> None:
    assert time_left(said) == seconds
