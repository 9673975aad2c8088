"""Threads of the store: what is written and synced while the runner goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pyalma_tui.model.shortage import is_shortage


def begun(name: str, target: Callable[[], None], *, daemon: bool = True) -> threading.Thread | None:
    """A thread that has begun, None if none can be started now."""
    thread = threading.Thread(target=target, name=name, daemon=daemon)
    try:
        thread.start()
    except RuntimeError as error:
        if not is_shortage(error):
            raise
        return None
    return thread
