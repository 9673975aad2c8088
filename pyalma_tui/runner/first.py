"""The first worker of a session: it imports the run module before anything is opened or changed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pyalma_tui.runner.local_slots import Worker, become_subreaper
from pyalma_tui.runner.snapshot import first_log_path


@contextmanager
def first_worker(module: Path, state_dir: Path) -> Iterator[Worker]:
    """A worker that imports the module. What fails inside of the `with` kills it; otherwise it lives on after it.

    The mark is its own even if several experiments are run by one process: a worker's orphans are found by it.
    """
    become_subreaper()
    with tempfile.TemporaryFile() as output:
        worker = Worker(module, output, f"first-{os.getpid()}-{time.monotonic_ns()}")
        try:
            yield worker
        except BaseException:
            worker.kill()
            raise
        _keep_output(output, state_dir)


def _keep_output(output: IO[bytes], state_dir: Path) -> None:
    """What the module printed while it was imported goes into its load log; nothing of it reached the terminal."""
    output.seek(0, os.SEEK_END)
    if output.tell() == 0:
        return
    output.seek(0)
    path = first_log_path(state_dir)
    with contextlib.suppress(OSError):  # a log is no reason not to start
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        with path.open("wb") as log:
            shutil.copyfileobj(output, log)
