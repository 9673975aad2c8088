"""Making a state directory that begins with what is known already, instead of with a plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from pyalma_tui.errors import StoreError
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.opening import Checkpoint, read_store, write_checkpoint
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.segment import sync_directory


def found(state_dir: Path, meta: Meta, instances: Sequence[Instance], runs: Sequence[Run]) -> None:
    """Write the first checkpoint of a new state directory, durably. Raises StoreError, InUseError.

    Refuses if the directory remembers anything; then, and if it cannot be written, nothing was changed.
    """
    try:
        for directory in (state_dir, state_dir / "journal", state_dir / "logs"):
            if not directory.is_dir():
                directory.mkdir(mode=0o700)
                sync_directory(directory.parent)
        with Lock(state_dir, time.time()):
            if read_store(state_dir) is not None:
                raise StoreError(f"store: {state_dir}: it remembers an experiment already. Nothing was changed")
            write_checkpoint(state_dir, Checkpoint(meta, instances, runs, {}))
    except OSError as error:
        where = error.filename or state_dir
        raise StoreError(f"store: {where}: {error.strerror}. --state DIR chooses another place") from error
