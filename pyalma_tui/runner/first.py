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
from pyalma_tui.runner.snapshot import load_log_dir


@contextmanager
def first_worker(module: Path, state_dir: Path) -> Iterator[Worker]:
    """A worker that imports the module. What fails inside of the `with` ends it; otherwise it lives on after it.

    The mark is its own even if several experiments are run by one process: a worker's orphans are found by it.
    """
    become_subreaper()
    with tempfile.TemporaryFile() as output:
        worker = Worker(module, output, f"first-{os.getpid()}-{time.monotonic_ns()}")
        try:
            yield worker
        except Exception:
            worker.part()
            raise
        except BaseException:  # a Ctrl+C: at once
            worker.kill()
            raise
        _keep_output(output, state_dir)


def _keep_output(output: IO[bytes], state_dir: Path) -> None:
    """What the module printed while it was imported goes into its load log; nothing of it reached the terminal."""
    output.seek(0, os.SEEK_END)
    if output.tell() == 0:
        return
    output.seek(0)
    directory = load_log_dir(state_dir)
    with contextlib.suppress(OSError):  # a log is no reason not to start
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "first.log").touch(0o600)
        with (directory / "first.log").open("wb") as log:
            shutil.copyfileobj(output, log)
