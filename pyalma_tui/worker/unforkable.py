"""Why workers cannot be forked from the process that has imported a run module."""

from __future__ import annotations

import sys
import threading
from types import ModuleType

# Runtimes that start threads or take hold of devices which a fork does not have, and how each tells that it has.
_STARTED = {
    "jax": lambda module: True,  # it starts threads when it is imported
    "tensorflow": lambda module: True,
    "torch": lambda module: module.cuda.is_initialized(),
    "jpype": lambda module: module.isJVMStarted(),
}


def unforkable() -> str:
    """The reason in a few words, "" if there is none.

    Threads of C libraries that set themselves up anew after a fork, as OpenBLAS does, are none.
    """
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if others:
        return f"a thread that it has started runs ({others[0]})"
    for name, started in _STARTED.items():
        module = sys.modules.get(name)
        if isinstance(module, ModuleType) and _is_true(started, module):
            return f"{name} does not survive a fork"
    return ""


def _is_true(started: object, module: ModuleType) -> bool:
    try:
        return bool(started(module))  # type: ignore[operator]
    except Exception:  # noqa: BLE001 - another version of the library: then nothing is known of it
        return False
