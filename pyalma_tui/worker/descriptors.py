"""Descriptors of ours that user code may close, and then have something else there."""

from __future__ import annotations

import os
from collections.abc import Callable


def watched(fd: int) -> Callable[[], bool]:
    """A function that says whether the descriptor still stands for what it stands for now."""
    ours = os.fstat(fd)

    def is_ours() -> bool:
        try:
            return os.path.samestat(os.fstat(fd), ours)
        except OSError:  # closed
            return False

    return is_ours


def close_in_children(fd: int) -> None:
    """What user code forks lets go of this, unless user code has closed it and has something else there."""
    is_ours = watched(fd)
    os.register_at_fork(after_in_child=lambda: os.close(fd) if is_ours() else None)
