"""What the end of the runner is told as, if an error brought it about."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.errors import DefectError, Failure, PyalmaError, StoreError
from pyalma_tui.runner.steps import MAKE_ROOM


def failure_of(error: Exception, state_dir: Path) -> Failure:
    """What has failed: what the error itself says, the disk under `state_dir`, or the runner."""
    if isinstance(error, PyalmaError):
        return error.failure
    if isinstance(error, OSError):
        where = error.filename or state_dir
        return StoreError(f"store: {where}: {error.strerror}. What was saved is kept; {MAKE_ROOM}").failure
    text = f"runner: {type(error).__name__}: {error}. What was saved is kept; please report this"
    return DefectError(text).failure
