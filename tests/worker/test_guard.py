"""What a worker keeps from the children that user code forks."""

from __future__ import annotations

import subprocess
import sys

FORKS = """
import os
from pyalma_tui.worker.descriptors import close_in_children
kept, reused, closed = (os.open(os.devnull, os.O_RDONLY) for _ in range(3))
other = os.pipe()[0]
for fd in (kept, reused, closed):
    close_in_children(fd)
os.close(closed)
os.dup2(other, reused)
if os.fork() == 0:
    for fd in (kept, reused, closed):
        try:
            os.fstat(fd)
            os.write(1, b"open ")
        except OSError:
            os.write(1, b"closed ")
    os._exit(0)
os.wait()
"""


def test_a_child_closes_ours_and_nothing_that_user_code_has_put_there() -> None:
    result = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True, timeout=60)
    assert (result.stdout, result.stderr) == ("closed open closed ", "")
