"""The first agent of a session: it imports the run module before anything is opened or changed."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pyalma_tui.errors import LoadError, ShortageError
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.outside import Fence
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.taking import job_signals
from pyalma_tui.runner.printed import failed
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.store.disk import make_folder, open_regular
from pyalma_tui.store.layout import FIRST_LOAD_LOG, load_log_dir
from pyalma_tui.store.ours import is_begun


@contextmanager
def first_agent(
    module: Path,
    state_dir: Path,
    chosen: Chosen | None = None,
    *,
    each: bool = False,
    foreground: bool = False,
    folder: Path | None = None,
    fence: Fence | None = None,
) -> Iterator[LocalAgent]:
    """An agent that imports the module. What fails inside of the `with` ends it; otherwise it lives on after it.

    `each` lets every worker import the module by itself, `folder` is its working directory, None for ours; of what is
    written outside of the `fence` notes are taken. Raises ShortageError if no process can be started, LoadError if this
    one cannot.
    """
    with tempfile.TemporaryFile() as output:
        agent = _start(module, output, chosen, folder, fence, each=each, foreground=foreground)
        try:
            yield agent
        except LoadError as error:
            agent.part()
            log = _keep_output(output, state_dir) if is_begun(state_dir) else None  # a failed load makes no directory
            raise failed(error, output, log) from None
        except Exception:
            agent.part()
            raise
        except BaseException:  # a Ctrl+C: at once
            agent.discard()
            raise
        _keep_output(output, state_dir)


def _start(
    module: Path,
    output: IO[bytes],
    chosen: Chosen | None,
    folder: Path | None,
    fence: Fence | None,
    *,
    each: bool,
    foreground: bool,
) -> LocalAgent:
    mark = f"first-{os.getpid()}-{time.monotonic_ns()}"  # its own even if one process runs several experiments
    heeds = () if foreground else job_signals(os.environ)
    try:
        return LocalAgent(
            module, output, mark, chosen, each=each, foreground=foreground, folder=folder, heeds=heeds, fence=fence
        )
    except OSError as error:
        if is_shortage(error):
            raise ShortageError(f"no worker can be started: {error.strerror}") from error
        # as of arguments that are too long together
        raise LoadError(f"module: {module}: no process can be started for it: {error.strerror}") from error


def _keep_output(output: IO[bytes], state_dir: Path) -> Path | None:
    """What the module printed while it was imported goes into its load log; nothing of it reached the terminal."""
    output.seek(0, os.SEEK_END)
    if output.tell() == 0:
        return None
    output.seek(0)
    folder = load_log_dir(state_dir)
    try:  # a log is no reason not to start
        make_folder(folder)
        with os.fdopen(open_regular(folder / FIRST_LOAD_LOG, os.O_WRONLY | os.O_CREAT), "wb") as log:
            log.truncate()
            shutil.copyfileobj(output, log)
    except OSError:
        return None
    return folder / FIRST_LOAD_LOG
