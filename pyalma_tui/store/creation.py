"""Making a state directory, empty or with what is known already instead of a plan."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

from pyalma_tui.errors import StoreError
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.store import layout
from pyalma_tui.store.checkpoint import Checkpoint, write_checkpoint
from pyalma_tui.store.disk import make_folder, sync_directory
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.ours import refuse_foreign
from pyalma_tui.store.schema import Meta


def prepare(state_dir: Path, umask: int | None = None) -> None:
    """Make the directories that are not there yet, durably; raises OSError, also if they cannot be written.

    Files of the user's that have names of ours are refused before, as OSError or StoreError.

    Somebody else may make them at the same time: who may go on is for the lock to say. Their modes follow `umask`, or
    that of the process.
    """
    refuse_foreign(state_dir)
    for directory in (state_dir, layout.journal(state_dir), layout.logs(state_dir)):
        if make_folder(directory, umask):
            sync_directory(directory.parent)
    for directory in (state_dir, layout.journal(state_dir)):
        if not os.access(directory, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, "it cannot be written", str(directory))


def create(state_dir: Path, meta: Meta, instances: Sequence[Instance], runs: Sequence[Run]) -> None:
    """Write the first checkpoint of a new state directory, durably. Raises StoreError, InUseError.

    Refuses if the directory remembers anything; then, and if it cannot be written, nothing was changed.
    """
    try:
        prepare(state_dir)
        with Lock(state_dir, time.time()):
            if read_store(state_dir) is not None:
                raise StoreError(f"store: {state_dir}: it remembers an experiment already. Nothing was changed")
            write_checkpoint(state_dir, Checkpoint(meta, instances, runs, {}))
    except OSError as error:
        where = error.filename or state_dir
        raise StoreError(f"store: {where}: {error.strerror}. --state DIR chooses another place") from error
